"""Nodes behind a bastion: one connection for all of them, and errors that say which of the two hosts it was."""

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import replace

import asyncssh
import pytest

from components import connection, host
from components.connection import HostError
from components.delivery import Delivery
from settings import SSH, Binary, BinarySource
from tests.components.ssh_hosts import Server, node, private_key, serve

DELIVERY = Delivery({"NODE": "k8s-node01"}, {"kube-proxy.conf": "\n"})
PREINSTALLED = Binary("1.36.2", BinarySource.PREINSTALLED, None, None, {})
STRANGER = asyncssh.generate_private_key("ssh-ed25519")

pytestmark = pytest.mark.usefixtures("state")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0)


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def behind(bastion: Server, server: Server) -> SSH:
    return replace(server.login(), bastion=bastion.login("jump"))


def test_all_nodes_share_one_connection_to_the_bastion() -> None:
    async def run() -> None:
        async with serve() as bastion, serve() as first, serve() as second:
            nodes = [node(behind(bastion, server), f"n{server.port}") for server in 5 * [first, second]]
            # Each node has its own delivery; here they all are this machine.
            deliveries = [Delivery({"NODE": str(number)}, {}) for number in range(len(nodes))]
            await asyncio.gather(*map(host.deliver, nodes, deliveries, len(nodes) * [PREINSTALLED]))
            assert bastion.attempts == ["jump"]
            assert bastion.commands == []
            assert len(first.commands) == len(second.commands) == 5

    asyncio.run(run())


def test_lost_connection_to_the_bastion_is_opened_again() -> None:
    async def run() -> None:
        async with serve() as bastion, serve() as server:
            for _ in range(2):
                await host.deliver(node(behind(bastion, server)), DELIVERY, PREINSTALLED)
                bastion.connections[-1].abort()
                await asyncio.sleep(0.1)
            assert len(bastion.attempts) == 2

    asyncio.run(run())


Spoil = Callable[[SSH], SSH]


def refused(spoil: Spoil, forward: bool = True, nodes: int = 3) -> tuple[str, Server, Server]:
    """Deliver to nodes with this login; return the message, and what the bastion and the node have seen."""

    async def run() -> tuple[str, Server, Server]:
        async with serve(forward=forward) as bastion, serve() as server:
            login = spoil(behind(bastion, server))
            work = (host.deliver(node(login, f"n{number}"), DELIVERY, PREINSTALLED) for number in range(nodes))
            errors = await asyncio.gather(*work, return_exceptions=True)
            assert all(isinstance(error, HostError) for error in errors), errors
            assert server.commands == []
            return str(errors[0]), bastion, server

    return asyncio.run(run())


def at_bastion(**changes: object) -> Spoil:
    def spoil(ssh: SSH) -> SSH:
        assert ssh.bastion
        return replace(ssh, bastion=replace(ssh.bastion, **changes))  # type: ignore[arg-type]

    return spoil


def test_bastion_that_is_down_is_named() -> None:
    message, _, server = refused(at_bastion(port=(port := free_port())))
    assert re.fullmatch(
        rf"n0: host check: bastion: 127\.0\.0\.1:{port} must answer as an SSH server, tried 3 times: .*; start the host, "
        "repair the connection to it, or remove it from the configuration; nothing was changed on the host; run pulumi up again",
        message,
    )
    assert server.attempts == []


def test_bastion_that_refuses_the_login_is_named_and_tried_once_for_all_nodes() -> None:
    message, bastion, server = refused(at_bastion(private_key=private_key(STRANGER)))
    assert message.startswith(
        f"n0: host check: bastion: 127.0.0.1:{bastion.port} must accept user jump with the SSH key "
        f"{STRANGER.get_fingerprint()}; "
    )
    assert bastion.attempts == ["jump"]
    assert server.attempts == []


def test_bastion_with_another_host_key_is_named() -> None:
    key = STRANGER.export_public_key().decode().strip()
    message, bastion, _ = refused(at_bastion(host_key=key))
    assert f"n0: host check: bastion: 127.0.0.1:{bastion.port} must have the host key {key[-12:]} " in message
    assert bastion.attempts == []


def test_node_that_the_bastion_can_not_reach_is_named() -> None:
    port = free_port()
    message, bastion, _ = refused(lambda ssh: replace(ssh, port=port))
    assert message.startswith(
        f"n0: host check: 127.0.0.1:{port} must be reachable from the bastion 127.0.0.1:{bastion.port}, tried 3 times: "
    )
    assert "Connect call failed" in message
    assert len(bastion.attempts) == 1


def test_bastion_that_does_not_forward_is_named() -> None:
    message, bastion, _ = refused(lambda ssh: ssh, forward=False)
    assert f"must be reachable from the bastion 127.0.0.1:{bastion.port}, " in message
    assert "allow user jump to forward to it (sshd_config of the bastion: AllowTcpForwarding, PermitOpen)" in message


def test_node_that_refuses_the_login_is_not_taken_for_the_bastion() -> None:
    message, _, server = refused(lambda ssh: replace(ssh, private_key=private_key(STRANGER)), nodes=1)
    assert message.startswith(f"n0: host check: 127.0.0.1:{server.port} must accept user root with the SSH key ")
    assert server.attempts == ["root"]


def test_node_that_accepts_and_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS", 3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        message, bastion, _ = refused(lambda ssh: replace(ssh, port=port), nodes=1)
    assert (
        f"127.0.0.1:{port} must answer as an SSH server to the bastion 127.0.0.1:{bastion.port}, tried 3 times: "
        "no SSH answer within 3 s; "
    ) in message
