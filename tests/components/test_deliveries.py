"""Hooks can always connect, however many registrations hold the program's threads."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from components.deliveries import run_apart


def test_a_connection_does_not_wait_for_threads_of_the_programs_pool() -> None:
    async def connect() -> str:
        # As asyncssh does while it connects.
        return await asyncio.get_running_loop().run_in_executor(None, lambda: "connected")

    async def program() -> str:
        loop, registered = asyncio.get_running_loop(), threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        registration = loop.run_in_executor(None, registered.wait)
        try:
            return await asyncio.wait_for(run_apart(connect()), 10)
        finally:
            registered.set()
            await registration

    assert asyncio.run(program()) == "connected"
