"""Settings of a fleet, and what the program registers for them."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pulumi
import pytest
from pydantic import SecretStr

from components import ClientCertificates, Rollout, certificate_authority
from settings import (
    Architecture,
    Binary,
    BinarySource,
    CertificateAuthority,
    Cluster,
    KeyAlgorithm,
    Service,
    Settings,
    Subject,
)
from settings import ClientCertificate as ClientCertificateSettings
from settings import Rollout as RolloutSettings
from tests.components.recorder import Deploy, Monitor, Recorder, node


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    binary = tmp_path / "kube-proxy"
    binary.write_bytes(b"\x7fELF")
    return Settings(
        cluster=Cluster("kubernetes", "https://192.168.99.100:8443", "1.36.2", "172.30.0.0/16", "10.0.0.1"),
        certificate_authority=CertificateAuthority(
            "CA-CERTIFICATE", SecretStr("CA-KEY"), "", "CA-CERTIFICATE", datetime(2036, 1, 1, tzinfo=UTC)
        ),
        client_certificate=ClientCertificateSettings(
            Subject("CN", "Jiangsu", "Suzhou", ("k8s",), "wangxyd"), KeyAlgorithm.RSA_2048, 8760, 720, False
        ),
        nodes=tuple(node(index) for index in range(1, 7)),
        binary=Binary("1.36.2", BinarySource.FILE, binary, None, {Architecture.AMD64: "a" * 64}),
        service=Service("/opt/k8s", 2),
        rollout=RolloutSettings(1, 2, 60, 10, False),
    )


@pytest.fixture
def deploy(settings: Settings) -> Iterator[Deploy]:
    """Registers the program's components for settings, with given fields replaced, and returns what was registered."""

    # The SDK takes the thread's event loop for granted; asyncio.run in a test before has ended it.
    asyncio.set_event_loop(asyncio.new_event_loop())

    def run(**changes: object) -> Recorder:
        recorder = Recorder()
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
