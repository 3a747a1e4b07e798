"""Send requests to a URL at a steady rate, each on a new connection, and print a line for each: `python -m tests.lab.stream`.

The URL's scheme is http, or udp for a packet that must be answered by another one. It is sent three times, as resolvers do: kube-proxy
deletes conntrack entries of UDP, and then an answer on its way is lost.

The line: seconds on this machine's monotonic clock at the end of the request, HTTP status (000 without an answer), seconds
taken, reason. A request that hangs delays no other.
"""

import asyncio
import os
import socket
import sys
import time
from contextlib import suppress
from itertools import count
from urllib.parse import SplitResult, urlsplit

_SECONDS = 4.0
PORTS = 3000
"""Each stream of a client has ports of its own. Without that, 3 of 42,000 requests had no answer in mode ipvs: two connections from one
port, by two addresses to one pod, are the same connection to the pod where no source address is translated. The next stream goes on
where the last one ended: for two minutes the kernel remembers a connection that has ended, in IPVS' table also across a change of mode."""


async def _get(url: SplitResult, source: tuple[str, int]) -> str:
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80, local_addr=source)
    try:
        writer.write(f"GET {url.path or '/'} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.readline()).split()[1].decode()
        await reader.read()
        return status
    finally:
        writer.close()


async def _exchange_packets(url: SplitResult, source: tuple[str, int]) -> str:
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.bind(source)
        sender.connect((url.hostname, url.port))
        loop = asyncio.get_running_loop()
        while True:
            await loop.sock_sendall(sender, b"ping")
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS / 3):
                    await loop.sock_recv(sender, 99)
                    return "200"


async def _send(url: SplitResult, source: tuple[str, int]) -> str:
    began = time.monotonic()
    status, reason = "000", ""
    try:
        async with asyncio.timeout(_SECONDS):
            status = await (_exchange_packets if url.scheme == "udp" else _get)(url, source)
    except TimeoutError:
        reason = "timed out"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
    except IndexError:
        reason = "closed without an answer"
    ended = time.monotonic()
    return f"{ended:.3f} {status} {ended - began:.3f} {reason and f'{url.geturl()}: {reason}'}"


async def _stream(url: SplitResult, address: str, interval: float, first_port: int) -> None:
    due = time.monotonic()
    ports = count(int(due / interval))

    async def report() -> None:
        print(await _send(url, (address, first_port + next(ports) % PORTS)), flush=True)

    async with asyncio.TaskGroup() as requests:
        while True:
            requests.create_task(report())
            due += interval
            await asyncio.sleep(due - time.monotonic())


if __name__ == "__main__":
    asyncio.run(_stream(urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
