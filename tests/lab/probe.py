"""Steady streams of requests to the Service kubernetes, and the result of each request.

Two streams for each node. One goes through the node: 20 requests a second from the lab's network, which the node forwards
(PREROUTING, FORWARD). One comes from the node itself: 2 a second (OUTPUT). Where nodes have pods (tests/lab/pod.py): one
from the pod, from both to a Service with the internal traffic policy Local and by SCTP to the pod's Service, and from
outside one to each address of the pod's Service.

The requests are plain HTTP, and the API server answers 400 to them: TLS on an emulated node would cost more than all the
rest, and proves nothing about kube-proxy.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from development.lab import network, topology
from development.lab.node import Node
from tests.lab import pod, stream

SERVICE = f"http://{topology.KUBERNETES_SERVICE}:443/"
_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    """The result of one request: when it ended, in seconds of its stream's clock, and whether a server answered."""

    at: float
    ok: bool
    text: str


@dataclass(frozen=True)
class Answers:
    """The results of all requests."""

    streams: Mapping[str, Sequence[Answer]]
    """By what the requests are: `from the node`, or their URL."""

    @property
    def each(self) -> list[Answer]:
        return [answer for stream in self.streams.values() for answer in stream]

    @property
    def failed(self) -> int:
        return sum(not answer.ok for answer in self.each)

    @property
    def longest_gap(self) -> float:
        """Seconds from the last success before a failure to the first one after it, the longest of any stream; or 0."""
        return max(map(_longest_gap, self.streams.values()), default=0.0)

    def __str__(self) -> str:
        summary = f"{self.failed} of {len(self.each)} requests failed"
        reasons = [
            f"{name}: {re.sub(r' after [0-9]+ (ms|milliseconds)', '', answer.text)}"
            for name, answers in self.streams.items()
            for answer in answers
            if not answer.ok
        ]
        return f"{summary}: {', '.join(dict.fromkeys(reasons))}" if reasons else summary


def _longest_gap(stream: Sequence[Answer]) -> float:
    gaps = [0.0]
    last = stream[0].at if stream else 0.0
    failing = False
    for answer in stream:
        if answer.ok and failing:
            gaps.append(answer.at - last)
        if answer.ok:
            last = answer.at
        failing = not answer.ok
    if failing:
        gaps.append(stream[-1].at - last)
    return max(gaps)


def parse(logs: Mapping[str, str]) -> Answers:
    """Reads a log for each stream: lines of time, HTTP status, seconds taken and reason."""
    streams = {}
    for name, log in logs.items():
        answers = []
        for line in log.splitlines():
            at, code, _, *reason = line.split(" ", 3)
            answers.append(Answer(float(at), code in ("200", "400"), " ".join([code, *reason]).strip()))
        streams[name] = answers
    return Answers(streams)


class Stream:
    """Requests from the lab's network to a URL, through a node if the URL is a Service's."""

    def __init__(self, node: Node, url: str = SERVICE, interval: float = 0.05, number: int = 0) -> None:
        """Starts the stream. Streams at the same time have different numbers."""
        ports = range(10_000, 58_000, stream.PORTS)
        program = [
            sys.executable,
            "-m",
            "tests.lab.stream",
            url,
            pod.client(node, url),
            str(interval),
            str(ports[number]),
        ]
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 — stop() closes it
        self._process = subprocess.Popen(network.inside(node.lab, program), cwd=_PROJECT, stdout=self._output)

    def await_answer(self) -> None:
        """Waits for the first one."""
        while not os.fstat(self._output.fileno()).st_size:
            assert self._process.poll() is None, "the stream of requests has ended"
            time.sleep(0.01)

    def stop(self) -> str:
        """Ends the stream and returns its log."""
        self._process.terminate()
        self._process.wait()
        self._output.seek(0)
        with self._output:
            return self._output.read()


