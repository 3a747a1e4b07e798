"""The guide's playbook as a pyinfra deployment. It restarts kube-proxy only if a file has changed."""

from pyinfra import host
from pyinfra.operations import files, server, systemd

variables = host.data.variables
changes = [
    files.put(src="kube-proxy.kubeconfig", dest="/etc/kubernetes/kube-proxy.kubeconfig"),
    files.template(src="kube-proxy-config.yaml.j2", dest="/etc/kubernetes/kube-proxy-config.yaml", **variables),
    files.template(src="kube-proxy.service.j2", dest="/usr/lib/systemd/system/kube-proxy.service", **variables),
    files.put(src="kube-proxy.conf", dest="/etc/kubernetes/kube-proxy.conf"),
    files.directory(path=f"{variables['K8S_DIR']}/kube-proxy"),
]
systemd.service(
    service="kube-proxy",
    restarted=True,
    enabled=True,
    daemon_reload=True,
    _if=lambda: any(change.did_change() for change in changes),
)
server.shell(commands=["systemctl status kube-proxy.service | grep -e Loaded -e Active"])
