"""Tools are built once, whole or not at all; the user's own Pulumi comes first."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from development import toolchain
from development.errors import LabError
from development.lab.tests.conftest import program
from development.paths import Lab
from development.progress import Steps
from development.toolchain import KUBE_PROXIES, KUBERNETES, build

GO = """
case $1 in
  env) echo go1.26; echo amd64 ;;
  list) echo 'go: downloading example.org/module v1'; printf 'example.org/a\\nexample.org/b\\n' ;;
  build)
    echo built >>"$BUILDS"
    while [ "$1" != -o ]; do shift; done
    printf partial >"${2}kube-proxy"
    [ ! -e "$BROKEN" ] || { echo 'compile: out of disk' >&2; echo example.org/b; exit 1; }
    for tool in kube-proxy kube-apiserver kube-controller-manager kubectl pulumi; do
      printf '%s' "$tool" >"$2$tool"
    done ;;
esac
"""


@pytest.fixture
def builds(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go which writes a line here for every build."""
    program(tools / "go", GO)
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))
    return tmp_path / "builds"


def make(lab: Lab) -> None:
    with Steps() as steps, steps.step("tools") as step:
        for tools in (*toolchain.needed(), *KUBE_PROXIES):
            build.build(tools, step, lab.log / "build.log")


def test_tools_are_built_once(lab: Lab, builds: Path) -> None:
    make(lab)
    make(lab)
    assert builds.read_text().count("built") == len(toolchain.needed()) + len(KUBE_PROXIES)


def test_a_failed_build_leaves_nothing_and_says_why(lab: Lab, builds: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(LabError, match=r"kubernetes 1\.36\.2: compile: out of disk"):
        make(lab)
    assert not toolchain.installed(KUBERNETES).exists()
    (tmp_path / "broken").unlink()
    make(lab)
    assert (toolchain.installed(KUBERNETES) / "kube-proxy").read_text() == "kube-proxy"
    assert not list(toolchain.installed(KUBERNETES).parent.glob("*.tmp"))
    assert builds.exists()


def test_builds_with_different_flags_are_kept_apart(builds: Path) -> None:
    assert not builds.exists()
    assert toolchain.installed(KUBERNETES) != toolchain.installed(replace(KUBERNETES, version_variables=()))


@pytest.mark.parametrize(
    "name", ["kube-proxy", *(f"kube-proxy-{tools.version}" for tools in (KUBERNETES, *KUBE_PROXIES))]
)
def test_each_kube_proxy_has_its_checksum_beside_it(lab: Lab, builds: Path, name: str) -> None:
    make(lab)
    toolchain.link(lab)
    digest = hashlib.sha256((lab.bin / name).read_bytes()).hexdigest()
    assert (lab.bin / f"{name}.sha256").read_text() == f"{digest}  {name}\n"
    assert builds.exists()


def test_a_kube_proxy_is_linked_by_its_version_the_deployed_one_by_its_plain_name_too(lab: Lab, builds: Path) -> None:
    make(lab)
    toolchain.link(lab)
    for tools in (KUBERNETES, *KUBE_PROXIES):
        assert (lab.bin / f"kube-proxy-{tools.version}").resolve().parent == toolchain.installed(tools)
    assert (lab.bin / "kube-proxy").resolve().parent == toolchain.installed(KUBERNETES)
    assert builds.exists()


def test_a_lab_starts_without_the_kube_proxies_that_only_tests_need(lab: Lab, builds: Path) -> None:
    with Steps() as steps, steps.step("tools") as step:
        for tools in toolchain.needed():
            build.build(tools, step, lab.log / "build.log")
    toolchain.link(lab)
    assert {link.name for link in lab.bin.iterdir() if link.name.startswith("kube-proxy-")} == {
        "kube-proxy-1.36.2",
        "kube-proxy-1.36.2.sha256",
    }
    assert builds.exists()


def test_a_kube_proxy_says_the_version_that_it_is_linked_by() -> None:
    for tools in KUBE_PROXIES:
        assert f"k8s.io/component-base/version.gitVersion=v{tools.version}" in tools.version_variables
        assert (
            f"k8s.io/api => k8s.io/api v0.{tools.version.removeprefix('1.')}" in (tools.module / "go.mod").read_text()
        )


def test_a_lab_s_pulumi_is_not_taken_for_the_user_s(
    lab: Lab, builds: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not another lab's either: its directory may be on PATH where this one's tests run."""
    make(lab)
    toolchain.link(lab)
    assert builds.exists()
    monkeypatch.setenv("PATH", f"{lab.bin}:{tools}:/usr/bin:/bin")
    assert toolchain.user_pulumi() is None
    program(tools / "pulumi", "")
    assert toolchain.user_pulumi() == tools / "pulumi"


def test_a_user_who_has_pulumi_gets_no_other(lab: Lab, builds: Path, tools: Path) -> None:
    make(lab)
    toolchain.link(lab)
    assert (lab.bin / "pulumi").exists()
    program(tools / "pulumi", "")
    toolchain.link(lab)
    assert not (lab.bin / "pulumi").is_symlink()
    assert builds.exists()


def test_without_go_the_error_says_what_it_is_for(tools: Path) -> None:
    assert not list(tools.iterdir())
    with pytest.raises(LabError, match=r"must be installed.* builds kube-apiserver, kube-controller-manager, "):
        toolchain.installed(KUBERNETES)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("k8s.io/api/core/v1", True),
        ("sync", True),
        ("go: downloading k8s.io/api v0.36.2", False),
        ("# k8s.io/api/core/v1", False),
        ("\tsomewhere/types.go:3:2: undefined: x", False),
        ("types.go:3:2:undefined", False),
        ("", False),
    ],
)
def test_progress_counts_packages_only(line: str, package: bool) -> None:
    assert build.is_package(line) is package
