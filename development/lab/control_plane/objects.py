"""Access to the API, and the objects that the lab creates there."""

import yaml

from development import commands
from development.lab import topology
from development.paths import Lab


def kubeconfig(load_balancer: str, user: str) -> str:
    """Return a user's kubeconfig for the load balancer at an address; it names certificate and key and holds no key."""
    server = f"https://{load_balancer}:{topology.LOAD_BALANCER_PORT}"
    cluster = {"server": server, "certificate-authority": "cert/trust.pem"}
    identity = {"client-certificate": f"cert/{user}.pem", "client-key": f"cert/{user}-key.pem"}
    context = f"{user}@kubernetes"
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": context, "context": {"cluster": "kubernetes", "user": user}}],
        "current-context": context,
    }
    return str(yaml.safe_dump(configuration, sort_keys=False))


def register_nodes(lab: Lab) -> None:
    """Create the Node objects, as a kubelet would: kube-proxy takes its node's addresses from there."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": worker.name, "labels": {"kubernetes.io/hostname": worker.name}},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": str(worker.address)},
                    {"type": "InternalIP", "address": str(topology.ipv6(worker.address))},
                    {"type": "Hostname", "address": worker.name},
                ]
            },
        }
        for worker in topology.WORKERS
    ]
    manifest = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}).encode()
    kubectl = [str(lab.bin / "kubectl"), f"--kubeconfig={lab.admin_kubeconfig}"]
    commands.run([*kubectl, "apply", "-f", "-"], stdin=manifest, log=lab.log / "kubectl.log")
