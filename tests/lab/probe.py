"""A steady stream of new TLS connections from a node through the Service kubernetes, and what became of each.

A line per request: the node's seconds since boot, the HTTP status, the seconds that it took, curl's reason.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from development.lab.node import Node

SERVICE = "https://10.0.0.1/version"
_UNIT = "probe"
# --http1.1 and "close": otherwise curl reuses one connection. On standard error, because standard output is buffered
# by the block. Four seconds: a request on an emulated node takes a tenth of that. Two a second: TLS is dear on an
# emulated node, QEMU forks a socat for each (50 ms of this machine), and five on each node were most of what a test
# took.
_SCRIPT = """\
curl -ks --http1.1 --rate 120/m -o /dev/null --connect-timeout 2 --max-time 4 -H "Connection: close" \
    -w "%{stderr}%{http_code} %{time_total} %{errormsg}\\n" "$1?[1-1000000]" 2>&1 >/dev/null |
    while read -r line; do
        read -r now _ </proc/uptime
        echo "$now $line"
    done >/run/$2.log
"""


@dataclass(frozen=True)
class Answer:
    """One request's: when it ended, in the node's seconds since boot; what it came to."""

    at: float
    ok: bool
    text: str


@dataclass(frozen=True)
class Answers:
    """All of a stream's requests."""

    each: Sequence[Answer]

    @property
    def failed(self) -> int:
        return sum(not answer.ok for answer in self.each)

    @property
    def longest_gap(self) -> float:
        """Seconds from the last success before a failure to the first after it, of the longest such gap; 0 if none."""
        gaps = [0.0]
        last = self.each[0].at if self.each else 0.0
        failing = False
        for answer in self.each:
            if answer.ok and failing:
                gaps.append(answer.at - last)
            if answer.ok:
                last = answer.at
            failing = not answer.ok
        if failing:
            gaps.append(self.each[-1].at - last)
        return max(gaps)

    def __str__(self) -> str:
        said = f"{self.failed} of {len(self.each)} requests failed"
        reasons = [re.sub(r" after \d+ (ms|milliseconds)", "", answer.text) for answer in self.each if not answer.ok]
        return f"{said}: {', '.join(dict.fromkeys(reasons))}" if reasons else said


def parse(log: str) -> Answers:
    """Reads the lines of a stream."""
    answers = []
    for line in log.splitlines():
        at, code, _, *reason = line.split(" ", 3)
        answers.append(Answer(float(at), code == "200", " ".join([code, *reason]).strip()))
    return Answers(answers)


def start(node: Node, url: str = SERVICE, unit: str = _UNIT) -> None:
    """Starts a stream on a node and waits for its first answer."""
    node.run(
        f"systemctl stop {unit} 2>/dev/null; systemctl reset-failed {unit} 2>/dev/null; rm -f /run/{unit}.log; "
        f"cat >/run/{unit}.sh; systemd-run -q --unit={unit} sh /run/{unit}.sh '{url}' {unit}; "
        f"until [ -s /run/{unit}.log ]; do sleep 0.2; done",
        stdin=_SCRIPT.encode(),
    )


def stop(node: Node, unit: str = _UNIT) -> Answers:
    """Ends a stream and returns what it saw."""
    return parse(node.run(f"systemctl stop {unit}; cat /run/{unit}.log"))


@contextmanager
def probed(nodes: Sequence[Node]) -> Iterator[dict[str, Answers]]:
    """Streams on the nodes while the body runs; afterwards the dictionary has each node's answers."""
    answers: dict[str, Answers] = {}
    for node in nodes:
        start(node)
    try:
        yield answers
    finally:
        answers |= {node.name: stop(node) for node in nodes}
