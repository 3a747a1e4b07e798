"""Staging stores a complete, verified generation beside the live one and changes nothing live."""

import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

from components import generation
from tests.scripts.fake_node import BINARY, BINARY_SHA256, PROGRAMS, STATE, FakeNode

STAGED = f"{STATE}/binaries/{BINARY_SHA256}"


class Mirror:
    """An HTTP server on loopback with one file and the faults that a test sets."""

    def __init__(self) -> None:
        self.content, self.ranges = BINARY, list[str | None]()
        self.cut_at: int | None = None
        self.announced: int | None = None
        self.redirect = ""
        self.has_ranges = True
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/kube-proxy"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers["Range"]
        self.ranges.append(wanted)
        if self.redirect and request.path == "/kube-proxy":
            request.send_response(302)
            request.send_header("Location", self.redirect)
            request.end_headers()
            return
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.has_ranges else 0
        content = self.content[begin:]
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("Content-Length", str(self.announced or len(content)))
        request.end_headers()
        request.wfile.write(content[: self.cut_at])


def test_staged_generation_is_complete_private_and_not_live(node: FakeNode) -> None:
    node.succeed("stage")
    digest = generation.digest(node.files)
    staged = node.path(f"{STATE}/{digest}")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in staged.iterdir() if path.name != "binary"}
    assert modes == {
        "kube-ipvs0.network": "0o644",
        "kube-proxy": "0o755",
        "kube-proxy-config.yaml": "0o644",
        "kube-proxy.conf": "0o644",
        "kube-proxy.kubeconfig": "0o600",
        "kube-proxy.service": "0o644",
        "modules": "0o644",
    }
    assert node.path(STATE).stat().st_mode & 0o777 == 0o700
    assert node.live_files() == {}
    assert node.systemctl_calls() == []


def test_modules_are_loaded_by_staging_and_at_boot_after_the_activation(node: FakeNode) -> None:
    node.succeed("stage")
    assert node.path("/loaded-modules").read_text().split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]
    node.path("/loaded-modules").unlink()
    node.path("/sys/module/nf_conntrack").mkdir(parents=True)
    node.deploy()
    assert node.path("/loaded-modules").read_text().split() == ["ip_vs", "ip_vs_rr"], "only modules that are not loaded"
    assert node.path("/etc/modules-load.d/kube-proxy.conf").read_text().split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]


def without_api(node: FakeNode) -> None:
    node.path("/api").rename(node.root / "api-away")


def without_node(node: FakeNode) -> None:
    node.path("/api/k8s-node01").unlink()


def truncated_binary(node: FakeNode) -> None:
    node.write(f"{STATE}/binaries/{BINARY_SHA256}", "truncated")


def without_binary(node: FakeNode) -> None:
    node.path(f"{STATE}/binaries/{BINARY_SHA256}").unlink()


def another_version(node: FakeNode) -> None:
    node.parameters["VERSION"] = "1.36.1"
    node.files["binary"] = f"1.36.1 amd64={BINARY_SHA256}\n"


