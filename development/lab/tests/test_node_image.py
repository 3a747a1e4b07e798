"""The choice of the Debian that `make test` has in turn."""

import pytest

from development.errors import LabError
from development.lab import node_image


def test_one_suite_is_chosen_unless_the_variable_names_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYSTEM", raising=False)
    assert len(node_image.others()) == 1
    monkeypatch.setenv("SYSTEM", "bullseye trixie")
    assert node_image.others() == ("bullseye", "trixie")
    monkeypatch.setenv("SYSTEM", "buster")
    with pytest.raises(LabError, match="SYSTEM must have names of trixie, bullseye, bookworm, has buster"):
        node_image.others()


def test_each_suite_has_an_image_of_its_own() -> None:
    assert len({node_image.image(suite).directory for suite in node_image.OTHERS}) == len(node_image.OTHERS)
