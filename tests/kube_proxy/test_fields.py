"""Our model has the fields of upstream's KubeProxyConfiguration in every supported minor."""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import get_args

import pytest

from development.toolchain import GoTools
from development.toolchain.build import GO_ENVIRONMENT
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.nested_fields import Fields
from tests.kube_proxy.program import KUBE_PROXIES


@cache
def upstream(tools: GoTools) -> dict[str, str]:
    """Return the Go type of each field by its path, in the packages that this kube-proxy is built from.

    What Go has compiled for kube-proxy is used again, so this takes a second or two after `make prepare`.
    """
    output = subprocess.run(
        ["go", "run", *tools.build_flags, "../fields.go"],
        cwd=tools.module, env=os.environ | GO_ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert output.returncode == 0, output.stderr
    fields = dict(line.split(" ", 1) for line in output.stdout.splitlines())
    assert fields["conntrack.maxPerCore"] == "*int32"
    return fields


def sections(section: type[Fields] = KubeProxyConfiguration, parent: str = "") -> Iterator[tuple[str, type[Fields]]]:
    """Yield the section and the sections below it, each with the start of its fields' paths."""
    yield parent, section
    for name, field in section.model_fields.items():
        path = f"{parent}{field.alias or name}"
        for end, annotation in ((".", field.annotation), *(("[].", item) for item in get_args(field.annotation))):
            if isinstance(annotation, type) and issubclass(annotation, Fields):
                yield from sections(annotation, path + end)


MODEL = {f"{parent}{key}" for parent, section in sections() for key in section.known_keys()}
LEFT_OUT = {f"{parent}{key}": why for parent, section in sections() for key, why in section.elsewhere.items()}
"""Fields that a stack must not set, with the message that says why."""


@pytest.mark.parametrize("tools", KUBE_PROXIES, ids=lambda tools: tools.version)
def test_model_or_its_list_of_refused_fields_has_every_upstream_field(tools: GoTools) -> None:
    covered = MODEL | LEFT_OUT.keys()
    missing = {
        path: go_type
        for path, go_type in upstream(tools).items()
        if path not in covered and not any(path.startswith(f"{refused}.") for refused in LEFT_OUT)
    }
    assert not missing, (
        f"kube-proxy {tools.version} has fields that settings/kube_proxy_configuration lacks: "
        f"{', '.join(f'{path} ({go_type})' for path, go_type in missing.items())}; "
        "add each to the model, or to `elsewhere` of its section with the reason"
    )


@pytest.mark.parametrize("tools", KUBE_PROXIES, ids=lambda tools: tools.version)
def test_upstream_has_every_field_of_the_model(tools: GoTools) -> None:
    unknown = sorted(MODEL - upstream(tools).keys())
    assert not unknown, (
        f"settings/kube_proxy_configuration has fields that kube-proxy {tools.version} lacks: {', '.join(unknown)}; "
        "remove them, or refuse them for this minor in version_rules.py and except them here"
    )
