"""The environment in which `pulumi`, `kubectl` and `ssh` work with the lab; `make env` prints it for a shell."""

import os
import shlex

from development import toolchain
from development.paths import Lab


def variables(lab: Lab) -> dict[str, str]:
    """Return the environment's variables, `PATH` among them.

    The dev stack has an empty passphrase. Its secrets are the lab's, whose directory only its owner can read; a random
    passphrase would have to be stored there beside the state. So Pulumi.dev.yaml, which has the salt, is the same in
    every checkout.
    """
    return {
        "PATH": _path(lab),
        "PULUMI_HOME": str(lab.pulumi_home),
        "PULUMI_BACKEND_URL": lab.backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **({} if toolchain.user_pulumi() else {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}),
        "KUBECONFIG": str(lab.admin_kubeconfig),
        "KUBE_PROXY_LAB_SSH_CONFIG": str(lab.ssh_config),
    }


def _path(lab: Lab) -> str:
    """Return PATH with the lab's tools first."""
    theirs = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry != str(lab.bin)]
    return os.pathsep.join([str(lab.bin), *theirs])


def exports(lab: Lab) -> str:
    """Return the variables as lines for `eval` in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables(lab).items())
