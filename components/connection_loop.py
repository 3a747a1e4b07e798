"""An event loop for SSH connections, in a thread of its own.

A resource that is being registered holds a thread of the program's pool while its before-hook runs, and asyncssh needs
a thread of the default pool of the loop that it runs in. With more registrations than threads (4 × `--parallel`) hooks
and registrations would wait for each other forever, so connections must not share the program's loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


async def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the connections' loop and return its result; called from any other loop."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="ssh-connections", daemon=True).start()
    return loop
