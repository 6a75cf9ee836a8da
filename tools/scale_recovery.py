"""Show how often the demo network names the true modality and scale, on landscapes that it has not seen.

Run: .venv/bin/python tools/scale_recovery.py [SEED ...]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import torch
from scalescape.engine.demo.landscape import make_landscape
from scalescape.engine.demo.pixel_recovery import recover_pixels

MODEL = Path(__file__).resolve().parents[1] / "models" / "zoo" / "demo.safetensors"
SEEDS = (501, 502, 503)


def main() -> None:
    """Print a line a species and landscape, and the confusion of branches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--step", type=int, default=4)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    confusion: Counter[tuple[str, str]] = Counter()
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            landscape = make_landscape(seed, options.size)
            found = recover_pixels(options.model, landscape, Path(folder), options.step)
        right = sum(one.found_branch == one.true_branch for one in found)
        modality = sum(one.found_branch[0] == one.true_branch[0] for one in found)
        print(f"\nseed {seed}: modality right for {modality}, modality and scale for {right} of {len(found)}")
        for one in found:
            line = (
                f"  {one.name:<20} true {text(one.true_branch):<14} found {text(one.found_branch):<14} margins "
                f"{one.modality_margin:6.2f} {one.scale_margin:6.2f}"
            )
            if one.agreement is not None:
                line += f"  pixels {one.agreement:.0%}, clear ones {one.clear_agreement:.0%}"
                line += f" (one branch everywhere {one.same_everywhere:.0%})"
            print(line)
            confusion[text(one.true_branch), text(one.found_branch)] += 1
    print("\ntrue branch, found branch, species and landscapes")
    for (true, named), number in sorted(confusion.items()):
        print(f"  {true:<14} {named:<14} {number}")


def text(branch: tuple[str, int]) -> str:
    """Return a branch in words."""
    return f"{branch[0]} {branch[1]}"


if __name__ == "__main__":
    main()
