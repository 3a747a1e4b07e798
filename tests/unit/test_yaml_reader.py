"""What a document may have, and how it is read."""

import subprocess
import sys

import pytest
import yaml

from documents import yaml_writer
from settings.yaml_reader import GoLoader, WrittenFloat, WrittenInt, error_detail, load_yaml


def refused(text: str) -> str:
    with pytest.raises(yaml.YAMLError) as raised:
        load_yaml(text, GoLoader)
    return error_detail(raised.value)


@pytest.mark.parametrize(
    ("tag", "value"),
    [("int", "''"), ("int", "s3cret"), ("float", "s3cret"), ("bool", "s3cret"), ("int", "0x"), ("int", "1" * 101)],
)
def test_value_must_fit_its_tag_and_is_not_shown(tag: str, value: str) -> None:
    assert (
        refused(f"a: !!{tag} {value}") == f"line 1, column 4: must be a value of type {tag}, of at most 100 characters"
    )


@pytest.mark.parametrize("tag", ["set", "omap", "pairs", "binary", "timestamp", "python/tuple"])
def test_only_types_of_json_are_read(tag: str) -> None:
    assert (
        refused(f"a: !!{tag} {{b}}")
        == f"line 1, column 4: could not determine a constructor for the tag 'tag:yaml.org,2002:{tag}'"
    )
    assert load_yaml("[2020-01-01, yes]", GoLoader) == ["2020-01-01", "yes"]


@pytest.mark.parametrize("text", ["&a [*a]", "&a {b: [*a]}", "&a {<<: *a}"])
def test_alias_must_not_be_in_its_own_value(text: str) -> None:
    assert refused(text).endswith("an alias must not be in the value that it stands for")


@pytest.mark.parametrize(
    "value", ["[*a, *a, *a, *a, *a, *a, *a, *a]", "{a: *a, b: *a, c: *a, d: *a, e: *a, f: *a, g: *a}"]
)
def test_aliases_must_not_multiply(value: str) -> None:
    levels = (f"- &a{level + 1} {value.replace('*a', f'*a{level}')}" for level in range(8))
    lines = ["- &a0 [x, x, x, x, x, x, x, x]", *levels]

    assert refused("\n".join(lines)).endswith("with aliases expanded they exceed 8 MiB")


def test_aliases_are_read() -> None:
    assert load_yaml("[&a {x: 1}, *a, {<<: *a, y: 2}]") == [{"x": 1}, {"x": 1}, {"x": 1, "y": 2}]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_document_must_not_be_deep(opening: str) -> None:
    """In a process of its own: without the limit PyYAML's C code would end the whole process."""
    code = "import sys; from settings.yaml_reader import load_yaml; load_yaml(sys.argv[1] * 30_000)"
    done = subprocess.run([sys.executable, "-c", code, opening], capture_output=True, text=True, timeout=60)

    assert "values must not be nested more than 64 levels deep" in done.stderr


def test_number_is_kept_as_it_was_written() -> None:
    octal, version = load_yaml("010", GoLoader), load_yaml("1.30", GoLoader)
    assert isinstance(octal, WrittenInt)
    assert isinstance(version, WrittenFloat)

    assert (octal, octal.written, version, version.written) == (8, "010", 1.3, "1.30")
    assert yaml_writer.dump({"a": octal, "b": version}) == "a: 8\nb: 1.3\n"
