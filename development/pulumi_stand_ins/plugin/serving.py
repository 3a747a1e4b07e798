"""A plugin's process: a gRPC server on a free loopback port, which ends with the engine.

The engine's protocol (sdk/go/common/resource/plugin/plugin.go): the last argument is the engine's address, the plugin
prints its port on the first line of standard output, and at the end the engine sends SIGINT to the process group.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import grpc

from development.pulumi_stand_ins.plugin.engine import Engine

# The engine's limit (rpcutil.GrpcChannelOptions). gRPC's default of 4 MiB is too small for a large standard input.
_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = (("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES))

Register = Callable[[grpc.aio.Server, Engine], None]


def serve(register: Register, grace_seconds: float = 0) -> None:
    """Serve what `register` adds to the server, until a signal arrives or the engine's process is gone.

    Calls that are still running then have `grace_seconds` to end.
    """
    engine_address = next((argument for argument in sys.argv[:0:-1] if not argument.startswith("-")), None)
    asyncio.run(_serve(register, engine_address, grace_seconds))


async def _serve(register: Register, engine_address: str | None, grace_seconds: float) -> None:
    server = grpc.aio.server(options=_OPTIONS)
    register(server, Engine(engine_address))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = _end_of_engine()
    print(port, flush=True)
    await ended
    with suppress(TimeoutError):
        await asyncio.wait_for(server.stop(grace_seconds), timeout=grace_seconds + 1)
    # Don't wait for connections and threads that are still busy, perhaps with a frozen node.
    os._exit(0)


def _end_of_engine() -> asyncio.Future[None]:
    """Resolves on SIGINT, on SIGTERM, and when the parent process ends, even if it was killed."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        parent = os.pidfd_open(os.getppid())
    except ProcessLookupError:
        end()
    else:
        loop.add_reader(parent, end)
        # The descriptor stays readable, so the loop would call `end` again and again.
        ended.add_done_callback(lambda _: loop.remove_reader(parent))
    return ended
