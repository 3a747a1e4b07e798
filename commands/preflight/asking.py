"""Preflight on each node: one connection, the archive on standard input, and nothing stays there."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final

import asyncssh

from components.connection import HostError, connect
from components.delivery import Delivery, shell
from components.host import Answer, check_root, run
from settings import NodeSettings
from settings.addresses import host_and_port
from settings.problems import cut, printable

AT_ONCE: Final = 50
"""How many nodes are asked at a time."""
SECONDS: Final = 150
"""The limit of a preflight, which ends itself after 120 s (scripts/preflight_only.sh)."""

_MOST: Final = 50
"""Messages of a node."""
_LONGEST: Final = 600

_REMARK: Final = re.compile(r"(warning|note): ")
_LAST: Final = re.compile(r"ready for kube-proxy |\d+ of this node's requirements are not met")
_UNEXPECTED: Final = re.compile("ended unexpectedly, ")
"""What scripts/run.sh adds; the exit status is reported anyway."""


@dataclass(frozen=True)
class Readiness:
    """What a node has answered, without its name. It is ready if it has no problems."""

    name: str
    address: str
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """What the table says."""
        if self.problems:
            return "not ready"
        return "ready, with remarks" if self.remarks else "ready"


async def ask_all(
    deliveries: Sequence[tuple[NodeSettings, Delivery]], at_once: int, done: Callable[[str], None]
) -> list[Readiness]:
    """Run preflight on all nodes, and call `done` with the name of each node that has answered, or never will."""
    free = asyncio.Semaphore(at_once)
    # A name that no DNS server answers for holds a thread.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(at_once))

    async def ask_one(node: NodeSettings, delivery: Delivery) -> Readiness:
        async with free:
            readiness = await _ask(node, delivery)
        done(node.name)
        return readiness

    return await asyncio.gather(*(ask_one(*each) for each in deliveries))


async def _ask(node: NodeSettings, delivery: Delivery) -> Readiness:
    try:
        async with connect(node) as connection:
            try:
                first = await check_root(node, connection)
                command = shell(node.ssh, "preflight_only.sh", delivery.digest)
                running = run(connection, command, first + delivery.archive())
                answer = await asyncio.wait_for(running, SECONDS)
            finally:
                connection.abort()  # a host may never close its side
    except HostError as error:
        return _not_ready(node, error.reason)
    except (OSError, asyncssh.Error) as error:  # TimeoutError is an OSError
        return _not_ready(node, _unfinished(str(error) or f"the host did not answer within {SECONDS} s"))
    return understand(node, delivery.digest, answer)


def understand(node: NodeSettings, digest: str, answer: Answer) -> Readiness:
    """Return what the lines of a preflight mean; all others are the login's."""
    if not (end := re.search(rf"^preflight {digest} (\d+)$", "\n".join(answer.lines), re.MULTILINE)):
        lost = answer.status is None
        return _not_ready(
            node, _unfinished("the connection was lost" if lost else f"the host printed: {answer.printed}")
        )
    prefix = f"{node.name}: preflight: "
    said = [line.removeprefix(prefix) for line in answer.lines if line.startswith(prefix)]
    remarks = _cut(_REMARK.sub("", line, 1) for line in said if _REMARK.match(line))
    if end[1] == "0":
        return Readiness(node.name, _address(node), remarks=remarks)
    problems = _cut(line for line in said if not any(each.match(line) for each in (_REMARK, _LAST, _UNEXPECTED)))
    if end[1] == "124":  # timeout(1)
        problems = (*problems, _unfinished("it did not end within 120 s"))
    elif end[1] != "1" or not any(map(_LAST.match, said)):
        others = " ".join(line for line in answer.lines if line and not line.startswith((prefix, "preflight ")))
        problems = (*problems, *_cut([_unfinished(f"its exit status was {end[1]}: {others[-300:] or 'no message'}")]))
    return Readiness(node.name, _address(node), problems, remarks)


def _unfinished(reason: str) -> str:
    return f"preflight must run as root, with /bin/sh, tar, gzip and room in /run, but {reason}"


def _not_ready(node: NodeSettings, reason: str) -> Readiness:
    return Readiness(node.name, _address(node), _cut([reason]))


def _address(node: NodeSettings) -> str:
    return host_and_port(node.ssh.host, node.ssh.port)


def _cut(lines: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(cut(printable(line), _LONGEST) for line in islice(dict.fromkeys(lines), _MOST))
