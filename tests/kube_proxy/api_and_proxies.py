"""An API server and proxies on loopback that record each request: its proxy, and its names in TLS and HTTP."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer
from typing import ClassVar

from cryptography import x509


class Loopback(ThreadingTCPServer):
    """A server on a free port of 127.0.0.1, with or without TLS."""

    daemon_threads = True

    def __init__(self, handler: type[BaseRequestHandler], recorded: list[str], context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.recorded, self._context = recorded, context
        self.target: tuple[str, int] = self.address
        """The address that a proxy connects to, for any requested name."""

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.server_address[1]

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        try:
            with self._context.wrap_socket(request, server_side=True) if self._context else request as connection:
                super().finish_request(connection, client_address)
        except OSError:
            return  # The client didn't trust the server.


class _Handler(StreamRequestHandler):
    server: Loopback

    def relay(self) -> None:
        """Relay until either side ends. No data can wait unseen in TLS: each read takes a whole record."""
        with socket.create_connection(self.server.target) as onward:
            ends = {self.connection: onward, onward: self.connection}
            while True:
                for source in select.select(list(ends), [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    ends[source].sendall(data)


class API(BaseHTTPRequestHandler, _Handler):
    """Answers every request, and records the TLS server name, the Host and the subject of the client certificate."""

    def do_GET(self) -> None:
        assert isinstance(self.connection, ssl.SSLSocket)
        der = self.connection.getpeercert(binary_form=True)
        client = x509.load_der_x509_certificate(der).subject.rfc4514_string() if der else "no certificate"
        name = getattr(self.connection, "server_name", None)
        self.server.recorded.append(f"{name}, Host {self.headers['Host']}, of {client}")
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"{}\n")

    def log_message(self, *_: object) -> None:
        return


class HTTPProxy(API):
    def do_CONNECT(self) -> None:
        self.server.recorded.append(f"CONNECT {self.path}")
        self.send_response(200)
        self.end_headers()
        self.relay()


class SOCKSProxy(_Handler):
    """RFC 1928: connects to a name or an IPv4 address, without authentication."""

    LENGTH: ClassVar = {1: 4, 4: 16}

    def handle(self) -> None:
        self.rfile.read(self.rfile.read(2)[1])
        self.wfile.write(b"\5\0")
        kind = self.rfile.read(4)[3]
        host = self.rfile.read(self.LENGTH.get(kind) or self.rfile.read(1)[0])
        port = int.from_bytes(self.rfile.read(2), "big")
        self.server.recorded.append(f"SOCKS {host.decode() if kind == 3 else socket.inet_ntoa(host)}:{port}")
        self.wfile.write(b"\5\0\0\1\0\0\0\0\0\0")
        self.relay()


def tls(directory: Path) -> ssl.SSLContext:
    """Return TLS with ca.pem, server.pem and server.key of a directory. Client certificates are required."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=directory / "ca.pem")
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED

    def record_server_name(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.server_name = name  # type: ignore[union-attr]

    context.sni_callback = record_server_name
    return context


@contextmanager
def served(directory: Path, recorded: list[str]) -> Iterator[dict[str, Loopback]]:
    """Run an API server, and for each scheme a proxy to it. Yield them by name: api, http, https, socks5."""
    context = tls(directory)
    servers = {
        "api": Loopback(API, recorded, context),
        "http": Loopback(HTTPProxy, recorded, None),
        "https": Loopback(HTTPProxy, recorded, context),
        "socks5": Loopback(SOCKSProxy, recorded, None),
    }
    with ExitStack() as stack:
        for server in servers.values():
            server.target = servers["api"].address
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield servers
