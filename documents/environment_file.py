"""The environment file with kube-proxy's flags: the guide's without --logtostderr, which Kubernetes 1.26 removed."""

from documents import paths


def render(verbosity: int) -> str:
    """Return the file. systemd joins lines that end in a backslash, inside quotes too (systemd.exec(5))."""
    return f"""\
KUBE_PROXY_ARGS=" \\
  --config={paths.CONFIGURATION} \\
  --v={verbosity}"
"""
