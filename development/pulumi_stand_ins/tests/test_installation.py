"""The stand-ins are installed as the engine's plugins, and removed for an engine that downloads the official ones."""

import os
import subprocess
from pathlib import Path

from development.pulumi_stand_ins import installation

VIRTUALENV = Path(__file__).parents[3] / ".venv"


def installed(pulumi_home: Path) -> set[str]:
    return {str(path.relative_to(pulumi_home / "plugins")) for path in (pulumi_home / "plugins").glob("*/*")}


def test_each_stand_in_is_installed_with_the_version_of_its_sdk(tmp_path: Path) -> None:
    for _ in range(2):
        installation.install(tmp_path, VIRTUALENV, "3.259.0")
    assert installed(tmp_path) == {
        "language-python-v3.259.0/pulumi-language-python",
        "resource-command-v1.2.1/pulumi-resource-command",
        "resource-kubernetes-v4.34.2/pulumi-resource-kubernetes",
        "resource-tls-v5.6.2/pulumi-resource-tls",
    }


def test_link_to_another_checkout_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "plugins" / "resource-tls-v5.6.2" / "pulumi-resource-tls"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "gone")
    installation.install(tmp_path, VIRTUALENV, "3.259.0")
    assert link.exists()


def test_installed_stand_in_starts(tmp_path: Path) -> None:
    installation.install(tmp_path, VIRTUALENV, "3.259.0")
    program = tmp_path / "plugins" / "resource-tls-v5.6.2" / "pulumi-resource-tls"
    with subprocess.Popen([program, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as plugin:
        assert plugin.stdout is not None
        assert int(plugin.stdout.readline()) > 0, "the port must be printed"
        plugin.terminate()


def test_uninstall_removes_only_stand_ins(tmp_path: Path) -> None:
    installation.install(tmp_path, VIRTUALENV, "3.259.0")
    official = tmp_path / "plugins" / "resource-tls-v9.9.9" / "pulumi-resource-tls"
    official.parent.mkdir()
    official.touch()
    installation.uninstall(tmp_path)
    assert installed(tmp_path) == {"resource-tls-v9.9.9/pulumi-resource-tls"}
