"""The Kubernetes API, by a kubeconfig with embedded certificates and keys, as the program writes it."""

import asyncio
import http.client
import json
import os
import ssl
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"

_SECONDS = 32


class ApiError(Exception):
    """The API returned an error; the message is the API's."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(status.get("message", ""))
        self.reason: str = status.get("reason", "")
        self.code: int = status.get("code", 0)


class UnreachableError(Exception):
    """No API answers at the server's address, or its certificate is not trusted."""


@dataclass(frozen=True)
class Api:
    """The API's certificate requests. Each call opens a connection. Raises ApiError, UnreachableError."""

    server: str
    tls: ssl.SSLContext
    token: str | None

    async def get(self, name: str) -> dict[str, Any]:
        """Return the certificate request of that name."""
        return await self._call("GET", f"{REQUESTS}/{name}")

    async def create(self, body: Mapping[str, Any], dry_run: bool) -> dict[str, Any]:
        """Create a certificate request; with `dry_run` the API only checks it."""
        return await self._call("POST", REQUESTS, body, {"fieldManager": "pulumi-kubernetes"}, dry_run)

    async def apply(self, body: Mapping[str, Any], manager: str, dry_run: bool) -> dict[str, Any]:
        """Apply a certificate request on the server's side; with `dry_run` the API only checks it."""
        path = f"{REQUESTS}/{body['metadata']['name']}"
        return await self._call("PATCH", path, body, {"fieldManager": manager, "force": "false"}, dry_run)

    async def delete(self, name: str, propagation: str) -> None:
        """Delete the certificate request of that name."""
        await self._call("DELETE", f"{REQUESTS}/{name}", {"propagationPolicy": propagation})

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        parameters = urlencode({**(query or {}), **({"dryRun": "All"} if dry_run else {})})
        return await asyncio.to_thread(self._exchange, method, f"{path}?{parameters}", body)

    def _exchange(self, method: str, target: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        server = urlsplit(self.server)
        connection = http.client.HTTPSConnection(server.hostname or "", server.port, timeout=_SECONDS, context=self.tls)
        content_type = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f'{method.capitalize()} "{self.server}{target}": {error}') from error
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(content)
        return content


def connect(kubeconfig: str) -> Api:
    """Return the API of the current context. Raises KeyError if the kubeconfig doesn't embed its data."""
    config = yaml.safe_load(kubeconfig)
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    if "client-certificate-data" in user:
        pem = b64decode(user["client-certificate-data"]) + b"\n" + b64decode(user["client-key-data"])
        _load_client_certificate(tls, pem)
    return Api(cluster["server"], tls, user.get("token"))


def _load_client_certificate(tls: ssl.SSLContext, pem: bytes) -> None:
    """Load them from a file in memory: Python reads certificate and key only from files."""
    descriptor = os.memfd_create("client")
    try:
        os.write(descriptor, pem)
        tls.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(item for item in items if item["name"] == name)
