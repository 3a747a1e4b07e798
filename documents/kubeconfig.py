"""kube-proxy's kubeconfig, in the form that `kubectl config` writes."""

from base64 import b64encode

from documents import yaml_writer
from settings import Cluster

_CONTEXT = "default"
_USER = "kube-proxy"


def render(
    *, cluster: Cluster, certificate_authority_pem: str, client_certificate_pem: str, client_key_pem: str
) -> str:
    """Return the kubeconfig as YAML, with certificates and key embedded. It is a secret."""
    return yaml_writer.dump(
        {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "certificate-authority-data": _base64(certificate_authority_pem),
                        **({"proxy-url": cluster.proxy_url} if cluster.proxy_url else {}),
                        "server": cluster.server,
                        **({"tls-server-name": cluster.tls_server_name} if cluster.tls_server_name else {}),
                    },
                    "name": cluster.name,
                }
            ],
            "contexts": [{"context": {"cluster": cluster.name, "user": _USER}, "name": _CONTEXT}],
            "current-context": _CONTEXT,
            "kind": "Config",
            "preferences": {},
            "users": [
                {
                    "name": _USER,
                    "user": {
                        "client-certificate-data": _base64(client_certificate_pem),
                        "client-key-data": _base64(client_key_pem),
                    },
                }
            ],
        }
    )


def _base64(pem: str) -> str:
    return b64encode(pem.encode()).decode()
