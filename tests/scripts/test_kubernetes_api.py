"""The awk program that reads the API server's YAML on a node, compared with a YAML library."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

API = Path(__file__).parents[2] / "scripts" / "kubernetes_api.sh"

keys = st.from_regex(r"[a-zA-Z][a-zA-Z0-9./-]{0,9}", fullmatch=True)
scalars = st.from_regex(r"[a-z0-9][a-z0-9.:/-]{0,14}[a-z0-9]", fullmatch=True) | st.integers(0, 70000) | st.booleans()
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Yields the expected path=value lines, in the document's order."""
    match value:
        case dict():
            for key, inner in sorted(value.items()):
                yield from leaves(inner, f"{path}.{key}" if path else key)
        case list():
            for index, inner in enumerate(value):
                yield from leaves(inner, f"{path}.{index}")
        case bool():
            yield f"{path}={str(value).lower()}"
        case _:
            yield f"{path}={value}"


def flatten_in_shell(text: str) -> list[str]:
    done = subprocess.run(
        ["/bin/sh", "-c", f'. "{API}"; flatten_yaml'], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@settings(max_examples=100, deadline=None)
@given(documents)
def test_every_scalar_is_found_at_its_path(document: dict[str, object]) -> None:
    assert flatten_in_shell(yaml.safe_dump(document, width=10_000)) == list(leaves(document))


def test_multi_line_strings_are_skipped() -> None:
    text = yaml.safe_dump(
        {"metadata": {"annotations": {"note": "one: 1\n- two\n"}, "name": "kubernetes"}}, default_style=None
    )
    assert "metadata.name=kubernetes" in flatten_in_shell(text)
