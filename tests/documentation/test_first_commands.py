"""README's first commands for machines of your own, with the real engine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FIRST_COMMANDS = ("mkdir -p ~/.kube-proxy && pulumi login", "pulumi stack init prod")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert shutil.which("pulumi"), "the engine `pulumi` must be on PATH: these tests run it"
    (tmp_path / "home").mkdir()
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return tmp_path


def run(command: str, project: Path) -> None:
    """Runs a command as someone who has just cloned the repository."""
    fresh = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    home = project / "home"
    own = {"HOME": str(home), "PULUMI_HOME": str(home / ".pulumi"), "PULUMI_CONFIG_PASSPHRASE": "passphrase"}
    environment = fresh | own | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(["sh", "-c", command], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stack_init_leaves_the_example_stack_as_it_is_but_for_the_salt(project: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text().splitlines()
    commands = [line.strip() for line in readme if line.strip().startswith(FIRST_COMMANDS)]
    assert len(commands) == len(FIRST_COMMANDS)
    for command in commands:
        run(command, project)
    run("pulumi config set --path 'kube-proxy:configuration.oomScoreAdj' -- -998", project)

    lines = (project / "Pulumi.prod.yaml").read_text().splitlines()
    added = {line for line in lines if line.startswith("encryptionsalt: ") or line == "    oomScoreAdj: -998"}
    assert len(added) == 2
    assert [line for line in lines if line not in added] == (REPOSITORY / "Pulumi.prod.yaml").read_text().splitlines()
