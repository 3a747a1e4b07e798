"""How commands on a node become root. No other module asks for it (docs/decisions/0013-sudo.md)."""

import shlex
from typing import Final

from settings import SSH

ROOT: Final = "uid 0"
"""A line that `check_command` prints as root."""


def as_root(ssh: SSH, *command: str) -> str:
    """Return the text of a command that runs as root, for a login shell that needs to know only single quotes.

    The command must be one line: csh ends a quoted text at the end of a line, and would run the next line as a command.
    """
    return shlex.join(["exec", *_sudo(ssh), *command])


def check_command(ssh: SSH) -> str:
    """Return a command that changes nothing and prints `ROOT`."""
    return as_root(ssh, "/bin/sh", "-c", 'echo; echo "uid $(id -u)"')


def denied(ssh: SSH, reason: str) -> str:
    """Return why a user can't become root and what to do; `reason` is what happened instead."""
    must = f"user {ssh.user} must be able to run /bin/sh as root through sudo without a password, but {reason}"
    # sudoers(5): @ is special in a user's name.
    user = ssh.user.replace("@", "\\@")
    rule = f"run visudo -f /etc/sudoers.d/kube-proxy there and add the line: {user} ALL=(root) NOPASSWD: /bin/sh"
    if "not found" in reason or "Unknown command" in reason:
        rule = f"install sudo there; then {rule}"
    elif "sudo" not in reason:
        rule = f"its login shell there must run commands (usermod -s /bin/sh {ssh.user}); {rule}"
    elif "tty" in reason:
        rule += f"; and this one: Defaults:{user} !requiretty"
    return f"{must}; {rule}"


def _sudo(ssh: SSH) -> list[str]:
    return [] if ssh.user == "root" else ["sudo", "-n", "--"]
