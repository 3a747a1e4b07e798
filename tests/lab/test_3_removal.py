"""The life of a fleet, last part: nothing secret was left anywhere, nothing drifted, and all of it goes again."""

import base64
import gzip
from pathlib import Path

import yaml

from tests.lab import foreign, rules
from tests.lab.cluster import Cluster


class TestASecretIsNowhereInPlain:
    def test_in_state_logs_output_and_nodes(self, deployed: Cluster) -> None:
        lab = deployed.lab
        user = yaml.safe_load(deployed.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["users"][0]["user"]
        secrets = {
            **{f"the key {path.name}": path.read_text() for path in lab.cert.glob("*ca-key.pem")},
            "the client's key": base64.b64decode(user["client-key-data"]).decode(),
            "the SSH key": (lab.ssh / "id_ed25519").read_text(),
        }
        # A line from the middle of each PEM, as it is and as it would be within base64 (a kubeconfig, a payload).
        needles = {
            what: [
                pem.splitlines()[2],
                *(base64.b64encode(pem.encode()[skip:])[8:48].decode() for skip in range(60, 63)),
            ]
            for what, pem in secrets.items()
        }
        needles["a payload"] = [base64.b64encode(gzip.compress(b"", mtime=0)).decode()[:12]]
        places = {
            "the state": [path.read_text() for path in lab.backend.rglob("*.json*")],
            "logs": [path.read_text(errors="replace") for path in lab.log.iterdir()],
            "what Pulumi printed": deployed.printed,
            "arguments of processes here": [
                path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)
            ],
            "the nodes' journals and arguments": [
                node.run("journalctl -o cat; cat /proc/[0-9]*/cmdline | tr '\\0' ' '") for node in deployed.nodes
            ],
            "what the nodes let everybody read": [
                node.run("find /etc /var /opt /run /tmp /usr/local /usr/lib/systemd -xdev -type f -perm -o+r -size -1M -newer /etc/machine-id -exec cat {} + | tr '\\0' ' '")
                for node in deployed.nodes
            ],
        }  # fmt: skip
        assert len(places["the state"]) >= 2
        for place, texts in places.items():
            for what, parts in needles.items():
                for needle in parts:
                    assert not any(needle in text for text in texts), f"{what} is in {place}"

    def test_payloads_do_not_stay_on_a_node(self, deployed: Cluster) -> None:
        for node in deployed.nodes:
            assert node.run("ls -d /run/kube-proxy.* 2>/dev/null; :") == ""


class TestRefreshAndRemoval:
    def test_refresh_finds_no_change(self, deployed: Cluster) -> None:
        done = deployed.pulumi("refresh", "--yes", "--skip-preview")
        assert done.status == 0, done.text
        assert "19 unchanged" in done.text

    def test_destroy_takes_everything_away_and_nothing_of_anybody_else(self, deployed: Cluster) -> None:
        shared = deployed.nodes[0]
        foreign.add(shared)
        foreign.add_virtual_servers(shared)
        things, servers = foreign.things(shared), foreign.virtual_servers(shared)
        done = deployed.pulumi("destroy", "--yes", "--skip-preview")
        assert done.status == 0, done.text
        for node in deployed.nodes:
            assert (
                node.run("systemctl is-active kube-proxy; systemctl is-enabled kube-proxy 2>/dev/null; :")
                == "inactive\n"
            )
            assert rules.of(node) == rules.OF_MODE["none"]
            left = node.run(
                "ls -d /etc/kubernetes /var/lib/kube-proxy* /usr/local/bin/kube-proxy /opt/k8s /etc/modules-load.d/kube-proxy.conf /etc/systemd/network/*ipvs* /usr/lib/systemd/system/kube-proxy.service 2>/dev/null; :"
            )
            assert left == ""
        assert foreign.things(shared) == things
        assert foreign.virtual_servers(shared) == servers

    def test_the_stack_of_a_fleet_of_ones_own_says_what_to_fill_in(self, deployed: Cluster) -> None:
        deployed.pulumi("stack", "select", "--create", "prod")
        done = deployed.pulumi("preview")
        deployed.pulumi("stack", "select", "dev")
        assert "certificateAuthority.certificateFile: " in done.text
        assert 'nodes[0].hostKey: Invalid value: "fill in"' in done.text
        assert "Traceback" not in done.text


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
