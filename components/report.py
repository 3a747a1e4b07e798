"""A node's report of its kube-proxy at the end of an activation (scripts/report.sh)."""

from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
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


def parse(text: str) -> dict[str, object]:
    """Return the report as plain data with camelCase names, for a stack output.

    The login may have printed something before it. Raises ValueError (pydantic.ValidationError) if there is no report.
    """
    _, generation, rest = text.partition("generation: ")
    return Report.model_validate(yaml.safe_load(generation + rest)).model_dump(mode="json", by_alias=True)