FROM_NODE = "from the node"
# A new connection for each request. On standard error, because curl buffers standard output.
_CURL = """\
curl -s --rate {rate}/m -o /dev/null --connect-timeout 2 --max-time 4 -H 'Connection: close' \
-w '%{{stderr}}%{{http_code}} %{{time_total}} %{{errormsg}}\\n' '{url}?[1-1000000]'"""
# curl before 7.84 has no --rate; on a node with such an old one there are no pods.
_UNIT = f"""\
cat >/run/{{unit}}.sh <<'END'
curl --rate 120/m --version >/dev/null 2>&1 || curl() {{{{
    while :; do
        command curl -s -o /dev/null --connect-timeout 2 --max-time 4 -H 'Connection: close' \\
            -w '%{{{{stderr}}}}%{{{{http_code}}}} %{{{{time_total}}}}\\n' {SERVICE}
        sleep 0.4
    done
}}}}
{{command}} 2>&1 >/dev/null | while read -r line; do
    read -r now _ </proc/uptime
    echo "$now $line"
done >/run/{{unit}}.log
END
systemctl stop {{unit}} 2>/dev/null
systemctl reset-failed {{unit}} 2>/dev/null
rm -f /run/{{unit}}.log
systemd-run -q --unit={{unit}} sh /run/{{unit}}.sh
"""


def _commands(node: Node, *, pods: bool) -> dict[str, str]:
    """Returns the command that sends each stream from the node."""
    commands = {FROM_NODE: _CURL.format(rate=120, url=SERVICE)}
    if pods:
        local, in_pod = _CURL.format(rate=60, url=pod.local_url()), f"ip netns exec {pod.NAMESPACE}"
        commands |= {
            "from a pod": f"{in_pod} {commands[FROM_NODE]}",
            "from the node, internal traffic policy Local": local,
            "from a pod, internal traffic policy Local": f"{in_pod} {local}",
            "from the node, SCTP": pod.sctp_client(node, from_pod=False),
            "from a pod, SCTP": f"{in_pod} {pod.sctp_client(node, from_pod=True)}",
        }
    return commands


class _OnNode:
    """The streams of requests from a node and its pod, each sent by a unit there."""

    def __init__(self, node: Node, *, pods: bool) -> None:
        """Starts them."""
        self._node, commands = node, _commands(node, pods=pods)
        self._units = {name: f"probe-{number}" for number, name in enumerate(commands)}
        self._all = " ".join(self._units.values())
        script = "".join(_UNIT.format(unit=self._units[name], command=command) for name, command in commands.items())
        node.run("sh", stdin=script.encode())

    def await_answers(self) -> None:
        """Waits for the first one of each."""
        self._node.run(f"for unit in {self._all}; do until [ -s /run/$unit.log ]; do sleep 0.2; done; done")

    def stop(self) -> dict[str, str]:
        """Ends the streams and returns their logs."""
        show = f"for unit in {self._all}; do cat /run/$unit.log; echo =====; done"
        logs = self._node.run(f"set -e; systemctl stop {self._all}; {show}").split("=====\n")
        return dict(zip(self._units, logs[:-1], strict=True))


@contextmanager
def probed(nodes: Sequence[Node], *, pods: bool = False) -> Iterator[dict[str, Answers]]:
    """Streams through and from each node while the body runs; afterwards the dictionary has each node's answers."""
    answers: dict[str, Answers] = {}
    on_node: dict[str, _OnNode] = {}
    streams: dict[str, dict[str, Stream]] = {}
    try:
        for node in nodes:
            on_node[node.name] = _OnNode(node, pods=pods)
            others = {url: Stream(node, url, 0.5, n) for n, url in enumerate(pod.urls(node), 1)} if pods else {}
            streams[node.name] = {SERVICE: Stream(node)} | others
        for node in nodes:
            for each in streams[node.name].values():
                each.await_answer()
            on_node[node.name].await_answers()
        yield answers
    finally:
        logs = {name: {url: each.stop() for url, each in of_node.items()} for name, of_node in streams.items()}
        for node in nodes:
            if node.name in logs:
                answers[node.name] = parse(logs[node.name] | on_node[node.name].stop())
