"""The types of KubeProxyConfiguration's values, each as strict as the Go type that kube-proxy reads it into.

kube-proxy doesn't start with a number in quotes, a duration without a unit or a boolean as text, so they are refused
here. Sources: k8s.io/apimachinery pkg/apis/meta/v1/duration.go and pkg/api/resource/quantity.go, Go's
time.ParseDuration, and pkg/proxy/apis/config/validation/validation.go for the ranges.
"""

import re
from fractions import Fraction
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, StrictBool

from settings.addresses import CIDR, Address, Listener
from settings.field_types import checked, matching

SECOND: Final = 10**9
"""Durations are nanoseconds, as in Go."""

_MICRO: Final = dict.fromkeys(("us", "µs", "μs"), 10**3)
_UNITS: Final = {"ns": 1, **_MICRO, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_TERM: Final = re.compile(r"([0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(ns|us|µs|μs|ms|s|m|h)")
_DURATION: Final = re.compile(rf"(?P<sign>[-+]?)(?P<terms>0|({_TERM.pattern})+)")
_QUANTITY: Final = re.compile(
    r"\+?(?P<number>[0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?"
)
_SCALES: Final = {
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate(["n", "u", "m", "", "k", *"MGTPE"], -3)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
_INT32: Final = 2**31 - 1
_FLOAT32: Final = 3.4028234e38

ZERO_IS_DEFAULT: Final = "zero is default"
"""Marks a field whose zero upstream can't distinguish from an unset value, and replaces by the default."""


def amount(quantity: object) -> Fraction:
    """Return the number that a quantity is: 1536 for `1.5Ki`.

    Raises:
        ValueError: it is no quantity, or it doesn't fit into 64 bits (resource.Quantity would cap it).
    """
    match = _QUANTITY.fullmatch(str(quantity))
    if match:
        number, suffix = match["number"], match["suffix"] or ""
        scale = _SCALES[suffix] if suffix in _SCALES else Fraction(10) ** int(suffix[1:])
        if (exact := Fraction(number) * scale) < 2**63:
            return exact
    raise ValueError("must be a quantity of bytes (e.g. 512, 64Ki, 1M)")


def _whole_number(low: int, high: int) -> BeforeValidator:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            quotes = ", without quotes" if isinstance(value, str) else ""
            raise ValueError(f"must be a whole number from {low} to {high}{quotes}")
        return value

    return BeforeValidator(read)


def _float32(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _FLOAT32:
        raise ValueError(f"must be a number (e.g. 5 or 0.5){', without quotes' if isinstance(value, str) else ''}")
    return float(value)


def _duration(value: object) -> int:
    """Return the nanoseconds of Go's `1h30m`, `1.5s` or `0`."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("must be a duration with a unit (e.g. 30s, 1m30s, 250ms)")
    nanoseconds = sum(int(Fraction(number) * _UNITS[unit]) for number, unit in _TERM.findall(match["terms"]))
    if nanoseconds >= 2**63:
        raise ValueError("must be a duration of at most 292 years (e.g. 24h)")
    if nanoseconds and match["sign"] == "-":
        raise ValueError("must not be negative (e.g. 30s)")
    return nanoseconds


def _flush_frequency(value: object) -> int:
    """The only duration that may also be a number of nanoseconds (component-base logs/api/v1/types.go)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return _duration(value)


def _quantity(value: object) -> object:
    amount(value)
    return value


AddressOrListener = TypeVar("AddressOrListener", Address, Listener)


def _bind_address(address: AddressOrListener) -> AddressOrListener:
    if address.ip.version == 6 and address.ip.ipv4_mapped:
        raise ValueError(f"must be written as an IPv4 address: {address.ip.ipv4_mapped}")
    return address


def _node_port_address(text: str) -> str:
    if text in NODE_PORT_KEYWORDS:
        return text
    try:
        return CIDR(text)
    except ValueError as error:
        raise ValueError(f"{error} or one of the keywords {', '.join(NODE_PORT_KEYWORDS)}") from None


def _printable(pattern: str, must: str) -> AfterValidator:
    return checked(lambda text: text.isprintable() and re.fullmatch(pattern, text), must)


NODE_PORT_KEYWORDS: Final = ("primary", "localhost", "all")

Bool: TypeAlias = StrictBool
Duration: TypeAlias = Annotated[int, BeforeValidator(_duration)]
FlushFrequency: TypeAlias = Annotated[int, BeforeValidator(_flush_frequency)]
Float32: TypeAlias = Annotated[float, BeforeValidator(_float32)]
Count: TypeAlias = Annotated[int, _whole_number(0, _INT32)]
MarkBit: TypeAlias = Annotated[int, _whole_number(0, 31)]
OOMScore: TypeAlias = Annotated[int, _whole_number(-1000, 1000)]
Quantity: TypeAlias = Annotated[str | int | float, BeforeValidator(_quantity)]
NodePortAddress: TypeAlias = Annotated[str, AfterValidator(_node_port_address)]
"""A keyword, or a CIDR."""
BindAddress: TypeAlias = Annotated[Address, AfterValidator(_bind_address)]
BindListener: TypeAlias = Annotated[Listener, BeforeValidator(Listener), AfterValidator(_bind_address)]
# Linux: IFNAMSIZ and dev_valid_name() in net/core/dev.c.
Interface: TypeAlias = Annotated[
    str,
    _printable(r"(?!\.\.?$)[^\s/:]{1,15}", "must be a network interface's name or prefix (e.g. cni0)"),
]
# It becomes a header of requests, and every request fails if HTTP doesn't allow a character there.
MediaType: TypeAlias = Annotated[str, matching(r"[!-~]+/[ -~]+", "must be a media type (e.g. application/json)")]
FilePattern: TypeAlias = Annotated[
    str,
    _printable(
        "[^=,]+", "must be a source file's name without .go, or a glob pattern, without '=' and ',' (e.g. proxier)"
    ),
]