def rejected_configuration(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = "mode: userspace\n"


def misspelled_field(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = "mdoe: ipvs\n"


def another_authority(node: FakeNode) -> None:
    node.write("other-authority", "")


def clock_behind(node: FakeNode) -> None:
    node.parameters["NOT_BEFORE"] = "99999999998"


def clock_ahead(node: FakeNode) -> None:
    node.parameters["NOT_AFTER"] = "1"


def without_module(node: FakeNode) -> None:
    node.write("missing-modules", "ip_vs_rr\n")


@pytest.mark.parametrize(
    ("break_node", "message"),
    [
        (
            without_api,
            "the API server https://192.168.99.100:8443 must answer: curl: (7) Failed to connect to 192.168.99.100 port 8443",
        ),
        (without_node, "Node k8s-node01 must exist in the cluster"),
        (truncated_binary, f"the binary must have the pinned SHA-256 {BINARY_SHA256}, has "),
        (without_binary, "is missing; run pulumi up again, which uploads it"),
        (another_version, "the binary must be kube-proxy 1.36.1, reports '1.36.2'"),
        (
            rejected_configuration,
            'kube-proxy 1.36.2 rejects the configuration: E1123 server.go:1] "Error" err="mode: Invalid value: userspace"',
        ),
        (
            misspelled_field,
            "kube-proxy 1.36.2 doesn't recognize a field of the configuration and would ignore it",
        ),
        (
            another_authority,
            "the API server https://192.168.99.100:8443 must answer: curl: (60) SSL certificate problem: unable to get local "
            "issuer certificate; check cluster.server, tlsServerName and proxyURL, certificateAuthority, and the node's network access",
        ),
        (clock_behind, "the node's clock must be right"),
        (clock_ahead, "the client certificate must be valid: it expired Thu Jan  1 00:00:01 UTC 1970"),
        (without_module, "kernel module ip_vs_rr must load for mode ipvs"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_failed_staging_reports_the_fault_and_changes_nothing_live(
    node: FakeNode, break_node: Callable[[FakeNode], None], message: str
) -> None:
    node.deploy()
    node.systemctl_calls()
    before = node.live_files()
    break_node(node)
    messages = node.fail("stage")
    assert messages.startswith("k8s-node01: stage: ")
    assert message in messages
    assert node.live_files() == before
    assert node.systemctl_calls() == []


def test_files_must_arrive_unchanged(node: FakeNode) -> None:
    where = node.root / "run" / "stage"
    node.succeed("stage")
    (where / "files" / "kube-proxy.conf").write_text("KUBE_PROXY_ARGS=--v=10\n")

    done = subprocess.run(
        ["/bin/sh", "./stage.sh"],
        cwd=where,
        env={"PATH": "/usr/bin:/bin", "root": str(node.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the files must arrive intact" in done.stderr


def test_binary_is_downloaded_once(node: FakeNode) -> None:
    without_binary(node)
    node.parameters |= {"BINARY_SOURCE": "url", "BINARY_URL": "https://mirror.example/kube-proxy"}
    message = "the binary must be downloadable from https://mirror.example/kube-proxy: curl: (22)"
    assert message in node.fail("stage")
    node.write("mirror", BINARY.decode())
    node.succeed("stage")
    node.path("/mirror").unlink()
    node.succeed("stage")


class TestDownload:
    """By the real curl, from a server with faults."""

    @pytest.fixture
    def mirror(self, node: FakeNode) -> Iterator[Mirror]:
        with Mirror() as mirror:
            node.parameters |= {"BINARY_SOURCE": "url", "BINARY_URL": mirror.url}
            node.path(STAGED).unlink()
            yield mirror

    def stage(self, node: FakeNode) -> subprocess.CompletedProcess[str]:
        curl = f'case "$*" in *127.0.0.1*) exec /usr/bin/curl --retry 0 "$@" ;; *) exec {PROGRAMS}/curl "$@" ;; esac'
        return node.run("stage", PATH=node.replace_program("curl", curl))

    def test_goes_on_where_it_was_cut_off(self, node: FakeNode, mirror: Mirror) -> None:
        mirror.cut_at = 10
        assert "the binary must be downloadable from http://127.0.0.1" in self.stage(node).stderr
        mirror.cut_at = None
        assert self.stage(node).returncode == 0
        assert mirror.ranges == [None, "bytes=10-"]

    def test_begins_again_if_the_server_can_not_go_on(self, node: FakeNode, mirror: Mirror) -> None:
        mirror.has_ranges = False
        for left in (BINARY[:10], BINARY):
            node.write(f"{STAGED}.new", left.decode())
            assert self.stage(node).returncode == 0
            node.path(STAGED).unlink()

    def test_other_content_is_deleted(self, node: FakeNode, mirror: Mirror) -> None:
        mirror.content = b"<html>Sign in</html>"
        digest = hashlib.sha256(mirror.content).hexdigest()
        assert (
            f"must have the pinned SHA-256 {BINARY_SHA256}, {mirror.url} has {digest}, which was deleted"
            in self.stage(node).stderr
        )
        assert list(node.path(STAGED).parent.iterdir()) == []

    def test_follows_redirects_to_http_only(self, node: FakeNode, mirror: Mirror) -> None:
        mirror.redirect = f"file://{PROGRAMS}/kube-proxy"
        assert 'Protocol "file"' in self.stage(node).stderr
        mirror.redirect = mirror.url.replace("kube-proxy", "elsewhere")
        assert self.stage(node).returncode == 0

    def test_no_file_system_is_filled(self, node: FakeNode, mirror: Mirror) -> None:
        mirror.announced = 600 << 20
        assert "Maximum file size exceeded" in self.stage(node).stderr


class TestAPIServer:
    def test_overloaded_one_is_asked_again(self, node: FakeNode) -> None:
        node.write("busy", "503 429")
        node.succeed("stage")

    def test_one_that_stays_overloaded_is_named_as_such(self, node: FakeNode) -> None:
        node.write("busy", " ".join(["429"] * 12))
        path = node.replace_program("sleep", "exit 0")
        message = "the API server https://192.168.99.100:8443 must answer, answers 429 (overloaded, or not ready), tried 4 times"
        assert message in node.fail("stage", PATH=path)

    def test_its_certificate_must_be_valid_for_the_services_address(self, node: FakeNode) -> None:
        """Otherwise no activation could be proven, which would show only after the restart."""
        node.write("endpoint-192.168.99.121:6443", "other-name")
        assert node.fail("stage").startswith(
            "k8s-node01: stage: the certificate of the API server 192.168.99.121:6443 must be valid for the Service's address "
            "10.0.0.1, or no activation can be proven: curl: (60) SSL: no alternative certificate subject name matches"
        )

    def test_endpoints_that_can_not_be_reached_directly_are_no_error(self, node: FakeNode) -> None:
        for endpoint in ("192.168.99.121:6443", "192.168.99.122:6443"):
            node.write(f"endpoint-{endpoint}", "away")
        node.succeed("stage")
