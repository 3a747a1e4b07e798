"""The settings of a fleet, and the resources that the program registers for them."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pulumi
import pytest
from pydantic import SecretStr

from components import ClientCertificates, Rollout, certificate_authority, delivery, host
from components.deliveries import Deliveries
from components.delivery import Delivery
from settings import (
    Architecture,
    Binary,
    BinarySource,
    CAWithKey,
    ClientCertificateSettings,
    Cluster,
    NodeSettings,
    RolloutSettings,
    Service,
    Settings,
)
from tests.components.recorder import Deploy, Monitor, Recorder, node


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    binary = tmp_path / "kube-proxy"
    binary.write_bytes(b"\x7fELF")
    return Settings(
        cluster=Cluster(
            server="https://192.168.99.100:8443",
            version="1.36.2",
            cluster_cidr="172.30.0.0/16",
            kubernetes_service="10.0.0.1",
        ),
        certificate_authority=CAWithKey(
            "CA-CERTIFICATE", SecretStr("CA-KEY"), "", "CA-CERTIFICATE", datetime(2036, 1, 1, tzinfo=UTC)
        ),
        client_certificate=ClientCertificateSettings(),
        nodes=tuple(node(index) for index in range(1, 7)),
        binary=Binary("1.36.2", BinarySource.FILE, binary, None, {Architecture.AMD64: "a" * 64}),
        service=Service(),
        rollout=RolloutSettings(max_unavailable=2),
    )


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory on the node, if this machine is the node; there is no SSH agent."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    path = tmp_path / "kube-proxy generations"
    for module in (delivery, host):
        monkeypatch.setattr(module, "STATE", PurePosixPath(path))
    return path


@pytest.fixture
def deploy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """Register the program's components for the settings with some fields replaced; return the recorder."""

    # The SDK needs the thread's event loop, which asyncio.run in an earlier test has closed.
    asyncio.set_event_loop(asyncio.new_event_loop())

    def run(**changes: object) -> Recorder:
        recorder = Recorder()

        def plan(_: Deliveries, resource: str, __: NodeSettings, delivery: pulumi.Output[Delivery]) -> None:
            delivery.apply(lambda known: recorder.deliveries.update({resource: known}))

        monkeypatch.setattr(Deliveries, "plan", plan)
        pulumi.runtime.set_mocks(recorder, project="kube-proxy", stack="test", preview=False, monitor=Monitor(recorder))
        changed = replace(settings, **changes)  # type: ignore[arg-type]

        def program() -> pulumi.Output[object]:
            authority = certificate_authority(changed.certificate_authority)
            certificates = ClientCertificates(changed, authority)
            return Rollout("rollout", changed, certificates, authority.trust_bundle_pem).reports

        pulumi.runtime.test(program)()
        return recorder

    yield run
    pulumi.runtime.set_mocks(Recorder())
