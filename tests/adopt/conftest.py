"""Fake nodes, and the CA of their cluster."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.adopt.layouts import GUIDE, Layout
from tests.adopt.machine import Machine

MakeMachine = Callable[..., Machine]


@pytest.fixture(scope="session")
def authority() -> str:
    """The certificate of the cluster's CA."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def make_machine(tmp_path: Path, authority: str) -> MakeMachine:
    """Make a node; by default the guide's."""

    def make(layout: Layout = GUIDE, name: str = "node") -> Machine:
        return Machine(tmp_path / name, layout, authority)

    return make
