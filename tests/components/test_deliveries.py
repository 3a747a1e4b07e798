"""Hooks can always connect, however many registrations hold the program's threads."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

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


def test_connections_are_not_limited_by_the_soft_limit_of_open_files() -> None:
    """256 on macOS, 1024 on Linux; a fleet of dead hosts keeps as many connections open as the engine starts hooks."""
    program = """if True:
        import asyncio, resource, socket
        from components.deliveries import run_apart
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
        async def open_connections():
            return [socket.socket() for _ in range(300)]
        asyncio.run(run_apart(open_connections()))
    """
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "limits", ["(65536, resource.RLIM_INFINITY)", "(resource.RLIM_INFINITY, resource.RLIM_INFINITY)"]
)
def test_limit_of_open_files_is_never_lowered(limits: str) -> None:
    """macOS with more than it calls its maximum."""
    program = f"""if True:
        import asyncio, resource
        from components.deliveries import run_apart
        limits = {limits}
        resource.getrlimit = lambda _: limits
        def set_limits(_, new):
            assert new[0] >= limits[0], new
        resource.setrlimit = set_limits
        asyncio.run(run_apart(asyncio.sleep(0)))
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_limit_of_open_files_that_can_not_be_raised_stays() -> None:
    """As where fs.nr_open is below the hard limit, or in a sandbox."""
    program = """if True:
        import asyncio, resource
        from components.deliveries import run_apart
        resource.getrlimit = lambda _: (1024, 4096)
        def refuse(*_):
            raise ValueError("not allowed to raise maximum limit")
        resource.setrlimit = refuse
        asyncio.run(run_apart(asyncio.sleep(0)))
    """
    subprocess.run([sys.executable, "-c", program], check=True)
