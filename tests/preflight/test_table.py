"""A message that many nodes have is there once, also where it differs in addresses and numbers."""

from commands.preflight.asking import Readiness
from commands.preflight.table import table

LONG = "programs listen at Service addresses: named at 10.0.0.1:53; let them listen at another one"


def lines(*answers: Readiness, width: int | None = None) -> list[str]:
    shown = table(answers, width)
    return shown[shown.index("") + 1 :]


def test_equal_messages_are_there_once_with_the_first_names() -> None:
    nodes = [Readiness(f"n{number}", "10.0.0.1:22", remarks=("the same",)) for number in range(1000)]
    assert table(nodes, None)[:2] == ["NODE   STATE                 SEE", "n0     ready, with remarks   1"]
    assert lines(*nodes) == [
        "Remarks:",
        "1.  n0, n1, n2, n3, n4 and 995 more",
        "    the same",
        "",
        "1000 nodes: 1000 ready with remarks",
    ]


def test_messages_that_differ_in_numbers_only_are_one_message() -> None:
    assert lines(
        Readiness("n1", "", ("10.0.0.1:22 must answer ('10.0.0.1', 22): has 512 KiB",)),
        Readiness("n2", "", ("10.0.0.2:22 must answer ('10.0.0.2', 22): has 7 KiB",)),
        Readiness(
            "n3",
            "host.example.org:22",
            ("[fd00::3]:22 must answer ('fd00::3', 22): has 7 KiB", "module ip_vs", "module ip6_vs"),
        ),
        Readiness("node", "other.example.org:2222", ("host must answer: other.example.org: node",)),
        Readiness("nodes", "[fd00::5]:2222", ("host must answer: fd00::5: nodes",)),
    ) == [
        "Not ready, because:",
        "1.  n1, n2 (with the addresses and numbers of n1)",
        "    10.0.0.1:22 must answer ('10.0.0.1', 22): has 512 KiB",
        "2.  n3",
        "    [fd00::3]:22 must answer ('fd00::3', 22): has 7 KiB",
        "3.  n3",
        "    module ip_vs",
        "4.  n3",
        "    module ip6_vs",
        "5.  node, nodes (with the addresses and numbers of node)",
        "    host must answer: other.example.org: node",
        "",
        "5 nodes: 5 not ready",
    ]


def test_terminal_gets_lines_of_its_width_and_whole_words() -> None:
    assert lines(Readiness("n1", "", remarks=(LONG,)), width=40) == [
        "Remarks:",
        "1.  n1",
        "    programs listen at Service",
        "    addresses: named at 10.0.0.1:53; let",
        "    them listen at another one",
        "",
        "1 node: 1 ready with remarks",
    ]
