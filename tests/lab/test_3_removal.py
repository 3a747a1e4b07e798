"""No secret is left anywhere, a refresh finds no change, and `pulumi destroy` removes everything."""

import base64
from pathlib import Path

import yaml

from tests.lab import foreign, generations, rules
from tests.lab.cluster import Cluster


class TestSecrets:
    def test_are_in_no_state_log_output_process_or_readable_file(self, deployed: Cluster) -> None:
        lab = deployed.lab
        user = yaml.safe_load(deployed.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["users"][0]["user"]
        secrets = {
            **{f"the key {path.name}": path.read_text() for path in lab.cert.glob("*ca-key.pem")},
            "the client's key": base64.b64decode(user["client-key-data"]).decode(),
            "the SSH key": (lab.ssh / "id_ed25519").read_text(),
        }
        # A line from the middle of each PEM file, in plain and in base64 (as in a kubeconfig).
        needles = {
            what: [
                pem.splitlines()[2],
                *(base64.b64encode(pem.encode()[skip:])[8:48].decode() for skip in range(60, 63)),
            ]
            for what, pem in secrets.items()
        }
        places = {
            "the state": [path.read_text() for path in lab.backend.rglob("*.json*")],
            "logs": [path.read_text(errors="replace") for path in lab.log.iterdir()],
            "the output of Pulumi": deployed.printed,
            "arguments of processes on this machine": [
                path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)
            ],
            "the nodes' journals and processes' arguments": [
                node.run("journalctl -o cat; cat /proc/[0-9]*/cmdline | tr '\\0' ' '") for node in deployed.nodes
            ],
            "files on nodes that every user can read": [
                node.run("find /etc /var /opt /run /tmp /usr/local /usr/lib/systemd -xdev -type f -perm -o+r -size -1M -newer /etc/machine-id -exec cat {} + | tr '\\0' ' '")
                for node in deployed.nodes
            ],
        }  # fmt: skip
        assert len(places["the state"]) >= 2
        for place, texts in places.items():
            for what, parts in needles.items():
                for needle in parts:
                    assert not any(needle in text for text in texts), f"{what} is in {place}"

    def test_nothing_stays_in_the_memory_of_a_node(self, deployed: Cluster) -> None:
        for node in deployed.nodes:
            assert node.run("ls -d /run/kube-proxy.* 2>/dev/null; :") == ""


class TestRemoval:
    def test_refresh_finds_no_change(self, deployed: Cluster) -> None:
        result = deployed.pulumi("refresh", "--yes", "--skip-preview")
        assert result.status == 0, result.output
        assert "11 unchanged" in result.output

    def test_destroy_removes_everything_of_ours_and_nothing_of_others(self, deployed: Cluster) -> None:
        shared = deployed.nodes[1]
        foreign.add(shared)
        foreign.add_virtual_servers(shared)
        objects, servers = foreign.objects(shared), foreign.virtual_servers(shared)
        result = deployed.pulumi("destroy", "--yes", "--skip-preview")
        assert result.status == 0, result.output
        for node in deployed.nodes:
            assert (
                node.run("systemctl is-active kube-proxy; systemctl is-enabled kube-proxy 2>/dev/null; :")
                == "inactive\n"
            )
            assert rules.of(node) == rules.OF_MODE["none"]
            assert generations.files(node) == []
        assert foreign.objects(shared) == objects
        assert foreign.virtual_servers(shared) == servers
        foreign.remove(shared)

    def test_stack_prod_is_refused_in_the_labs_environment(self, deployed: Cluster) -> None:
        deployed.pulumi("stack", "select", "--create", "prod")
        result = deployed.pulumi("preview")
        deployed.pulumi("stack", "select", "dev")
        assert 'the stack "prod" must not be used in a shell where you ran `make env`' in result.output
        assert "Traceback" not in result.output


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
