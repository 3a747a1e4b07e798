"""The cluster's certificate authority and certificates, made by cfssl as the guide makes them.

All of it is made at once, in `.lab/cert`, and never again: whoever wants a new authority removes the lab. `trust.pem`
is what the API servers know their clients by: the authority's certificate, and of others what is appended to it.
"""

import json
import shutil
from pathlib import Path

from lab import commands, topology
from lab.loopback import Loopback
from lab.paths import Lab

_VALIDITY = "87600h"
_USAGES = ["signing", "key encipherment", "server auth", "client auth"]
_PROFILE = "kubernetes"
_KEY = {"algo": "rsa", "size": 2048}


def _request(common_name: str, organization: str, hosts: tuple[str, ...] = ()) -> dict[str, object]:
    subject = {"C": "CN", "ST": "Jiangsu", "L": "Suzhou", "O": organization, "OU": "wangxyd"}
    return {"CN": common_name, "hosts": hosts, "key": _KEY, "names": [subject]}


def _server_names(loopback: Loopback) -> tuple[str, ...]:
    """Return every name that a client may use for the API servers, etcd or the load balancer."""
    service = "kubernetes"
    domains = ("default", "svc", "cluster", "local")
    cluster = (topology.LOAD_BALANCER, *topology.API_SERVERS)
    return (
        "127.0.0.1",
        loopback.etcd,
        *(loopback.of(address) for address in cluster),
        *(str(address) for address in cluster),
        str(topology.KUBERNETES_SERVICE),
        str(topology.KUBERNETES_SERVICE_IPV6),
        *(".".join((service, *domains[:count])) for count in range(len(domains) + 1)),
    )


def prepare(lab: Lab, loopback: Loopback) -> None:
    """Make the authority, everybody's certificates, and the service accounts' signing key."""
    if lab.cert.exists():
        return
    temporary = lab.cert.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    signing = {"expiry": _VALIDITY, "usages": _USAGES}
    configuration = {"signing": {"default": {"expiry": _VALIDITY}, "profiles": {_PROFILE: signing}}}
    _write_json(temporary / "ca-config.json", configuration)
    log = lab.log / "cfssl.log"
    _generate(temporary, "ca", _request("kubernetes", "k8s"), log)
    _generate(temporary, "kubernetes", _request("kube-apiserver", "k8s", _server_names(loopback)), log)
    _generate(temporary, "admin", _request("admin", "system:masters"), log)
    manager = "kube-controller-manager"
    _generate(temporary, manager, _request(f"system:{manager}", f"system:{manager}"), log)
    _generate(temporary, "service-account", _request("service-accounts", "k8s"), log)
    shutil.copy(temporary / "ca.pem", temporary / "trust.pem")
    temporary.rename(lab.cert)


def _generate(directory: Path, name: str, request: dict[str, object], log: Path) -> None:
    request_file = directory / f"{name}-csr.json"
    _write_json(request_file, request)
    authority = ["-ca=ca.pem", "-ca-key=ca-key.pem", "-config=ca-config.json", f"-profile={_PROFILE}"]
    how = ["-initca"] if name == "ca" else authority
    answer = commands.run(["cfssl", "gencert", *how, request_file.name], directory=directory, log=log)
    commands.run(["cfssljson", "-bare", name], directory=directory, stdin=answer.encode(), log=log)
    for key in directory.glob("*-key.pem"):
        key.chmod(0o600)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
