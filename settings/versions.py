"""Kubernetes versions: their format, the supported kube-proxies, and the version skew policy.

The skew rule is Kubernetes' version skew policy (kubernetes.io/releases/version-skew-policy): kube-proxy must not be
newer than kube-apiserver and may be up to three minor versions older. It counts minor versions, not patches.
"""

import re
from typing import Annotated, Final, Self, TypeAlias

from settings.field_types import ParsedText, checked

SUPPORTED_MINORS: Final = (34, 35, 36, 37)
"""Minor versions of kube-proxy 1.x that this program is tested with. docs/adding.md says how to add one."""

GREATEST_SKEW: Final = 3

_VERSION = re.compile(
    r"v?(?P<version>1\.(?P<minor>0|[1-9][0-9]{0,3})\.(?:0|[1-9][0-9]{0,3})(?:[-+][0-9A-Za-z.+-]{1,100})?)"
)


class KubernetesVersion(ParsedText):
    """The complete version of a Kubernetes release, without a leading v: `1.36.2`."""

    minor: int
    """The 36 of `1.36.2`."""

    def __new__(cls, text: str) -> Self:
        """Accept `1.36.2` and `v1.36.2`."""
        match = _VERSION.fullmatch(text)
        if not match:
            raise ValueError("must be a complete Kubernetes version (e.g. 1.36.2)")
        version = super().__new__(cls, match["version"])
        version.minor = int(match["minor"])
        return version


SupportedVersion: TypeAlias = Annotated[
    KubernetesVersion,
    checked(
        lambda version: version.minor in SUPPORTED_MINORS,
        f"must be one of 1.{SUPPORTED_MINORS[0]} to 1.{SUPPORTED_MINORS[-1]} (e.g. 1.36.2)",
    ),
]


def skew_error(kube_proxy: KubernetesVersion, control_plane: KubernetesVersion) -> str | None:
    """Return what kube-proxy's version must be with this control plane, or None if it is allowed."""
    newest, oldest = control_plane.minor, control_plane.minor - GREATEST_SKEW
    beside = f"than cluster.version {control_plane} (Kubernetes' version skew policy)"
    if kube_proxy.minor > newest:
        return f"must not be newer {beside}: use 1.{newest}, or upgrade the control plane first"
    if kube_proxy.minor < oldest:
        return f"must be at most three minor versions older {beside}: use 1.{oldest} or newer"
    return None
