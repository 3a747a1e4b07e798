"""The systemd.network(5) file that makes systemd-networkd leave kube-ipvs0 alone.

A networkd that is configured to manage every interface removes the Services' addresses from kube-ipvs0 when it starts,
and kube-proxy puts them back up to ipvs.syncPeriod later (docs/decisions/0010).
"""


def render() -> str:
    """Return the file. It is the same in every mode, so that a switch to ipvs finds it."""
    return """\
# kube-proxy keeps the Services' addresses on this interface in mode ipvs.
[Match]
Name=kube-ipvs0
[Link]
Unmanaged=yes
"""
