"""The kube-proxy binary and its digest."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings import Architecture, Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]

DIGEST = hashlib.sha256(b"the binary").hexdigest()


class TestBinary:
    """A binary that is copied or downloaded must have a pinned digest."""

    @pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), "kube-proxy.sha256"])
    def test_digest_may_be_given_directly_or_in_a_published_file(
        self, values: Values, loaded: Load, project: Path, digest: str
    ) -> None:
        values["binary"] |= {"source": "file", "path": "kube-proxy", "sha256": {"amd64": "0" * 64, "arm64": digest}}
        binary = loaded(values).binary

        assert binary.path == project / "kube-proxy"
        assert binary.sha256 == {Architecture.ARM64: DIGEST}, "the file's architecture"

    def test_binary_must_have_the_pinned_digest(self, values: Values, refused: Refused, project: Path) -> None:
        (project / "kube-proxy").write_bytes(b"another")
        values["binary"] |= {"source": "file", "path": "kube-proxy", "sha256": {"amd64": DIGEST}}
        digest = hashlib.sha256(b"another").hexdigest()

        assert refused(values) == [
            'binary.path: Invalid value: "kube-proxy": '
            f"must be the file that binary.sha256 pins; its digest is {digest}"
        ]

    @pytest.mark.parametrize(
        ("digest", "message"),
        [
            (DIGEST[:-1], f'Invalid value: "{DIGEST[:-1]}": must be 64 hexadecimal digits, not 63'),
            ("sums", 'Not found: "sums": must name an existing file; looked for PROJECT/sums'),
            (
                "ca.pem",
                'Invalid value: "ca.pem": must name a file that starts with 64 hexadecimal digits, as sha256sum writes it',
            ),
        ],
    )
    def test_digest_must_be_64_hexadecimal_digits_or_a_file_of_them(
        self, values: Values, refused: Refused, digest: str, message: str
    ) -> None:
        values["binary"] |= {"source": "file", "path": "kube-proxy", "sha256": {"amd64": digest}}

        assert refused(values) == [f"binary.sha256.amd64: {message}"]

    def test_downloaded_binary_needs_a_url_and_a_digest_but_no_path(self, values: Values, refused: Refused) -> None:
        values["binary"] |= {"source": "url", "path": "kube-proxy"}

        assert refused(values) == [
            "binary.path: Forbidden: belongs to source: file, not url: remove it, or change source",
            "binary.url: Required value: must be set with source: url (e.g. https://example.org/kube-proxy)",
            "binary.sha256: Required value: must have the binary's digest for each architecture in use "
            "(e.g. amd64: 64 hexadecimal digits, or the name of the kube-proxy.sha256 file that is published with the binary)",
        ]

    @pytest.mark.parametrize("url", ["https://user:hunter2@example.org/kube-proxy", "ftp://example.org/kube-proxy"])
    def test_download_url_must_not_have_a_password(self, values: Values, refused: Refused, url: str) -> None:
        values["binary"] |= {"source": "url", "url": url, "sha256": {"amd64": DIGEST}}
        lines = refused(values)

        assert "must be an http or https URL without a user or password" in lines[0]
        assert "hunter2" not in "".join(lines)
