"""A node's report of its kube-proxy at the end of an activation (scripts/report.sh)."""

import re
from typing import Annotated

import pulumi
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class VirtualServer(_Model):
    """An IPVS virtual server as in `ipvsadm -ln`: `TCP 10.0.0.1:443 rr` and its real servers."""

    server: str
    real_servers: Annotated[tuple[str, ...], AfterValidator(lambda servers: tuple(sorted(servers)))]


class Report(_Model):
    """What the node has verified."""

    generation: str
    active: bool
    enabled: bool
    version: str
    mode: str
    listeners: tuple[str, ...]
    kubernetes_service: str
    request: str
    virtual_servers: tuple[VirtualServer, ...] = Field(default=())


def parse(node: str, text: str | None) -> dict[str, object]:
    """Return the report as plain data with camelCase names, for a stack output.

    The login's shell may have printed more before and after it. Raises pulumi.RunError if there is no report.
    """
    document = re.search(r"\A(?:.*^)?---\n(.*?)^\.\.\.$", text or "", re.MULTILINE | re.DOTALL)
    try:
        # Until 2026-11-26 the report was all of the text.
        report = Report.model_validate(yaml.safe_load(document[1] if document else text or ""))
    except (yaml.YAMLError, ValidationError) as error:
        raise pulumi.RunError(
            f"{node}: the output of its last activation must have kube-proxy's report, is {(text or '')[-200:]!r}: "
            "does the login's shell run all commands, and print little? "
            "To activate the node again, change rollout.healthTimeoutSeconds by a second and run pulumi up"
        ) from error
    return report.model_dump(mode="json", by_alias=True)
