"""The environment file with kube-proxy's flags: the guide's, less --logtostderr.

That flag was removed in 1.26: with it kube-proxy doesn't start.
"""

from documents import paths


def render(verbosity: int) -> str:
    """Return the file. systemd joins the lines that end in a backslash, inside the quotes too (systemd.exec(5))."""
    return f"""\
KUBE_PROXY_ARGS=" \\
  --config={paths.CONFIGURATION} \\
  --v={verbosity}"
"""
