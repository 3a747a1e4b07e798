"""What an object's annotations ask of the plugin: to wait for something in it, and how to delete it."""

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
"""`jsonpath={PATH}`, by RFC 9535 since plugin 4.24; the object is ready when the path selects anything of it."""
DELETION: Final = "pulumi.com/deletionPropagationPolicy"

_SECONDS = 600.0
_POLL_SECONDS = 0.25


async def settled(operation: Operation, api: Api, live: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The object as it was last seen, and why it isn't ready, if it isn't within the operation's time."""
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
        # What is gone meanwhile, or can't be reached, is waited for all the same.
        with suppress(ApiError, UnreachableError):
            live = await api.get(live["metadata"]["name"])
    return live, None


def deletion_policy(live: Mapping[str, Any]) -> str:
    """How the API is to delete the object's dependents."""
    return (_annotation(live, DELETION) or "foreground").capitalize()


def _annotation(live: Mapping[str, Any], key: str) -> str | None:
    value: str | None = live["metadata"].get("annotations", {}).get(key)
    return value
