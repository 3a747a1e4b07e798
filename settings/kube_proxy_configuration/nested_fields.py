"""The sections of KubeProxyConfiguration v1alpha1: each field's meaning, type and default.

Names and meanings come from k8s.io/kube-proxy config/v1alpha1/types.go and k8s.io/component-base (config/v1alpha1,
logs/api/v1), defaults from k8s.io/kubernetes pkg/proxy/apis/config/v1alpha1/defaults.go. A default is the value that
kube-proxy uses for an unset field; None means that it depends on something else. Fields for Windows are left out.
"""

from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import model_validator

from settings.addresses import CIDR
from settings.kube_proxy_configuration import values
from settings.kube_proxy_configuration.enums import LogFormat, Scheduler
from settings.kube_proxy_configuration.values import SECOND, ZERO_IS_DEFAULT
from settings.section import Section, required


class Fields(Section):
    """A section of KubeProxyConfiguration."""

    @classmethod
    def is_unset(cls, key: object, item: object) -> bool:
        """Empty strings count as unset, as they do upstream.

        The exception is `mode`: upstream and this program have different defaults, so "" would be ambiguous.
        """
        return item is None or (item == "" and key != "mode")

    @model_validator(mode="after")
    def _defaults_for_zeros(self) -> Self:
        for name, field in type(self).model_fields.items():
            if getattr(self, name) == 0 and ZERO_IS_DEFAULT in field.metadata:
                object.__setattr__(self, name, field.default)
        return self


Period: TypeAlias = Annotated[values.Duration, ZERO_IS_DEFAULT]


class ClientConnection(Fields):
    """`clientConnection`: requests to the API server."""

    elsewhere: ClassVar = {"kubeconfig": "is always the kubeconfig that this program writes: remove it"}

    accept_content_types: values.MediaType | None = None
    """The Accept header of requests; default: contentType."""
    content_type: values.MediaType = "application/vnd.kubernetes.protobuf"
    """The content type of request bodies."""
    qps: Annotated[values.Float32, ZERO_IS_DEFAULT] = 5.0
    """Requests per second; a negative number is no limit."""
    burst: Annotated[values.Count, ZERO_IS_DEFAULT] = 10
    """Requests at once, beyond qps."""


class OutputRouting(Fields):
    """`text` and `json` of `logging.options`."""

    split_stream: values.Bool = False
    """Errors go to standard error, the rest to standard output. kube-proxy ignores the value in a file."""
    info_buffer_size: values.Quantity = 0
    """The buffer for standard output in bytes; 0 is none. Needs the feature gate LoggingAlphaOptions."""


class LoggingOptions(Fields):
    """`logging.options`, for each format. Both are validated, whichever format is used."""

    text: OutputRouting = OutputRouting()
    # BaseModel has a deprecated method `json`.
    json_: OutputRouting = OutputRouting()


class VModuleItem(Fields):
    """An item of `logging.vmodule`: another verbosity for some source files."""

    file_pattern: values.FilePattern = required("must be a source file's name without .go (e.g. proxier)")
    """The base name of source files without `.go`, or a glob pattern."""
    verbosity: values.Count = 0


class Logging(Fields):
    """`logging`: klog's options."""

    format: LogFormat = LogFormat.TEXT
    flush_frequency: Annotated[values.FlushFrequency, ZERO_IS_DEFAULT] = 5 * SECOND
    """The longest time between two writes of the log; a plain number is nanoseconds."""
    verbosity: values.Count = 0
    """klog's level. The flag --v, which is service.verbosity, wins."""
    vmodule: tuple[VModuleItem, ...] = ()
    """Only with format text."""
    options: LoggingOptions = LoggingOptions()


class NFTables(Fields):
    """`nftables`: used in mode nftables."""

    masquerade_bit: values.MarkBit = 14
    """The bit of the packet mark that asks for SNAT."""
    masquerade_all: values.Bool = False
    """SNAT for all traffic to cluster addresses, not only where it is necessary. Some CNI plugins need it."""
    sync_period: Period = 30 * SECOND
    """How often all rules are checked and repaired."""
    min_sync_period: Period = SECOND
    """The shortest time between two changes of the rules."""


class IPTables(NFTables):
    """`iptables`: used in mode iptables; masqueradeBit and masqueradeAll in mode ipvs too."""

    localhost_node_ports: values.Bool = True
    """NodePorts also answer on 127.0.0.1. IPv4 and mode iptables only."""


class IPVS(Fields):
    """`ipvs`: used in mode ipvs."""

    sync_period: Period = 30 * SECOND
    """How often all rules are checked and repaired."""
    min_sync_period: values.Duration = 0
    """The shortest time between two changes of the rules; 0 is no delay."""
    scheduler: Scheduler = Scheduler.RR
    """How connections are distributed. kube-proxy accepts any text here, and doesn't start if the kernel lacks it."""
    exclude_cidrs: tuple[CIDR, ...] = ()
    """Virtual servers in these blocks belong to other programs, and kube-proxy never removes them."""
    strict_arp: values.Bool = False
    """Answer ARP only on the interface that has the address (arp_ignore 1, arp_announce 2), not for kube-ipvs0."""
    tcp_timeout: values.Duration = 0
    """Idle TCP connections; 0 keeps the kernel's value, here and in the next two fields."""
    tcp_fin_timeout: values.Duration = 0
    """TCP connections after a FIN."""
    udp_timeout: values.Duration = 0
    """UDP packets."""


class DetectLocal(Fields):
    """`detectLocal`: parameters of two detectLocalModes."""

    bridge_interface: values.Interface | None = None
    """Local pods' traffic comes from this bridge (detectLocalMode BridgeInterface)."""
    interface_name_prefix: values.Interface | None = None
    """Local pods' traffic comes from interfaces with this prefix (detectLocalMode InterfaceNamePrefix)."""


class Conntrack(Fields):
    """`conntrack`: kernel parameters that kube-proxy sets when it starts; 0 keeps the kernel's value."""

    max_per_core: values.Count = 32 * 1024
    """Tracked connections per processor core; with 0, min is ignored too."""
    min: values.Count = 128 * 1024
    """The minimum of tracked connections."""
    tcp_established_timeout: values.Duration = 24 * 3600 * SECOND
    """Idle TCP connections."""
    tcp_close_wait_timeout: values.Duration = 3600 * SECOND
    """TCP connections in CLOSE_WAIT."""
    tcp_be_liberal: values.Bool = False
    """Don't mark packets outside the TCP window as invalid."""
    udp_timeout: values.Duration = 0
    """UDP without a reply."""
    udp_stream_timeout: values.Duration = 0
    """UDP with replies."""
