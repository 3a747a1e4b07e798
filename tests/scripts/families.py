"""What a node has in a cluster with IPv6.

The lines of /proc/net are those of a Linux 6.1 kernel, the metrics those of kube-proxy 1.36.2.
"""

import yaml

from tests.scripts.fake_node import SERVICES, FakeNode

SERVICE = "[fd00:10::1]:443"
REAL_SERVERS = ["[fd00:99::121]:6443", "[fd00:99::122]:6443", "[fd00:99::123]:6443"]
IP_VS = """\
TCP  [fd00:0010:0000:0000:0000:0000:0000:0001]:01BB rr
  -> [fd00:0099:0000:0000:0000:0000:0000:0123]:192B      Masq    1      0          0
  -> [fd00:0099:0000:0000:0000:0000:0000:0122]:192B      Masq    1      0          0
  -> [fd00:0099:0000:0000:0000:0000:0000:0121]:192B      Masq    1      0          0
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fd000099000000000000000000000101 02 40 00 82   enp0s1
fd000010000000000000000000000001 03 80 00 80 kube-ipvs0
"""
METRICS = """\
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.7955036820867798e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.7955036973443336e+09
"""
IPV6_SLICE = ("IPv6", ["fd00:99::121", "fd00:99:0:0::122", "FD00:99::0123"])


def services(address: str) -> str:
    """Returns the API's list with the Service kubernetes at an address."""
    return SERVICES.replace("clusterIP: 10.0.0.1", f"clusterIP: {address}")


def endpoint_slices(*families: tuple[str, list[str]]) -> str:
    """Returns the API's EndpointSlices of a Service, each with an address type and these addresses."""
    items = [
        {
            "addressType": family,
            "endpoints": [{"addresses": [address]} for address in addresses],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        }
        for family, addresses in families
    ]
    return yaml.safe_dump({"apiVersion": "v1", "items": items, "kind": "List"})


def listen_at(node: FakeNode, healthz: str, metrics: str) -> None:
    """Makes kube-proxy listen at these addresses and run in the mode of the node's parameters."""
    node.parameters |= {"HEALTHZ": healthz, "METRICS": metrics}
    node.files["kube-proxy-config.yaml"] = (
        f"mode: {node.parameters['MODE']}\nhealthzBindAddress: '{healthz}'\nmetricsBindAddress: '{metrics}'\n"
    )
