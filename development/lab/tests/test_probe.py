"""What a stream of requests is said to have come to."""

from tests.lab.probe import parse

OUTAGE = """\
10.00 200 0.1
10.25 200 0.1
12.40 000 2.0 Connection timed out after 2001 milliseconds
12.60 503 0.1
13.00 200 0.1
13.20 200 0.1
13.40 000 0.0 Failed to connect to 10.0.0.1 port 443 after 7 ms: Couldn't connect to server
13.60 000 0.0 Failed to connect to 10.0.0.1 port 443 after 19 ms: Couldn't connect to server
14.00 200 0.1
"""


def test_every_answer_but_200_is_a_failure() -> None:
    answers = parse(OUTAGE)
    assert (len(answers.each), answers.failed) == (9, 4)
    assert str(answers) == (
        "4 of 9 requests failed: 000 Connection timed out, 503, "
        "000 Failed to connect to 10.0.0.1 port 443: Couldn't connect to server"
    )
    assert str(parse("1.00 200 0.1\n")) == "0 of 1 requests failed"


def test_a_gap_lasts_from_the_last_success_to_the_next() -> None:
    assert parse(OUTAGE).longest_gap == 2.75
    assert parse("1.00 200 0.1\n9.00 200 0.1\n").longest_gap == 0, "slow, but nothing failed"
    assert parse("1.00 200 0.1\n2.00 000 0.1\n5.00 000 0.1\n").longest_gap == 4, "it goes on at the end"
