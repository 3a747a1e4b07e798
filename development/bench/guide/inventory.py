"""pyinfra's inventory: the nodes that the benchmark lists."""

import json
from pathlib import Path

nodes = [(node["address"], node) for node in json.loads(Path("nodes.json").read_text())]
