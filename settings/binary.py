"""The kube-proxy binary: its version beside the control plane's, and the digest that pins it."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from settings import versions
from settings.files import Files
from settings.model import Architecture, Binary, BinarySource
from settings.problems import Location
from settings.stack import BinarySection


def read(section: BinarySection, control_plane: str | None, files: Files) -> Binary | None:
    """Return the binary's settings, or None and problems."""
    _check_version(section, control_plane, files)
    _check_source(section, files)
    sha256 = _digests(section, files)
    file = _file(section, sha256, files)
    if section.version is None:
        return None
    if file is None:
        return Binary(section.version, section.source, None, section.url, sha256)
    path, digest = file
    own = {architecture: pin for architecture, pin in sha256.items() if pin == digest}
    return Binary(section.version, section.source, path, None, own)


def _check_version(section: BinarySection, control_plane: str | None, files: Files) -> None:
    at = ("binary", "version")
    if section.version is None:
        files.problems.required(at, "must be kube-proxy's version (e.g. 1.36.2)")
    elif control_plane is not None and (reason := versions.skew(section.version, control_plane)):
        files.problems.invalid(at, section.version, reason)


def _check_source(section: BinarySection, files: Files) -> None:
    given = {"path": section.path, "url": section.url}
    belongs = {"path": BinarySource.FILE, "url": BinarySource.URL}
    example = {"path": "bin/kube-proxy", "url": "https://example.org/kube-proxy"}
    for key, source in belongs.items():
        if section.source == source and given[key] is None:
            files.problems.required(("binary", key), f"must be given with source: {source} (e.g. {example[key]})")
        elif section.source != source and given[key] is not None:
            files.problems.forbidden(
                ("binary", key), f"belongs to source: {source}, not {section.source}: remove it, or change source"
            )
    if section.source != BinarySource.PREINSTALLED and not any((section.sha256.amd64, section.sha256.arm64)):
        files.problems.required(
            ("binary", "sha256"),
            "must be the binary's digest for each architecture in use (e.g. amd64: 64 hexadecimal digits, "
            "or the name of a kube-proxy.sha256 file as it is published beside the binary)",
        )


def _digests(section: BinarySection, files: Files) -> Mapping[Architecture, str]:
    given = {Architecture.AMD64: section.sha256.amd64, Architecture.ARM64: section.sha256.arm64}
    digests: dict[Architecture, str] = {}
    for architecture, value in given.items():
        if value is not None and (digest := _digest(value, ("binary", "sha256", architecture.value), files)):
            digests[architecture] = digest
    return digests


def _digest(value: str, at: Location, files: Files) -> str | None:
    """Return the digest that is given itself or as the first word of a file (sha256sum's format)."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return value.lower()
    if re.fullmatch(r"[0-9a-fA-F]{16,}", value):
        files.problems.invalid(at, value, f"must be 64 hexadecimal digits, not {len(value)}")
        return None
    text = files.text(value, at)
    if text is None:
        return None
    words = text.split()
    if words and re.fullmatch(r"[0-9a-fA-F]{64}", words[0]):
        return words[0].lower()
    files.problems.invalid(at, value, "must name a file that begins with 64 hexadecimal digits, as sha256sum writes it")
    return None


def _file(section: BinarySection, sha256: Mapping[Architecture, str], files: Files) -> tuple[Path, str] | None:
    """Return the binary's path and digest; a content other than the pinned one is a problem."""
    if section.source != BinarySource.FILE or section.path is None:
        return None
    at = ("binary", "path")
    content = files.content(section.path, at)
    if content is None:
        return None
    digest = hashlib.sha256(content).hexdigest()
    given = [value for value in (section.sha256.amd64, section.sha256.arm64) if value is not None]
    if given and len(sha256) == len(given) and digest not in sha256.values():
        files.problems.invalid(at, section.path, f"must be the file that binary.sha256 pins; its digest is {digest}")
    return files.path(section.path), digest
