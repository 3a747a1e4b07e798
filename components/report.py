"""A node's report of its kube-proxy at the end of an activation (scripts/report.sh)."""

from typing import Annotated

import pulumi
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from settings.yaml_reader import load_yaml


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


Printable = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,500}$")]
"""A node's answer, which ends up on terminals."""


class VirtualServer(_Model):
    """An IPVS virtual server as in `ipvsadm -ln`: `TCP 10.0.0.1:443 rr` and its real servers."""

    server: Printable
    real_servers: Annotated[tuple[Printable, ...], AfterValidator(lambda servers: tuple(sorted(servers)))]


class Report(_Model):
    """What the node has verified."""

    generation: Printable
    active: bool
    enabled: bool
    version: Printable
    mode: Printable
    listeners: tuple[Printable, ...]
    kubernetes_service: Printable
    request: Printable
    virtual_servers: tuple[VirtualServer, ...] = Field(default=())


LIMIT = 1 << 20
"""Characters. A report has at most 100 virtual servers with 100 real servers each (scripts/report.sh)."""


def parse(node: str, text: str | None) -> dict[str, object]:
    """Return the report as plain data with camelCase names, for a stack output.

    The login's shell may have printed more before and after it. Raises pulumi.RunError if there is no report.
    """
    text = f"\n{text or ''}\n"[-LIMIT:]
    end = text.rfind("\n...\n")
    start = text.rfind("\n---\n", 0, end)
    try:
        # Until 2026-11-26 the report was all of the text.
        report = Report.model_validate(load_yaml(text[start + len("\n---\n") : end + 1] if -1 < start < end else text))
    except (yaml.YAMLError, ValidationError) as error:
        raise pulumi.RunError(
            f"{node}: the output of its last activation must have kube-proxy's report, is {text.strip()[-200:]!r}: "
            "does the login's shell run all commands, and print little? "
            "To activate the node again, change rollout.healthTimeoutSeconds by a second and run pulumi up"
        ) from error
    return report.model_dump(mode="json", by_alias=True)
