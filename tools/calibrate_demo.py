"""Prints what engine/demo/virtual_species.py keeps as constants: typical quantities and intercepts.

Run it after a change to the land cover, the climate or a driver, and copy the figures over.
"""

from __future__ import annotations

import argparse

import numpy as np
from scalescape.engine.demo.landscape import draw_surroundings
from scalescape.engine.demo.virtual_species import SPECIES, TYPICAL

# Share of pixels on which a species should have truth of at least 0.5.
TARGET_PREVALENCE = 0.25
EVERY = 8  # pixels between those that are looked at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landscapes", type=int, default=12)
    parser.add_argument("--size", type=int, default=2048)
    arguments = parser.parse_args()

    drawn = [draw_surroundings(1_000_000 + seed, 0, arguments.size) for seed in range(arguments.landscapes)]
    measured = {
        quantity: np.stack([one.measure(quantity)[::EVERY, ::EVERY] for one in drawn]) for quantity in TYPICAL
    }
    for quantity, values in measured.items():
        label = f"{quantity.name} ({quantity.outer})"
        print(f"{label:28} mean {values.mean():.4f}, deviation {values.std():.4f}")
    for species in SPECIES:
        terms = sum(driver.response(measured[driver.quantity]) for driver in species.drivers)
        intercept = -np.quantile(terms, 1 - TARGET_PREVALENCE)
        by_landscape = np.mean(terms + intercept >= 0, axis=(1, 2))
        print(
            f"{species.name:24} intercept {intercept:7.3f}, logit deviation {terms.std():.2f}, "
            f"prevalence {by_landscape.min():.3f} to {by_landscape.max():.3f}"
        )


if __name__ == "__main__":
    main()
