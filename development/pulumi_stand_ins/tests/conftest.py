"""Plugins and servers for the tests of the stand-ins."""

from collections.abc import Iterator
from typing import Any

import pytest

from development.pulumi_stand_ins.tests.plugin_process import Plugin
from development.pulumi_stand_ins.tests.ssh_server import SshServer
from development.pulumi_stand_ins.tests.tls_resources import KEY, REQUEST, SELF, SUBJECT


@pytest.fixture(scope="session")
def running_command() -> Iterator[Plugin]:
    with Plugin("command") as plugin:
        yield plugin


@pytest.fixture
def command(running_command: Plugin) -> Plugin:
    """The command plugin, with an empty log."""
    running_command.log.requests.clear()
    return running_command


@pytest.fixture(scope="session")
def tls() -> Iterator[Plugin]:
    with Plugin("tls") as plugin:
        yield plugin


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="session")
def authority(tls: Plugin) -> dict[str, Any]:
    """The inputs caCertPem and caPrivateKeyPem of a new CA."""
    key = tls.create(KEY, {"algorithm": "RSA"}).state["privateKeyPem"]
    certificate = tls.create(
        SELF,
        {
            "privateKeyPem": key,
            "subject": {"commonName": "ca"},
            "isCaCertificate": True,
            "allowedUses": ["cert_signing", "crl_signing"],
            "validityPeriodHours": 10,
        },
    )
    return {"caCertPem": certificate.state["certPem"], "caPrivateKeyPem": key}


@pytest.fixture(scope="session")
def certificate_request(tls: Plugin) -> str:
    key = tls.create(KEY, {"algorithm": "RSA"}).state["privateKeyPem"]
    state = tls.create(REQUEST, {"privateKeyPem": key, "subject": SUBJECT}).state
    assert state["keyAlgorithm"] == "RSA"
    assert state["privateKeyPem"] == key
    pem: str = state["certRequestPem"]
    return pem


@pytest.fixture
def leaf(authority: dict[str, Any], certificate_request: str) -> dict[str, Any]:
    """The inputs of a client certificate."""
    return authority | {
        "certRequestPem": certificate_request,
        "allowedUses": ["digital_signature", "key_encipherment", "client_auth"],
        "validityPeriodHours": 24,
    }
