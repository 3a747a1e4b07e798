"""A hostile stack, or a hostile file that it names, ends in a message of ours, soon and without much memory."""

from tests.unit import hostile


def test_sample_of_hostile_documents() -> None:
    """tests/unit/hostile.py says how to try more of them."""
    wrong, printed = hostile.run(first=0, count=200)

    assert not wrong, printed
