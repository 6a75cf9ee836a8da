"""Simulates the verdict of ``study``: how often it says that a gain helps, where it does and where it does not.

A gain is made up of what each block of land shows and of the luck of a few seeds; its interval comes from
blocks and seeds drawn with replacement, as in a study. Placebos scatter by themselves. All sizes are those
found on the banana slugs of California (docs/study.md), for a second modality beside one pixel of climate.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scalescape.engine.study.gain import HELPS, Gain
from scalescape.engine.study.standing import Repeats
from scipy.stats import binomtest

BLOCKS, BLOCK_ERROR = 47, 0.016  # standard error of a gain that stems from which blocks there are
SEEDS, SEED_SPREAD = 3, 0.004  # of an AUC, from seed to seed
REFERENCE = 0.91  # its AUC
DRAWS = 1000


@dataclass(frozen=True)
class Scenario:
    """What is simulated.

    Attributes
    ----------
    name
        In words.
    gain
        The expected gain; None where the real rasters are one more placebo.
    mean, spread
        Of the placebos' gains.
    """

    name: str
    gain: float | None
    mean: float = -0.006
    spread: float = 0.005


SCENARIOS = (
    Scenario("a true gain of 0.05", 0.05),
    Scenario("a true gain of 0.03", 0.03),
    Scenario("no gain", 0.0),
    Scenario("no gain but a placebo's, which is small", None),
    Scenario("no gain but a placebo's, which is large", None, 0.057, 0.037),
)


def helped(scenario: Scenario, placebos: int, number: int, seed: int) -> int:
    """Return in how many of ``number`` simulated studies the gain is said to help."""
    draw = np.random.default_rng([seed, placebos])
    times = draw.multinomial(BLOCKS, np.full(BLOCKS, 1 / BLOCKS), size=DRAWS) / BLOCKS
    blocks = np.vstack([np.full(BLOCKS, 1 / BLOCKS), times])
    seeds = Repeats.of(SEEDS, DRAWS, 0)
    found = 0
    for _ in range(number):
        expected = draw.normal(scenario.mean, scenario.spread) if scenario.gain is None else scenario.gain
        by_block = draw.normal(expected, BLOCK_ERROR * np.sqrt(BLOCKS), BLOCKS)
        model, reference = draw.normal(0, SEED_SPREAD, (2, SEEDS))
        luck = [seeds.mean(np.broadcast_to(one[:, None], (SEEDS, 1 + DRAWS))) for one in (model, reference)]
        drawn = blocks @ by_block + luck[0] - luck[1]
        on_placebos = REFERENCE + draw.normal(scenario.mean, scenario.spread, placebos)
        found += Gain.of(drawn, REFERENCE, on_placebos, BLOCKS).verdict == HELPS
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="simulated, of each kind (2000)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for scenario in SCENARIOS:
        for placebos in (3, 5, 10, 20):
            number = helped(scenario, placebos, arguments.studies, arguments.seed)
            share = binomtest(number, arguments.studies).proportion_ci(method="wilson")
            print(
                f"{scenario.name}, {placebos} placebos: helps in {number / arguments.studies:.1%} "
                f"({share.low:.1%} to {share.high:.1%}) of {arguments.studies}",
                flush=True,
            )


if __name__ == "__main__":
    main()
