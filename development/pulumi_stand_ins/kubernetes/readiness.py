"""Annotations for the plugin: what to wait for in the object, and how to delete its dependents."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import jsonpath_rfc9535 as jsonpath

from development.pulumi_stand_ins.kubernetes.api import Api, ApiError, UnreachableError
from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.resource import Operation

WAIT_FOR: Final = "pulumi.com/waitFor"
"""`jsonpath={PATH}`, RFC 9535 since plugin 4.24. The object is ready when the path selects anything in it."""
DELETION: Final = "pulumi.com/deletionPropagationPolicy"

_SECONDS = 600.0
_POLL_SECONDS = 0.25


async def wait_until_ready(operation: Operation, api: Api, live: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Wait for the object. Return it as last seen, and the reason if it isn't ready within the operation's timeout."""
    expression = _annotation(live, WAIT_FOR)
    if expression is None:
        return live, None
    path = expression.removeprefix("jsonpath={").removesuffix("}")
    query = jsonpath.compile(path)
    deadline = time.monotonic() + (operation.timeout_seconds or _SECONDS)
    await operation.log(Severity.INFO, f"{{{path}}} selected nothing", status=True)
    while not query.find(live):
        if operation.cancelled.is_set():
            return live, "context canceled"
        if time.monotonic() > deadline:
            return live, "timed out waiting for the condition"
        with suppress(TimeoutError):
            await asyncio.wait_for(operation.cancelled.wait(), _POLL_SECONDS)
        # Keep waiting if the object is gone or the API can't be reached.
        with suppress(ApiError, UnreachableError):
            live = await api.get(live["metadata"]["name"])
    return live, None


def deletion_policy(live: Mapping[str, Any]) -> str:
    """Return how the API must delete the object's dependents."""
    return (_annotation(live, DELETION) or "foreground").capitalize()


def _annotation(live: Mapping[str, Any], key: str) -> str | None:
    value: str | None = live["metadata"].get("annotations", {}).get(key)
    return value
