"""Host keys from a file in the format of known_hosts (sshd(8)), as `ssh` and `ssh-keyscan` write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from settings.host_keys import HOST_KEY_TYPES

if TYPE_CHECKING:
    import asyncssh

MOST_COMPARED: Final = 4_000_000
"""How often a host is compared with a hashed name or a pattern. A million takes ten seconds; plain names take none."""

_COMPARED: Final = re.compile(r"(@\S+\s+)?[^\s|*?!/]*[|*?!/]")


class KnownHosts:
    """The keys in a file. The constructor reads its text or raises ValueError."""

    def __init__(self, text: str) -> None:
        # Only stacks with such a file need it, and it takes half a second to import.
        import asyncssh

        self._known = asyncssh.SSHKnownHosts()
        self._to_compare = sum(1 for line in text.splitlines() if _COMPARED.match(line))
        self._compared = 0
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                self._known.load(line)
            except (ValueError, OverflowError):  # the second for an RSA key with a negative number
                # asyncssh's message has the line, which is a private key's if the wrong file is named.
                raise ValueError(f"must name a file in the format of known_hosts; line {number} is not") from None

    def host_key(self, host: str, port: int) -> str:
        """Return a host's key as `<type> <base64>`, the preferred one if there are several.

        Raises:
            ValueError: there is none that the command plugin can check; the message says why.
        """
        self._compared += self._to_compare
        if self._compared > MOST_COMPARED:
            raise ValueError(
                "has too many hashed names and patterns for so many hosts; "
                "let it have plain names, as ssh-keyscan writes them"
            )
        keys, authorities, revoked, *_ = self._known.match(host, "", None if port == 22 else port)
        usable = {key.get_algorithm(): key for key in keys if key not in revoked}
        for kind in HOST_KEY_TYPES:
            if kind in usable:
                return _text(usable[kind])
        if usable:
            raise ValueError(f"has only {', '.join(usable)} for it, and the command plugin needs another key")
        if keys:
            raise ValueError("has only revoked keys for it (@revoked)")
        if authorities:
            raise ValueError("has only an authority for it (@cert-authority), and host certificates are not supported")
        raise ValueError("has none for it")


def _text(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])
