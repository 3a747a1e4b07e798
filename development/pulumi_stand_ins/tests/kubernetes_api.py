"""A Kubernetes API that has only certificate requests, and records the HTTP requests."""

import json
import ssl
import subprocess
import threading
from base64 import b64encode
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request: its method, the object's name if there is one, its query and body."""

    method: str
    name: str
    query: dict[str, str]
    body: dict[str, Any]


class KubernetesApi:
    """Serves `objects` by their names. A created object has the status {}."""

    def __init__(self, directory: Path) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[HttpRequest] = []
        key, certificate = directory / "api.key", directory / "api.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=api",
             "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers["Content-Length"] or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                name = url.path.partition("certificatesigningrequests")[2].removeprefix("/")
                status, answer = api.answer(HttpRequest(self.command, name, dict(parse_qsl(url.query)), body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        cluster = {
            "server": f"https://127.0.0.1:{self._server.server_port}",
            "certificate-authority-data": b64encode(certificate.read_bytes()).decode(),
        }
        self.kubeconfig = json.dumps(
            {
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        self.requests.append(request)
        name = request.name or request.body["metadata"]["name"]
        if request.method == "POST" and name in self.objects:
            return 409, {"message": f'"{name}" already exists', "reason": "AlreadyExists", "code": 409}
        if request.method == "POST":
            created = request.body | {"status": {}}
            created["metadata"] = created["metadata"] | {"uid": "1"}
            if "dryRun" not in request.query:
                self.objects[name] = created
            return 201, created
        if name not in self.objects:
            return 404, {"message": f'"{name}" not found', "reason": "NotFound", "code": 404}
        return 200, self.objects.pop(name) if request.method == "DELETE" else self.objects[name]
