"""A valid stack with the files that it names, which a test changes in one place; and golden files.

`pytest tests/unit --record` writes the golden files and fails, so that a recording never counts as a pass.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from settings import CAWithKey, Settings, SettingsError, load

ABSENT = object()
"""In place of a value: remove the key."""

# The time per example varies too much on a machine that also builds and runs virtual nodes.
hypothesis.settings.register_profile("unit", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("unit")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="rewrite the golden files of tests/unit, and fail")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of that name."""

    def compare(name: str, text: str) -> None:
        if request.config.getoption("--record", default=False):
            (GOLDEN / name).write_text(text)
            pytest.fail(f"recorded {name}: read the change, then run again without --record")
        assert text == (GOLDEN / name).read_text()

    return compare


@pytest.fixture(scope="session")
def authority_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def make_certificate(authority_key: ec.EllipticCurvePrivateKey) -> Callable[..., bytes]:
    """Make the certificate of the certificate authority, in PEM; valid by default."""

    return partial(certificate, authority_key)


def certificate(
    key: ec.EllipticCurvePrivateKey,
    begins_days: int = -1,
    ends_days: int = 3650,
    authority: bool = True,
    may_sign: bool = True,
) -> bytes:
    """Make the certificate of a certificate authority, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, False, False, False, False, may_sign, False, False, False)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(now + timedelta(days=begins_days))
    builder = builder.not_valid_after(now + timedelta(days=ends_days))
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture(scope="session")
def make_project(
    authority_key: ec.EllipticCurvePrivateKey, make_certificate: Callable[..., bytes]
) -> Callable[[Path], Path]:
    """Write all files that the valid stack names into a directory."""

    def make(directory: Path) -> Path:
        key = authority_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        login = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        (directory / "ca.pem").write_bytes(make_certificate())
        (directory / "ca-key.pem").write_bytes(key)
        (directory / "id_ed25519").write_bytes(login)
        (directory / "kube-proxy").write_bytes(b"the binary")
        (directory / "kube-proxy.sha256").write_text(f"{hashlib.sha256(b'the binary').hexdigest()}  kube-proxy\n")
        return directory

    return make


@pytest.fixture
def project(tmp_path: Path, make_project: Callable[[Path], Path]) -> Path:
    """The project's directory."""
    return make_project(tmp_path)


@pytest.fixture(scope="session")
def make_values() -> Callable[[], dict[str, Any]]:
    """Make a valid stack without any optional key."""
    host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN"
    return lambda: {
        "cluster": {"server": "https://192.168.99.100:8443", "version": "1.36.2", "clusterCIDR": "172.30.0.0/16"},
        "certificateAuthority": {"certificateFile": "ca.pem", "privateKeyFile": "ca-key.pem"},
        "ssh": {"privateKeyFile": "id_ed25519"},
        "nodes": [
            {"name": f"k8s-node0{number}", "address": f"192.168.99.10{number}", "hostKey": host_key}
            for number in (1, 2, 3)
        ],
        "binary": {"version": "1.36.2"},
        "configuration": {"mode": "ipvs"},
    }


@pytest.fixture
def values(make_values: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A valid stack, which a test may change."""
    return make_values()


@pytest.fixture
def loaded(project: Path) -> Callable[[dict[str, Any]], Settings]:
    """Load a valid stack."""
    return lambda values: load(values, project)


@pytest.fixture
def authority(loaded: Callable[[dict[str, Any]], Settings]) -> Callable[[dict[str, Any]], CAWithKey]:
    """Load a valid stack and return its CA."""

    def given(values: dict[str, Any]) -> CAWithKey:
        found = loaded(values).certificate_authority
        assert isinstance(found, CAWithKey)
        return found

    return given


@pytest.fixture
def refused(project: Path) -> Callable[[dict[str, Any]], list[str]]:
    """Load an invalid stack and return the lines of its message, with PROJECT in place of the project's directory."""

    def lines(values: dict[str, Any]) -> list[str]:
        with pytest.raises(SettingsError) as raised:
            load(values, project)
        return [line.strip().replace(str(project), "PROJECT") for line in str(raised.value).splitlines()[1:]]

    return lines


@pytest.fixture
def refused_with(
    values: dict[str, Any], refused: Callable[[dict[str, Any]], list[str]]
) -> Callable[[str, object], list[str]]:
    """Load the valid stack with one wrong value at a field path, and return the lines of its message."""

    def lines(where: str, value: object) -> list[str]:
        steps = re.findall(r"\[([^\]]+)\]|([^.\[]+)", where)
        place: Any = values
        *way, last = (int(index) if index.isdigit() else index or name for index, name in steps)
        for step in way:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
        return refused(values)

    return lines
