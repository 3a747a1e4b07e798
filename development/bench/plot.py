"""Plot the raw results: wall time by number of nodes. Runs in the virtual environment of the benchmark.

Arguments: the file of rows, the kind of nodes, the SVG file to write.
"""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

TITLES = {"preview": "preview", "first": "first deployment", "unchanged": "no change", "changed": "one changed field"}


def main(file: str, kind: str, target: str) -> None:
    """Draw a panel for each step and a line for each contender."""
    mpl.rcParams["svg.hashsalt"] = "bench"  # the same rows give the same file
    mpl.rcParams["svg.fonttype"] = "none"
    seconds: dict[str, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in map(json.loads, Path(file).read_text().splitlines()):
        if row["kind"] == kind and row["status"] == 0:
            seconds[row["step"]][row["contender"]][row["nodes"]].append(row["wall_seconds"])
    steps = [step for step in TITLES if step in seconds]
    names = sorted({name for found in seconds.values() for name in found})
    sizes = sorted({nodes for found in seconds.values() for by_nodes in found.values() for nodes in by_nodes})
    figure, panels = plt.subplots(
        1, len(steps), figsize=(4 * len(steps), 4.5), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, step in zip(panels[0], steps, strict=True):
        for number, name in enumerate(names):
            if points := sorted(seconds[step].get(name, {}).items()):
                medians = [statistics.median(values) for _, values in points]
                panel.plot([nodes for nodes, _ in points], medians, marker="o", label=name, color=f"C{number}")
        panel.set(title=TITLES[step], xscale="log", yscale="log", xlabel="nodes")
        panel.set_xticks(sizes, labels=map(str, sizes))
        panel.minorticks_off()
        panel.grid(visible=True, which="both", alpha=0.3)
    panels[0][0].set_ylabel("seconds (median)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
