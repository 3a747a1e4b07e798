"""Random configurations: most values are valid or at a limit, some are invalid. All are plausible."""

from typing import Any

from hypothesis import strategies as st

from settings.kube_proxy_configuration import feature_gates
from settings.versions import SUPPORTED_MINORS

_JUNK = st.sampled_from([None, "", 5, -1, 1.5, True, "yes", "x", [], {}, [None], {"a": 1}])

# Each pool has values that are valid for most fields, and values that are invalid for most.
_BOOLS = [True, False], ["true", "yes", 1]
_NUMBERS = (
    [0, 1, 10, 31, 999, 1000, 131072],
    [
        *(-(2**31), -1001, -1000, -1, 32, 1001, 2**31 - 1, 2**31, 2**32, 2**63, 1e3, 5.0, 0.5, "5", "0x1F"),
    ],
)
_DURATIONS = (
    [
        "0",
        "0s",
        "1ns",
        "250ms",
        "1s",
        "5s",
        "29.5s",
        "30s",
        "1m30s",
        "1h1.5s",
        "+5s",
        ".5m",
        "7us",
        "7µs",
        "7μs",
        "24h",
    ],
    [
        *(
            "-0s",
            "-1s",
            "5",
            "1d",
            "5 s",
            " 5s",
            "1h30",
            ".s",
            "1.s",
            "s",
            "1e3s",
            "１s",
            "1_0s",
            "--1s",
            "1,5s",
            "60s",
            5,
        ),
        *("2562047h47m16.854775807s", "2562047h47m16.854775808s", "9223372036855s"),
    ],
)
_CIDRS = (
    ["10.0.0.0/8", "10.1.2.3/24", "0.0.0.0/0", "::/0", "fd00::/64", "::ffff:1.2.3.0/120", "192.168.99.101/32"],
    [
        *("10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "fe80::1%lo/64", "fd00::/129"),
        *("10.0.0/8", "10.0.0.0/8,fd00::/64", "１0.0.0.0/8", "10.0.0.0/٨", "10.0.0.0/8/8", "/8", "[fd00::]/64"),
        *("10.0.0.0/08", "10.0.0.0/032"),
    ],
)
_ADDRESSES = (
    ["192.168.99.101", "192.168.99.101", "0.0.0.0", "::", "fd00:99::101", "127.0.0.1"],
    ["300.1.1.1", "010.0.0.1", "fe80::1%lo", "1.2.3", "eth0", "١.1.1.1", "[::1]", "::1.2.3.4", "::ffff:1.2.3.4"],
)
_LISTENERS = (
    ["0.0.0.0:10256", "[::]:10249", "127.0.0.1:1", "192.168.99.101:65535", "[fd00:99::101]:8080"],
    [
        *("1.2.3.4", "::1", "[::1]", ":10256", "localhost:10249", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:+5", "::1:5"),
        *("1.2.3.4:005", "1.2.3.4:x", "[1.2.3.4]:5", "[::1%lo]:5", "1.2.3.4:٥", "[::ffff:1.2.3.4]:5", "1.2.3.4: 5"),
    ],
)
_QUANTITIES = (
    [0, "0", 512, "64Ki", "1M", "1k", "1.5Gi", "5m", "1e3", "1E3", "2E", "+1", ".5", 1.5, "0Ki", "0.0"],
    ["1K", "1Ki5", "-1", "1 Mi", "1mi", "1e", "0x1", "1e99", "1e-9", "0.000000001", "12345678901234567890"],
)
_TEXTS = (
    ["a", "A_b", "é", "1e3", "yes", "a b", "null", "012", "#", "'", "🙂", "0-0"],
    ["", "x" * 300, "a\nb", "\t"],
)
_GATES = sorted({gate for minor in SUPPORTED_MINORS for gate in feature_gates.known(minor)})
_SOME_GATES = ["KubeProxyIPVS", "NFTablesProxyMode", "LoggingAlphaOptions", "LoggingBetaOptions", "AllAlpha", "AllBeta"]
_SOME_GATES += [
    "DynamicResourceAllocation",
    "KubeProxyNFTablesLocalhostNodePorts",
    "NFTablesNetlink",
    "ContextualLogging",
]


def _one_of(pool: tuple[list[Any], list[Any]], more: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Draw nine of ten values from the valid ones, the others from the invalid ones, from `more`, or of another type."""
    right, wrong = map(st.sampled_from, pool)
    return st.integers(0, 39).flatmap(
        lambda n: _JUNK if n == 0 else wrong if n < 3 else more if n == 3 and more is not None else right
    )


def _words(right: str, wrong: str) -> st.SearchStrategy[Any]:
    return _one_of((right.split(), wrong.split()))


def _text(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, max_size=8)


_BOOL = _one_of(_BOOLS)
_NUMBER = _one_of(_NUMBERS, st.integers())
_BIT = _one_of(([0, 1, 14, 31], [-1, 32]))
_DURATION = _one_of(_DURATIONS, _text("0123456789.hmsuµn-+"))
_CIDR = _one_of(_CIDRS, _text("0123456789./:af"))
_TEXT = _one_of(_TEXTS, st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=5))
_MEDIA_TYPE = _words("application/json application/vnd.kubernetes.protobuf application/json,a/b */*", "json é a\x7f/b")
_QUANTITY = _one_of(_QUANTITIES, _text("0123456789.kKMGiEemn+-"))
_ROUTING = {"splitStream": _BOOL, "infoBufferSize": _QUANTITY}
_PERIODS = {
    "syncPeriod": _DURATION,
    "minSyncPeriod": _one_of((["0s", "1ns", "100ms", "1s"], ["30s", "31s", "1h", "-1s"])),
}
_MODES = "ipvs iptables nftables nftables", "userspace kernelspace IPVS"
_GATE_NAMES = st.sampled_from(_SOME_GATES) | st.sampled_from(_GATES) | st.sampled_from(["IPVS", "supportIPVSProxyMode"])


def _section(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.fixed_dictionaries({}, optional=fields)
    misspelt = st.sampled_from([*fields, "unknown"]).map(
        lambda name: {f"{name[:-1]}{name[-1].swapcase()}": None, "x": 1}
    )
    return st.integers(0, 39).flatmap(lambda n: _JUNK if n == 0 else misspelt if n == 1 else named)


def _list(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=3)


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "featureGates": st.dictionaries(_GATE_NAMES, _BOOL, max_size=3),
    "clientConnection": st.fixed_dictionaries(
        {},
        optional={
            "acceptContentTypes": _MEDIA_TYPE,
            "contentType": _MEDIA_TYPE,
            "qps": _one_of(([0, 0.0, 5, 0.1, -1.5, 3.4e38], [3.5e38, 1e39, "5"]), st.floats(width=32)),
            "burst": _NUMBER,
        },
    ),
    "logging": _section(
        format=_words("text text json", "xml JSON"),
        flushFrequency=_one_of(([0, 1, 5_000_000_000, 2**63 - 1], [-1, 2**63])) | _DURATION,
        verbosity=_NUMBER,
        vmodule=_list(_section(filePattern=_one_of((["proxier", "a*", "x y"], ["", "a=b", "a,b"])), verbosity=_NUMBER)),
        options=_section(text=_section(**_ROUTING), json=_section(**_ROUTING)),
    ),
    "hostnameOverride": _words("k8s-node01", "k8s-node02 A_b"),
    "bindAddress": _one_of(_ADDRESSES, _text("0123456789.:af")),
    "healthzBindAddress": _one_of(_LISTENERS, _text("0123456789.:[]")),
    "metricsBindAddress": _one_of(_LISTENERS, _text("0123456789.:[]")),
    "bindAddressHardFail": _BOOL,
    "enableProfiling": _BOOL,
    "showHiddenMetricsForVersion": _one_of(
        ([f"1.{minor - 1}" for minor in SUPPORTED_MINORS], [f"1.{SUPPORTED_MINORS[-1]}", "1.36.0", 1.35])
    ),
    "mode": _words(*_MODES),
    "iptables": _section(masqueradeBit=_BIT, masqueradeAll=_BOOL, localhostNodePorts=_BOOL, **_PERIODS),
    "ipvs": _section(
        **_PERIODS,
        scheduler=_words("rr wrr lc sh mh", "foo RR"),
        excludeCIDRs=_list(_CIDR),
        strictARP=_BOOL,
        tcpTimeout=_DURATION,
        tcpFinTimeout=_DURATION,
        udpTimeout=_DURATION,
    ),
    "nftables": _section(masqueradeBit=_BIT, masqueradeAll=_BOOL, **_PERIODS),
    "detectLocalMode": _words("ClusterCIDR NodeCIDR BridgeInterface InterfaceNamePrefix", "clusterCIDR None"),
    "detectLocal": _section(
        bridgeInterface=_one_of((["cni0", "br-é"], ["a b", "x" * 16])), interfaceNamePrefix=_words("veth cali", "a/b")
    ),
    "nodePortAddresses": st.just(["primary"]) | _list(_words("primary localhost all", "Primary any") | _CIDR),
    "oomScoreAdj": _NUMBER,
    "conntrack": _section(
        maxPerCore=_NUMBER,
        min=_NUMBER,
        tcpEstablishedTimeout=_DURATION,
        tcpCloseWaitTimeout=_DURATION,
        tcpBeLiberal=_BOOL,
        udpTimeout=_DURATION,
        udpStreamTimeout=_DURATION,
    ),
    "configSyncPeriod": _DURATION,
    "portRange": _TEXT,
    "windowsRunAsService": _BOOL,
    "winkernel": st.fixed_dictionaries({}, optional={"networkName": _TEXT}),
    "udpIdleTimeout": _DURATION,
    "modes": _TEXT,
}
_USUAL = [name for name in _FIELDS if name not in ("windowsRunAsService", "winkernel", "udpIdleTimeout", "modes")]

CONFIGURATIONS = st.lists(st.sampled_from(_USUAL * 6 + list(_FIELDS)), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _FIELDS[name] for name in names})
)
_POD_BLOCKS = "172.30.0.0/16", "fd00:172:30::/56"
CLUSTER_CIDRS = st.sampled_from([None, *_POD_BLOCKS, ",".join(_POD_BLOCKS), ",".join(reversed(_POD_BLOCKS))])
