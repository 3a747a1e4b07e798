"""The hook of all nodes' commands: it delivers what a node needs before its first command of a run.

So it runs never in a preview, and never for a node on which nothing changes (docs/decisions/0002).
"""

import asyncio
import resource
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import pulumi

from components.delivery import Delivery
from settings import Binary, NodeSettings

T = TypeVar("T")

_MACOS_FILES = 10_240
"""OPEN_MAX: macOS refuses more, though its hard limit is `unlimited`."""


class Deliveries:
    """One hook for the fleet: a hook for each node would start a gRPC server each (docs/upstream.md)."""

    hook: pulumi.ResourceHook

    def __init__(self, binary: Binary) -> None:
        self._binary = binary
        self._planned: dict[str, tuple[NodeSettings, pulumi.Output[Delivery]]] = {}
        self._done: set[str] = set()
        self.hook = pulumi.ResourceHook("delivery", self._deliver)

    def plan(self, resource: str, node: NodeSettings, delivery: pulumi.Output[Delivery]) -> None:
        """Say what must be on the node before the resource with this name is created or updated."""
        self._planned[resource] = node, delivery

    async def _deliver(self, args: pulumi.ResourceHookArgs) -> None:
        node, planned = self._planned[args.name]
        if node.name in self._done:
            return
        # Most runs deliver nothing, and asyncssh takes half a second to import.
        from components import host

        if delivery := await planned.future():
            await run_apart(host.deliver(node, delivery, self._binary))
            self._done.add(node.name)


async def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop for SSH connections, in a thread of its own, and return its result.

    A resource that is being registered holds a thread of the program's pool while its before-hook runs, and asyncssh
    needs a thread of the default pool of the loop that it runs in. With more registrations than threads (4 ×
    `--parallel`) hooks and registrations would wait for each other forever.
    """
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _connection_loop()))


@cache
def _connection_loop() -> asyncio.AbstractEventLoop:
    # Each open connection is a file. The engine and its plugins raise their limit too, but not for the program.
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != most:
        with suppress(ValueError, OSError):  # the kernel may allow less than the hard limit
            files = max(now, _MACOS_FILES) if most == resource.RLIM_INFINITY else most
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="ssh-connections", daemon=True).start()
    return loop
