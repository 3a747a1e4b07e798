"""The stack's configuration as Pulumi passes it to the program. No other module of settings/ imports Pulumi."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pulumi
from pulumi.runtime import config

from settings.load import Settings, load
from settings.problems import Problem, SettingsError
from settings.stack_file import NAMESPACE, parse_value


def stack_settings(project_directory: Path) -> Settings:
    """Return the settings of the stack that Pulumi runs, and show their warnings as Pulumi's.

    Raises:
        pulumi.RunError: with every problem of the stack.
    """
    _refuse_the_labs_shell()
    try:
        settings = load(stack_configuration(), project_directory)
    except SettingsError as error:
        _warn(error.warnings)
        raise pulumi.RunError(str(error)) from None
    _warn(settings.warnings)
    return settings


def stack_configuration() -> Mapping[str, object]:
    """Return every key of this program's namespace, known or unknown, without the namespace, with its value."""
    values = config.get_config_env() | config.CONFIG.get()
    return {
        key.removeprefix(NAMESPACE): parse_value(key.removeprefix(NAMESPACE), value)
        for key, value in values.items()
        if key.startswith(NAMESPACE)
    }


def _refuse_the_labs_shell() -> None:
    """Refuse another stack than the lab's where `make env` has set the environment (development/lab/environment.py)."""
    in_lab = "KUBE_PROXY_LAB_SSH_CONFIG" in os.environ and os.environ.get("PULUMI_CONFIG_PASSPHRASE") == ""
    if in_lab and pulumi.get_stack() != "dev":
        raise pulumi.RunError(
            f'the stack "{pulumi.get_stack()}" must not be used in a shell where you ran `make env`: its secrets would '
            "be encrypted with the lab's empty passphrase, and `make clean` would delete its state; open a new shell, "
            "then run pulumi login and pulumi stack init again"
        )


def _warn(warnings: Iterable[Problem]) -> None:
    for warning in warnings:
        pulumi.log.warn(str(warning))
