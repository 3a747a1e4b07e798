"""Each version's kube-proxy accepts the golden configurations."""

from pathlib import Path

import pytest

from tests.kube_proxy.program import VERSIONS, ask

GOLDEN = Path(__file__).parent.parent / "unit" / "golden"


@pytest.mark.parametrize("version", VERSIONS)
def test_golden_configurations_are_accepted(version: str) -> None:
    minor = version.rpartition(".")[0]
    files = [*GOLDEN.glob(f"kube-proxy-config.{minor}-*.yaml"), *GOLDEN.glob("kube-proxy-config.[a-z]*.yaml")]
    assert len(files) > 3
    for file in files:
        answer = ask(version, file.read_text())
        assert answer.accepted, f"{file.name}: {answer.error}"
