"""How commands on a node become root. No other module asks for it (docs/decisions/0013-sudo.md)."""

import shlex
from typing import Final

from settings import SSH

ROOT: Final = "uid 0"
"""A line that `check_command` prints as root."""

UNASKED: Final = "password unread"
"""A line that `check_command` prints if sudo has left the password on standard input."""


def as_root(ssh: SSH, *command: str) -> str:
    """Return the text of a command that runs as root, for a login shell that needs to know only single quotes.

    The command must be one line: csh ends a quoted text at the end of a line, and would run the next line as a command.
    Standard input must begin with `password_line`.
    """
    return shlex.join(["exec", *_sudo(ssh), *command])


def password_line(ssh: SSH) -> str:
    """Return what sudo reads from standard input: a line with the password, or nothing if it isn't to ask."""
    return f"{ssh.sudo_password.get_secret_value()}\n" if ssh.sudo_password else ""


def check_command(ssh: SSH) -> str:
    """Return a command that changes nothing and prints `ROOT`, and `UNASKED` if it applies."""
    return as_root(ssh, "/bin/sh", "-c", f'echo; echo "uid $(id -u)"; read -r _ && echo "{UNASKED}"; exit 0')


def without_password(ssh: SSH, printed: str) -> str:
    """Return what a host has printed without the password: a login shell may print what it reads."""
    password = " ".join(ssh.sudo_password.get_secret_value().split()) if ssh.sudo_password else ""
    return printed.replace(password, "(the password)") if password else printed


def denied(ssh: SSH, reason: str) -> str:
    """Return why a user can't become root and what to do; `reason` is what happened instead."""
    how = "with the password in kube-proxy:sudoPassword" if ssh.sudo_password else "without a password"
    # sudoers(5): @ is special in a user's name.
    user = ssh.user.replace("@", "\\@")
    tag = "" if ssh.sudo_password else "NOPASSWD: "
    to_do = f"run visudo -f /etc/sudoers.d/kube-proxy there and add the line: {user} ALL=(root) {tag}/bin/sh"
    if "not found" in reason or "Unknown command" in reason:
        to_do = f"install sudo there; then {to_do}"
    elif "sudo" not in reason:
        to_do = f"its login shell there must run commands (usermod -s /bin/sh {ssh.user}); {to_do}"
    elif "tty" in reason:
        to_do += f"; and this one: Defaults:{user} !requiretty"
    elif ssh.sudo_password:
        to_do = f"set the right one (pulumi config set --secret kube-proxy:sudoPassword); or {to_do}"
    elif "password" in reason:
        to_do += "; or set the password: pulumi config set --secret kube-proxy:sudoPassword"
    shown = without_password(ssh, reason)
    return f"user {ssh.user} must be able to run /bin/sh as root through sudo {how}, but {shown}; {to_do}"


def _sudo(ssh: SSH) -> list[str]:
    if ssh.user == "root":
        return []
    # -k: sudo asks although it was asked a moment ago, so it always reads the line, and leaves nothing that another
    # command could use.
    return ["sudo", *(["-k", "-S", "-p", ""] if ssh.sudo_password else ["-n"]), "--"]
