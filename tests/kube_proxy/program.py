"""kube-proxy of each supported minor, as `make prepare` builds and links it."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from development import toolchain

KUBE_PROXIES = tuple(sorted((toolchain.KUBERNETES, *toolchain.KUBE_PROXIES), key=lambda tools: tools.version))
VERSIONS = tuple(tools.version for tools in KUBE_PROXIES)


class Answer(NamedTuple):
    """kube-proxy's verdict on a configuration: accepted or not, its error output, and the decoded configuration."""

    accepted: bool
    error: str
    decoded: Mapping[str, Any]


def ask(version: str, configuration: str) -> Answer:
    """Let kube-proxy decode, complete and validate a configuration. It opens no connection."""
    program = shutil.which(f"kube-proxy-{version}")
    assert program, f'kube-proxy-{version} must be on PATH: make prepare, then eval "$(make -s env)"'
    with tempfile.TemporaryDirectory() as directory:
        given, decoded = Path(directory, "given.yaml"), Path(directory, "decoded.yaml")
        given.write_text(configuration)
        ended = subprocess.run(
            [program, "--config", given, "--write-config-to", decoded],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        accepted = ended.returncode == 0 and "lenient" not in ended.stderr
        return Answer(accepted, ended.stderr, yaml.safe_load(decoded.read_text()) if accepted else {})
