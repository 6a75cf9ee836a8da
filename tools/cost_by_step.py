"""Draws docs/images/cost-by-step.svg: what a map pixel costs by step, measured and counted.

    scalescape bench planner --json > planner.json
    python tools/cost_by_step.py planner.json docs/images/cost-by-step.svg

The lines are counted operations, put at the height of what was measured: of dense evaluation at the shortest
step, of windows their mean.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from scalescape.engine.bench.bench_dense import BANDS
from scalescape.models.cost import column_costs
from scalescape.models.presets import architecture

PRESET, MODALITY = "paper-bimodal", "satellite"
WIDTH, STRIP = 512, 64
DENSE, WINDOWS = "#1b6ca8", "#c1512b"


def counted(step: int) -> float:
    """Return the operations of dense evaluation for an output pixel, as the planner counts them."""
    shape = architecture(PRESET, BANDS, species=1)
    costs = column_costs(shape, MODALITY, step, shape.modality(MODALITY).scales)
    return costs.at(WIDTH, STRIP).row_flops / WIDTH


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, help="what `scalescape bench planner --json` printed")
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()

    found = [json.loads(line) for line in arguments.measured.read_text().splitlines() if line.strip()]
    found.sort(key=lambda one: one["step"])
    steps = np.array([one["step"] for one in found])
    dense, windows = (1e3 / np.array([one[f"{way}_px_per_s"] for one in found]) for way in ("dense", "patch"))
    operations = np.array([counted(int(step)) for step in steps])

    rcParams["svg.hashsalt"] = "scalescape"  # the same figures give the same file
    figure = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, operations * dense[0] / operations[0], color=DENSE, linewidth=1)
    axes.plot(steps, np.full(len(steps), windows.mean()), color=WINDOWS, linewidth=1)
    axes.plot(steps, dense, "o", color=DENSE, label="densely")
    axes.plot(steps, windows, "s", color=WINDOWS, label="window by window")
    axes.set(xscale="log", yscale="log", xlabel="step (pixels)", ylabel="milliseconds a map pixel")
    axes.set_xticks(steps, [str(step) for step in steps])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(arguments.picture, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
