"""The parts of KubeProxyConfiguration v1alpha1: what each field means, its type, its default, its first version.

Names and meaning are those of k8s.io/kube-proxy config/v1alpha1/types.go and k8s.io/component-base (config/v1alpha1,
logs/api/v1), defaults those of k8s.io/kubernetes pkg/proxy/apis/config/v1alpha1/defaults.go. A default written here is
what kube-proxy takes for a field that is not given; None says that it depends on something else. A field without
`Since` is older than 1.26. Fields of Windows are left out.
"""

from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import model_validator

from settings.addresses import CIDR
from settings.kube_proxy_configuration import values
from settings.kube_proxy_configuration.values import SECOND, ZERO_IS_DEFAULT
from settings.kube_proxy_configuration.vocabularies import LogFormat, Scheduler
from settings.section import Section, required


class Fields(Section):
    """A part of KubeProxyConfiguration."""

    @classmethod
    def is_unset(cls, key: object, item: object) -> bool:
        """Empty strings count as unset, as they do upstream.

        Except in `mode`: unset, it would be another mode here than upstream, so "" would be ambiguous.
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
    """`clientConnection`: how the API server is talked to."""

    elsewhere: ClassVar = {"kubeconfig": "is always the kubeconfig that this program makes: remove it"}

    accept_content_types: values.MediaType | None = None
    """The Accept header of requests; default: that of contentType."""
    content_type: values.MediaType = "application/vnd.kubernetes.protobuf"
    """The content type of what is sent."""
    qps: Annotated[values.Float32, ZERO_IS_DEFAULT] = 5.0
    """Requests a second; below 0: no limit."""
    burst: Annotated[values.Count, ZERO_IS_DEFAULT] = 10
    """Requests at once, above qps."""


class OutputRouting(Fields):
    """`text` and `json` of `logging.options`."""

    split_stream: values.Bool = False
    """Errors to standard error, the rest to standard output. kube-proxy loses what a file says of it."""
    info_buffer_size: values.Quantity = 0
    """Bytes of buffer for what goes to standard output; 0 is none. Needs the feature gate LoggingAlphaOptions."""


class LoggingOptions(Fields):
    """`logging.options`, for each format its own; both are validated, whatever the format is."""

    text: OutputRouting = OutputRouting()
    # BaseModel has a deprecated method `json`.
    json_: OutputRouting = OutputRouting()


class VModuleItem(Fields):
    """An item of `logging.vmodule`: another verbosity for some source files."""

    file_pattern: values.FilePattern = required("must be a source file's name without .go (e.g. proxier)")
    """The base name of source files without `.go`, or a glob pattern of it."""
    verbosity: values.Count = 0


class Logging(Fields):
    """`logging`: klog's options."""

    format: LogFormat = LogFormat.TEXT
    flush_frequency: Annotated[values.FlushFrequency, ZERO_IS_DEFAULT] = 5 * SECOND
    """The longest time between two writes of the log; a number is nanoseconds."""
    verbosity: values.Count = 0
    """klog's level. The flag --v, which is service.verbosity, wins over it."""
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
    """`ipvs`: read in mode ipvs."""

    sync_period: Period = 30 * SECOND
    """How often all rules are looked at and mended."""
    min_sync_period: values.Duration = 0
    """The shortest time between two changes of the rules; 0: each change at once."""
    scheduler: Scheduler = Scheduler.RR
    """How connections are spread. Upstream takes any text and stops at its start over one that the kernel lacks."""
    exclude_cidrs: tuple[CIDR, ...] = ()
    """Virtual servers in these blocks are somebody else's, and are never cleaned up."""
    strict_arp: values.Bool = False
    """Answer ARP only on the interface that has the address (arp_ignore 1, arp_announce 2), never for kube-ipvs0's."""
    tcp_timeout: values.Duration = 0
    """Idle TCP connections; 0 leaves the kernel's value, as below."""
    tcp_fin_timeout: values.Duration = 0
    """TCP connections after a FIN."""
    udp_timeout: values.Duration = 0
    """UDP packets."""


class DetectLocal(Fields):
    """`detectLocal`: what two of the detectLocalModes need."""

    bridge_interface: values.Interface | None = None
    """Traffic of local pods comes from this bridge (detectLocalMode BridgeInterface)."""
    interface_name_prefix: values.Interface | None = None
    """Traffic of local pods comes from interfaces of such names (detectLocalMode InterfaceNamePrefix)."""


class Conntrack(Fields):
    """`conntrack`: kernel settings that kube-proxy makes at its start; 0 leaves the kernel's value."""

    max_per_core: values.Count = 32 * 1024
    """Connections that are tracked, for each processor core; 0 also makes min unused."""
    min: values.Count = 128 * 1024
    """Connections that are tracked, at least."""
    tcp_established_timeout: values.Duration = 24 * 3600 * SECOND
    """Idle TCP connections."""
    tcp_close_wait_timeout: values.Duration = 3600 * SECOND
    """TCP connections in CLOSE_WAIT."""
    tcp_be_liberal: values.Bool = False
    """Packets out of the TCP window are not marked invalid."""
    udp_timeout: values.Duration = 0
    """UDP, unanswered."""
    udp_stream_timeout: values.Duration = 0
    """UDP, answered."""
