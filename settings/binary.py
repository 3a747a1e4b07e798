"""The kube-proxy binary: its version, its source, and its digests."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from settings.files import MOST_BINARY, Files
from settings.problems import Location, Problems
from settings.stack import BinarySection, BinarySource
from settings.versions import KubernetesVersion, skew_error


class Architecture(StrEnum):
    """A node's processor, named as in Kubernetes' releases."""

    AMD64 = "amd64"
    ARM64 = "arm64"


@dataclass(frozen=True)
class Binary:
    """The kube-proxy binary. `version` has no leading v, a digest is 64 lower case hexadecimal digits.

    With source file there is one digest, that of the file.
    """

    version: str
    source: BinarySource
    path: Path | None
    url: str | None
    sha256: Mapping[Architecture, str]


def read_binary(section: BinarySection, control_plane: KubernetesVersion | None, files: Files) -> Binary:
    """Return the binary's settings, and report what is wrong with them."""
    if section.version and control_plane and (must := skew_error(section.version, control_plane)):
        files.problems.invalid(("binary", "version"), section.version, must)
    _check_source(section, files.problems)
    given = {Architecture.AMD64: section.sha256.amd64, Architecture.ARM64: section.sha256.arm64}
    found = {name: _digest(value, ("binary", "sha256", name.value), files) for name, value in given.items() if value}
    sha256 = {name: digest for name, digest in found.items() if digest}
    name = section.path if section.source == BinarySource.FILE else None
    content = files.content(name, ("binary", "path"), most=MOST_BINARY) if name else None
    if name is None or content is None:
        return Binary(section.version, section.source, None, section.url, sha256)
    digest = hashlib.sha256(content).hexdigest()
    own = {name: pinned for name, pinned in sha256.items() if pinned == digest}
    if found and len(sha256) == len(found) and not own:
        must = f"must be the file that binary.sha256 pins; its digest is {digest}"
        files.problems.invalid(("binary", "path"), name, must)
    return Binary(section.version, section.source, files.path(name), None, own)


def _check_source(section: BinarySection, problems: Problems) -> None:
    for key, source, value, example in (
        ("path", BinarySource.FILE, section.path, "bin/kube-proxy"),
        ("url", BinarySource.URL, section.url, "https://example.org/kube-proxy"),
    ):
        if section.source == source and value is None:
            problems.required(("binary", key), f"must be set with source: {source} (e.g. {example})")
        elif section.source != source and value is not None:
            belongs = f"belongs to source: {source}, not {section.source}: remove it, or change source"
            problems.forbidden(("binary", key), belongs)
    if section.source != BinarySource.PREINSTALLED and not any((section.sha256.amd64, section.sha256.arm64)):
        problems.required(
            ("binary", "sha256"),
            "must have the binary's digest for each architecture in use (e.g. amd64: 64 hexadecimal digits, "
            "or the name of the kube-proxy.sha256 file that is published with the binary)",
        )


def _digest(value: str, at: Location, files: Files) -> str | None:
    """Return a digest, which is the value itself or the first word of a file in sha256sum's format."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return value.lower()
    if re.fullmatch(r"[0-9a-fA-F]{16,}", value):
        files.problems.invalid(at, value, f"must be 64 hexadecimal digits, not {len(value)}")
        return None
    return files.parse(value, at, _first_digest)


def _first_digest(text: str) -> str:
    first = [*text.split(), ""][0]
    if re.fullmatch(r"[0-9a-fA-F]{64}", first):
        return first.lower()
    raise ValueError("must name a file that starts with 64 hexadecimal digits, as sha256sum writes it")
