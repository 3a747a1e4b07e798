"""The stack's configuration as Pulumi hands it to the program: the one module of ``settings`` that knows Pulumi."""

import json
from collections.abc import Mapping

from pulumi.runtime import config

NAMESPACE = "kube-proxy:"

TEXTS = frozenset({"caPrivateKey", "sshPrivateKey", "nodesFile"})
"""Keys whose values are text; all others are structures, which Pulumi hands over as JSON."""


def stack_configuration() -> Mapping[str, object]:
    """Returns every key of this program's namespace, known to it or not, without the namespace, and its value."""
    values = config.get_config_env() | config.CONFIG.get()
    return {
        key.removeprefix(NAMESPACE): _parse(key.removeprefix(NAMESPACE), value)
        for key, value in values.items()
        if key.startswith(NAMESPACE)
    }


def _parse(key: str, value: str) -> object:
    if key in TEXTS:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
