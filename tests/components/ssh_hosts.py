"""SSH servers in the test's own process: logins of any user, any login shell, and a sudo that does what a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import asyncssh
from pydantic import SecretStr

from settings import SSH, KubeProxyConfiguration, NodeSettings
from settings.addresses import Address

KEY = asyncssh.generate_private_key("ssh-ed25519")
"""The key that all servers accept."""

PASSWORD = "hunter2, the 1st"

ASK = """\
case $* in "-k -S -p  -- "*) ;; *) echo 'sudo: a password is required' >&2; exit 1 ;; esac
for _ in 1 2 3; do
    echo tried >>"${0%/*}/passwords"
    read -r line || { echo 'sudo: no password was provided' >&2; exit 1; }
    [ "$line" != 'hunter2, the 1st' ] || break
    echo 'Sorry, try again.' >&2
done
[ "$line" = 'hunter2, the 1st' ] || exit 1
"""
"""Ask for a password as sudo 1.9 does: -S reads up to three lines of standard input, byte by byte."""

_SUDO = """\
#!/bin/sh
{answer}
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""


@dataclass
class Server:
    """What a server is and has seen."""

    port: int
    key: asyncssh.SSHKey
    attempts: list[str] = field(default_factory=list)
    """The user of each connection that got as far as a login."""
    commands: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def login(self, user: str = "root", sudo_password: str | None = None) -> SSH:
        password = SecretStr(sudo_password) if sudo_password else None
        return SSH("127.0.0.1", self.port, user, private_key(KEY), self.host_key, password)


@cache
def private_key(key: asyncssh.SSHKey) -> SecretStr:
    return SecretStr(key.export_private_key().decode())


def node(ssh: SSH, name: str = "k8s-node01") -> NodeSettings:
    return NodeSettings(name, Address("192.168.99.101"), {}, KubeProxyConfiguration(), ssh)


def write_sudo(directory: Path, answer: str = "") -> str:
    """Write a sudo that first runs the shell text `answer`; return a PATH that begins with it."""
    directory.mkdir(exist_ok=True)
    (directory / "sudo").write_text(_SUDO.format(answer=answer))
    (directory / "sudo").chmod(0o755)
    return f"{directory}:/usr/bin:/bin"


@asynccontextmanager
async def serve(path: str = "/usr/bin:/bin", shell: str = "/bin/sh", forward: bool = True) -> AsyncIterator[Server]:
    """Run a server. Its commands run in `shell -c` with this PATH. With `forward` it is a bastion too."""

    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            server.connections.append(conn)

        def begin_auth(self, username: str) -> bool:
            server.attempts.append(username)
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
            return key.public_data == KEY.public_data

        def connection_requested(self, *_: object) -> bool:
            return forward

    async def run(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        server.commands.append(process.command or "")
        pipe = asyncio.subprocess.PIPE
        started = await asyncio.create_subprocess_exec(
            shell, "-c", process.command or "", env={"PATH": path, "HOME": "/"}, stdin=pipe, stdout=pipe, stderr=pipe
        )
        output, errors = await started.communicate(await process.stdin.read())
        process.stdout.write(output)
        process.stderr.write(errors)
        process.exit(started.returncode or 0)

    key = asyncssh.generate_private_key("ssh-ed25519")
    listener = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Login, process_factory=run, server_host_keys=[key], encoding=None
    )
    async with listener:
        server = Server(listener.get_port(), key)
        yield server
