"""Any stack gives settings or SettingsError, never another exception."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Problem, SettingsError, load
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.section import Section
from settings.stack import NodeSection, Stack

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["ca.pem", "10.0.0.1", ".", "~"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=3), below, max_size=2),
    max_leaves=4,
)


def places(model: type[Section], at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the location of every known key, and one unknown key in each section."""
    yield (*at, "unknown")
    for field in model.model_fields.values():
        yield (*at, str(field.alias))
        if isinstance(field.default, Section):
            yield from places(type(field.default), (*at, str(field.alias)))


PLACES = [
    *places(Stack),
    *places(NodeSection, ("nodes", 1)),
    *places(KubeProxyConfiguration, ("configuration",)),
    *places(KubeProxyConfiguration, ("nodes", 1, "configuration")),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, make_project: Callable[[Path], Path]) -> Path:
    return make_project(tmp_path_factory.mktemp("project"))


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_any_stack_gives_settings_or_settings_error(
    directory: Path, make_values: Callable[[], dict[str, Any]], changes: list[tuple[tuple[str | int, ...], object]]
) -> None:
    values: Any = make_values()
    for (*way, last), value in changes:
        place = values
        for step in way:
            fits = isinstance(place, list) if isinstance(step, int) else isinstance(place, dict)
            if not fits or (isinstance(step, int) and len(place) <= step):
                break
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if isinstance(place, dict):
            place[last] = value

    message, problems = message_and_problems(values, directory)

    assert len(message.splitlines()) == (1 + len(problems) if problems else 0)


def message_and_problems(values: dict[str, Any], directory: Path) -> tuple[str, tuple[Problem, ...]]:
    try:
        load(values, directory)
    except SettingsError as error:
        return str(error), error.problems
    return "", ()
