"""The configuration reference, in README.md, docs/configuration.md and docs/ssh.md, agrees with the settings.

The first YAML block is a whole stack; each other block replaces some of its sections. A key's comment says `required` or
`optional`; any other key is shown with its default.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from documents import kube_proxy_configuration
from settings import Settings, SettingsError, load

REPOSITORY = Path(__file__).parents[2]
ABBREVIATED = {
    "ssh-ed25519 AAAA…": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN",
    "5f8c…": "5f8c" * 16,
    "91aa…": "91aa" * 16,
}
KUBECONFIG = """\
clusters: [{name: kubernetes, cluster: {server: "https://192.168.99.100:8443"}}]
users: [{name: admin, user: {token: "0"}}]
contexts: [{name: admin@kubernetes, context: {cluster: kubernetes, user: admin}}]
current-context: admin@kubernetes
"""
KNOWN_HOSTS = f"192.168.99.101,192.168.99.102 {ABBREVIATED['ssh-ed25519 AAAA…']}\n"
UNKNOWN = "zzzz"

Place = tuple[str | int, ...]


class Key(NamedTuple):
    """A key and its value on one line of a block."""

    place: Place
    comment: str

    @property
    def section(self) -> str:
        return str(self.place[0])


class Block(NamedTuple):
    heading: str
    keys: tuple[Key, ...]
    values: dict[str, Any]


def parse(heading: str, text: str) -> Block:
    for short, whole in ABBREVIATED.items():
        text = text.replace(short, whole)
    lines = text.splitlines()
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    by_line = dict(reversed(list(one_line_keys(root.value[0][1], ()))))
    keys = tuple(Key(place, lines[line].partition("# ")[2]) for line, place in sorted(by_line.items()))
    values = {name.removeprefix("kube-proxy:"): value for name, value in yaml.safe_load(text)["config"].items()}
    return Block(heading, keys, values)


def one_line_keys(node: yaml.Node, place: Place) -> Iterator[tuple[int, Place]]:
    """Yields the line and the place of each key whose value is on the same line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*place, key.value.removeprefix("kube-proxy:"))
            if value.end_mark.line == key.start_mark.line:
                yield key.start_mark.line, below
            else:
                yield from one_line_keys(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from one_line_keys(item, (*place, index))


def blocks() -> Iterator[Block]:
    for page in ("README.md", "docs/configuration.md", "docs/ssh.md"):
        for part in re.split(r"^## ", (REPOSITORY / page).read_text(), flags=re.MULTILINE):
            for text in re.findall(r"^```yaml\n(.*?)^```", part, re.MULTILINE | re.DOTALL):
                yield parse(f"{page}: {part.splitlines()[0]}", text)


def instead(reference: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Returns the reference with the sections of an alternative in place of its own."""
    replaced = {"nodes"} if "nodesFile" in values else set()
    return {key: value for key, value in reference.items() if key not in replaced} | values


REFERENCE, *ALTERNATIVES = blocks()
STACKS = [REFERENCE, *(block._replace(values=instead(REFERENCE.values, block.values)) for block in ALTERNATIVES)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, make_project: Callable[[Path], Path]) -> Iterator[Path]:
    """A project with the files that the reference names; it is the home directory too."""
    made = make_project(tmp_path_factory.mktemp("project"))
    for source, *names in (
        ("ca.pem", "cert/ca.pem", "cert/trust.pem"),
        ("ca-key.pem", "cert/ca-key.pem"),
        ("id_ed25519", ".ssh/id_ed25519", ".ssh/other"),
        ("kube-proxy", "bin/kube-proxy"),
        ("kube-proxy.sha256", "bin/kube-proxy.sha256"),
    ):
        for name in names:
            (made / name).parent.mkdir(exist_ok=True)
            (made / name).write_bytes((made / source).read_bytes())
    (made / ".kube").mkdir()
    (made / ".kube" / "config").write_text(KUBECONFIG)
    (made / ".ssh" / "known_hosts").write_text(KNOWN_HOSTS)
    (made / "nodes.yaml").write_text(yaml.safe_dump(REFERENCE.values["nodes"]))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(made))
        yield made


def settings_of(values: dict[str, Any], project: Path) -> Settings:
    """Loads a stack; what its nodes get in place of what was written for them, and no warnings."""
    secrets = {"caPrivateKey": "ca-key.pem", "sshPrivateKey": "id_ed25519", "adminKubeconfig": ".kube/config"}
    plain = {"sudoPassword": "hunter2"} if "sudoPassword" in values else {}
    plain |= {key: (project / secrets[key]).read_text() for key in values.keys() & secrets}
    loaded = load(values | plain, project)
    nodes = (
        replace(node, configuration=kube_proxy_configuration.document(node, loaded.cluster)) for node in loaded.nodes
    )
    return replace(loaded, nodes=tuple(nodes), warnings=())


def without(values: Any, place: Place) -> Any:
    first, *rest = place
    if rest:
        below = without(values[first], tuple(rest))
        return values | {first: below} if isinstance(values, dict) else [below, *values[1:]]
    return {key: value for key, value in values.items() if key != first}


def mappings(values: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yields each mapping whose keys the settings know; kube-proxy's own fields are documented upstream."""
    if isinstance(values, list):
        yield from mappings(values[0], (*place, 0))
    elif isinstance(values, dict) and "secure" not in values and place[-1:] != ("configuration",):
        yield place, values
        for key, value in values.items():
            yield from mappings(value, (*place, key))


def known_keys(values: dict[str, Any], place: Place, project: Path) -> set[str]:
    """Returns the keys that the settings know in a mapping: the error about an unknown one lists them."""
    changed: Any = yaml.safe_load(yaml.safe_dump(values))
    target = changed
    for step in place:
        target = target[step]
    target[UNKNOWN] = "?"
    with pytest.raises(SettingsError, match=f"{UNKNOWN}: Forbidden: unknown key; known keys: ") as raised:
        settings_of(changed, project)
    listed = re.search(rf"{UNKNOWN}: .*known keys: (.*)", str(raised.value))
    assert listed
    return set(listed[1].split(", "))


def test_reference_has_every_key(project: Path) -> None:
    documented: dict[Place, set[str]] = {}
    known: dict[Place, set[str]] = {}
    for block in STACKS:
        for place, values in mappings(block.values, ()):
            documented.setdefault(place, set()).update(values)
            known[place] = known_keys(block.values, place, project)
    assert documented == known


@pytest.mark.parametrize("block", STACKS, ids=lambda block: block.heading)
def test_reference_is_a_valid_stack(block: Block, project: Path) -> None:
    settings_of(block.values, project)


@pytest.mark.parametrize(
    ("block", "key"),
    [(block, key) for block in STACKS for key in block.keys],
    ids=lambda it: ".".join(map(str, it.place)) if isinstance(it, Key) else it.heading,
)
def test_reference_has_the_default_of_every_key_that_is_neither_required_nor_optional(
    block: Block, key: Key, project: Path
) -> None:
    rest = without(block.values, key.place)
    if "required" in key.comment:
        with pytest.raises(SettingsError):
            settings_of(rest, project)
    elif "optional" in key.comment:
        settings_of(rest, project)
    else:
        assert settings_of(rest, project) == settings_of(block.values, project)


def test_reference_names_the_supported_versions(project: Path) -> None:
    (version,) = (key for key in REFERENCE.keys if key.place == ("binary", "version"))
    unsupported = REFERENCE.values | {"binary": {"version": "1.0.0"}}
    with pytest.raises(SettingsError, match=r"binary\.version: .*must be one of 1\.") as raised:
        settings_of(unsupported, project)
    supported = re.search(r"must be one of (1\.\d+ to 1\.\d+)", str(raised.value))
    assert supported
    assert supported[1] in version.comment
