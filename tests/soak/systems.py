"""The short story of tests/lab/test_5_other_systems.py on each other system, in a lab of its own."""

import os
import subprocess
import sys
from pathlib import Path

from development.lab import node_image

_STORY = Path(__file__).parents[1] / "lab" / "test_5_other_systems.py"


def systems() -> bool:
    """Runs the story and returns whether all of it went well."""
    environment = os.environ | {"SYSTEM": " ".join(node_image.OTHERS)}
    return subprocess.run([sys.executable, "-m", "pytest", "-v", _STORY], env=environment, check=False).returncode == 0
