"""What a node said of its kube-proxy when it was activated (scripts/report.sh)."""

from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class VirtualServer(_Model):
    """An IPVS virtual server, as ``ipvsadm -ln`` shows it: ``TCP 10.0.0.1:443 rr`` and its real servers."""

    server: str
    real_servers: Annotated[tuple[str, ...], AfterValidator(lambda servers: tuple(sorted(servers)))]


class Report(_Model):
    """A node's answer, as verified on it."""

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
    """Returns the report as plain data with the field's names (camelCase), for a stack output.

    Raises ValueError (pydantic.ValidationError) where the text is not a report.
    """
    return Report.model_validate(yaml.safe_load(text)).model_dump(mode="json", by_alias=True)
