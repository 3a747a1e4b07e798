"""The types of the configuration's fields: what a person may write, and what each is read as."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from settings import addresses, names, ssh_keys, versions
from settings.model import BinarySource, KeyAlgorithm
from settings.problems import Kind, supported_values


def _whole_number(low: int, high: int, unit: str = "") -> BeforeValidator:
    """A whole number, which `pulumi config set` may have kept as the text "22"."""

    def read(value: object) -> int:
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number{unit} from {low} to {high}")
        return int(text)

    return BeforeValidator(read)


def one_of(vocabulary: type[StrEnum]) -> BeforeValidator:
    """Return what refuses all but the values of a vocabulary, and names them."""

    def read(value: object) -> object:
        if value not in list(vocabulary):
            raise PydanticCustomError(Kind.UNSUPPORTED.name, "{detail}", {"detail": supported_values(vocabulary)})
        return value

    return BeforeValidator(read)


def _subject_attribute(longest: int) -> AfterValidator:
    """An attribute of a subject; the upper bounds are RFC 5280's (appendix A.1, ub-*)."""

    def read(value: str) -> str:
        if len(names.line(value)) > longest:
            raise ValueError(f"must be at most {longest} characters")
        return value

    return AfterValidator(read)


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValueError("must be the two capital letters of ISO 3166 (e.g. CN)")
    return value


def _organizations(value: object) -> tuple[str, ...]:
    """One organization or a list of them, each at most 64 characters (RFC 5280, ub-organization-name)."""
    names_of_groups = [value] if isinstance(value, str) else value
    if not isinstance(names_of_groups, list | tuple) or not all(isinstance(name, str) for name in names_of_groups):
        raise ValueError("must be one name or a list of names (e.g. k8s, or [k8s, proxies])")
    for name in names_of_groups:
        if len(names.line(name)) > 64:
            raise ValueError("must be at most 64 characters")
        # The API server takes an organization for a group of the user, and these may do anything.
        if name in ("system:masters", "kubeadm:cluster-admins"):
            raise ValueError("must not be the administrators' group: kube-proxy needs no more than system:node-proxier")
    if len(set(names_of_groups)) != len(names_of_groups):
        raise ValueError("must name each organization once")
    return tuple(names_of_groups)


def _root(value: str) -> str:
    if value != "root":
        detail = f"another user is not supported yet; {supported_values(['root'])}"
        raise PydanticCustomError(Kind.UNSUPPORTED.name, "{detail}", {"detail": detail})
    return value


def _max_unavailable(value: object) -> int | str:
    text = str(value)
    if re.fullmatch(r"[1-9][0-9]{0,5}", text):
        return int(text)
    if re.fullmatch(r"([1-9][0-9]?|100)%", text):
        return text
    raise ValueError("must be a number of nodes from 1 or a percentage from 1% to 100% (e.g. 25%)")


def _flag(value: object) -> bool:
    """Reads a boolean, which `pulumi config set` may have kept as the text "true"."""
    if str(value) not in ("True", "False", "true", "false"):
        raise ValueError("must be true or false")
    return str(value).lower() == "true"


def _not_supported_yet(instead: str) -> BeforeValidator:
    def refuse(_: object) -> object:
        raise PydanticCustomError(Kind.FORBIDDEN.name, "{detail}", {"detail": f"not supported yet: {instead}"})

    return BeforeValidator(refuse)


def _text(read: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(read)


Line: TypeAlias = Annotated[str, _text(names.line)]
FileName: TypeAlias = Annotated[str, _text(names.file_name)]
NodeName: TypeAlias = Annotated[str, _text(names.node_name)]
HostName: TypeAlias = Annotated[str, _text(names.host_name)]
DirectoryOnNode: TypeAlias = Annotated[str, _text(names.directory_on_node)]
NodeAddress: TypeAlias = Annotated[str, _text(addresses.node_address)]
ServiceAddress: TypeAlias = Annotated[str, _text(addresses.service_address)]
ClusterCIDR: TypeAlias = Annotated[str, _text(addresses.cluster_cidr)]
TLSServerName: TypeAlias = Annotated[str, _text(addresses.tls_server_name)]
ServerURL: TypeAlias = Annotated[str, _text(addresses.server_url)]
ProxyURL: TypeAlias = Annotated[str, _text(addresses.proxy_url)]
DownloadURL: TypeAlias = Annotated[str, _text(addresses.download_url)]
KubernetesVersion: TypeAlias = Annotated[str, _text(versions.kubernetes_version)]
SupportedVersion: TypeAlias = Annotated[str, _text(versions.supported_version)]
SignerName: TypeAlias = Annotated[str, _text(names.signer_name)]
HostKey: TypeAlias = Annotated[str, _text(ssh_keys.host_key)]
Root: TypeAlias = Annotated[str, _text(_root)]
Country: TypeAlias = Annotated[str, _text(_country)]
Place: TypeAlias = Annotated[str, _subject_attribute(128)]
Organizations: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_organizations)]
OrganizationalUnit: TypeAlias = Annotated[str, _subject_attribute(64)]
KeyAlgorithmName: TypeAlias = Annotated[KeyAlgorithm, one_of(KeyAlgorithm)]
Port: TypeAlias = Annotated[int, _whole_number(1, 65535)]
ValidityHours: TypeAlias = Annotated[int, _whole_number(1, 876_000, " of hours")]
RenewBeforeHours: TypeAlias = Annotated[int, _whole_number(0, 876_000, " of hours")]
ApprovalTimeout: TypeAlias = Annotated[int, _whole_number(1, 86_400, " of seconds")]
Verbosity: TypeAlias = Annotated[int, _whole_number(0, 10)]
Canary: TypeAlias = Annotated[int, _whole_number(0, 100_000, " of nodes")]
HealthTimeout: TypeAlias = Annotated[int, _whole_number(5, 3600, " of seconds")]
MinReady: TypeAlias = Annotated[int, _whole_number(0, 3600, " of seconds")]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
MaxUnavailable: TypeAlias = Annotated[int | str, BeforeValidator(_max_unavailable)]
Source: TypeAlias = Annotated[BinarySource, one_of(BinarySource)]
BastionNotYet: TypeAlias = Annotated[None, _not_supported_yet("each node's SSH port must be reachable from here")]
