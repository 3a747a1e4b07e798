"""Kubernetes versions: how they are written, which of kube-proxy are supported, and how far it may lag behind.

The skew rule is Kubernetes' version skew policy (kubernetes.io/releases/version-skew-policy): kube-proxy must not be
newer than kube-apiserver and may be up to three minor versions older. It counts minor versions, not patches.
"""

import re
from typing import Final

SUPPORTED_MINORS: Final = (34, 35, 36, 37)
"""Minor versions of kube-proxy 1.x that this program was run with."""

GREATEST_SKEW: Final = 3

_VERSION = re.compile(r"v?(?P<version>1\.(?P<minor>0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:[-+][0-9A-Za-z.+-]+)?)")


def kubernetes_version(text: str) -> str:
    """Return `1.36.2` for `1.36.2` or `v1.36.2`.

    Raises:
        ValueError: it is not the complete version of a Kubernetes release.
    """
    match = _VERSION.fullmatch(text)
    if not match:
        raise ValueError("must be a complete Kubernetes version (e.g. 1.36.2)")
    return match["version"]


def supported_version(text: str) -> str:
    """Return `1.36.2` for `1.36.2` or `v1.36.2`.

    Raises:
        ValueError: it is not the version of a kube-proxy that is supported.
    """
    version = kubernetes_version(text)
    if minor(version) not in SUPPORTED_MINORS:
        raise ValueError(f"must be one of 1.{SUPPORTED_MINORS[0]} to 1.{SUPPORTED_MINORS[-1]} (e.g. 1.36.2)")
    return version


def minor(version: str) -> int:
    """Return the 36 of `1.36.2`."""
    return int(version.split(".")[1])


def skew(kube_proxy: str, control_plane: str) -> str | None:
    """Return what kube-proxy's version must be beside this control plane; None if it is so."""
    newest = minor(control_plane)
    oldest = newest - GREATEST_SKEW
    beside = f"than cluster.version {control_plane} (Kubernetes' version skew policy)"
    if minor(kube_proxy) > newest:
        return f"must not be newer {beside}: use 1.{newest}, or upgrade the control plane first"
    if minor(kube_proxy) < oldest:
        return f"must be at most three minor versions older {beside}: use 1.{oldest} or newer"
    return None
