"""The cluster's certificate authority and certificates, made by cfssl, as in the guide.

All of it is in `.lab/cert`. `trust.pem` is the CA bundle by which API servers know their clients, and clients on this
machine the API servers: the CA's certificate, during a rotation the next one's too (docs/ca-rotation.md). Tests append
others.
"""

import json
import shutil
from pathlib import Path

from development import commands
from development.lab import topology
from development.lab.loopback import Loopback
from development.paths import Lab

_VALIDITY = "87600h"
_USAGES = ["signing", "key encipherment", "server auth", "client auth"]
_PROFILE = "kubernetes"
_KEY = {"algo": "rsa", "size": 2048}


def _request(common_name: str, organization: str, hosts: tuple[str, ...] = ()) -> dict[str, object]:
    subject = {"C": "CN", "ST": "Jiangsu", "L": "Suzhou", "O": organization, "OU": "wangxyd"}
    return {"CN": common_name, "hosts": hosts, "key": _KEY, "names": [subject]}


def _server_names(loopback: Loopback) -> tuple[str, ...]:
    """Return every name that a client may use for the API servers or the load balancer."""
    service = "kubernetes"
    domains = ("default", "svc", "cluster", "local")
    cluster = (topology.LOAD_BALANCER, *topology.API_SERVERS)
    return (
        "127.0.0.1",
        *(loopback.of(address) for address in cluster),
        *(str(address) for address in cluster),
        *(str(topology.ipv6(address)) for address in cluster),
        str(topology.KUBERNETES_SERVICE),
        str(topology.KUBERNETES_SERVICE_IPV6),
        *(".".join((service, *domains[:count])) for count in range(len(domains) + 1)),
    )


def prepare(lab: Lab, loopback: Loopback) -> None:
    """Make the CA, all certificates, and the signing key for service accounts, unless they exist."""
    if lab.cert.exists():
        return
    temporary = lab.cert.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    signing = {"expiry": _VALIDITY, "usages": _USAGES}
    configuration = {"signing": {"default": {"expiry": _VALIDITY}, "profiles": {_PROFILE: signing}}}
    _write_json(temporary / "ca-config.json", configuration)
    log = lab.log / "cfssl.log"
    make_authority(temporary, "ca", log)
    _generate(temporary, "service-account", _request("service-accounts", "k8s"), log, authority="ca")
    issue(temporary, loopback, log)
    shutil.copy(temporary / "ca.pem", temporary / "trust.pem")
    temporary.rename(lab.cert)


def make_authority(directory: Path, name: str, log: Path) -> None:
    """Make `name`.pem and `name`-key.pem."""
    _generate(directory, name, _request("kubernetes", "k8s"), log, authority=None)


def issue(directory: Path, loopback: Loopback, log: Path, authority: str = "ca") -> None:
    """Issue the certificates of API servers, administrator and controller manager, with new keys."""
    _generate(directory, "kubernetes", _request("kube-apiserver", "k8s", _server_names(loopback)), log, authority)
    _generate(directory, "admin", _request("admin", "system:masters"), log, authority)
    manager = "kube-controller-manager"
    _generate(directory, manager, _request(f"system:{manager}", f"system:{manager}"), log, authority)


def _generate(directory: Path, name: str, request: dict[str, object], log: Path, authority: str | None) -> None:
    request_file = directory / f"{name}-csr.json"
    _write_json(request_file, request)
    signer = [f"-ca={authority}.pem", f"-ca-key={authority}-key.pem", "-config=ca-config.json", f"-profile={_PROFILE}"]
    how = signer if authority else ["-initca"]
    answer = commands.run(["cfssl", "gencert", *how, request_file.name], directory=directory, log=log)
    commands.run(["cfssljson", "-bare", name], directory=directory, stdin=answer.encode(), log=log)
    for key in directory.glob("*-key.pem"):
        key.chmod(0o600)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
