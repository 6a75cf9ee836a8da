"""The models that a study compares, and which of them it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

NETWORK, RANDOM_FOREST, MAXENT, COORDINATES = "network", "random_forest", "maxent", "coordinates"
PIXEL = (1,)

Scales = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Variant:
    """A model and what it sees.

    Attributes
    ----------
    model
        ``network``, ``random_forest``, ``maxent`` or ``coordinates``.
    scales
        By modality, in the config's order, the scales: of a network's branches; of a forest or MaxEnt the
        windows whose means it learns from (1 is the pixel itself). Nothing for coordinates alone.
    """

    model: str
    scales: Scales = ()

    @property
    def modalities(self) -> str:
        """The modalities as a table has them: ``bioclim+satellite``."""
        return "+".join(name for name, _ in self.scales)

    @property
    def scales_text(self) -> str:
        """The scales as a table has them: ``1-5+25-59``."""
        return "+".join("-".join(str(one) for one in scales) for _, scales in self.scales)

    @property
    def sees(self) -> str:
        """What it sees, in words: ``bioclim 1-5 + satellite 25``."""
        return in_words(self.scales) or "x and y"

    @property
    def name(self) -> str:
        """A name for people."""
        return f"{self.model.replace('_', ' ')}, {self.sees}"

    @property
    def key(self) -> str:
        """A name for files, of letters, digits, ``_`` and ``-``."""
        return "_".join([self.model, *(f"{name}-{'-'.join(map(str, scales))}" for name, scales in self.scales)])

    @property
    def single(self) -> bool:
        """Whether every modality that it sees has one scale."""
        return all(len(scales) == 1 for _, scales in self.scales)


@dataclass(frozen=True)
class Addition:
    """A model in which what it sees beyond a reference is randomised; what the reference sees stays real.

    Its placebos see all branches of the reference on real rasters, also those that the model itself lacks, and
    beside them the model's other branches on placebos. So the reference's gain over itself is 0, and what is
    judged is what was added and nothing else.

    Attributes
    ----------
    variant
        The model.
    kept
        What the reference sees.
    """

    variant: Variant
    kept: Scales

    @property
    def randomised(self) -> Scales:
        """The branches that see placebos."""
        kept = dict(self.kept)
        left = {
            name: tuple(one for one in its if one not in kept.get(name, ()))
            for name, its in self.variant.scales
        }
        return tuple((name, its) for name, its in left.items() if its)

    @property
    def whole(self) -> Variant:
        """The model that sees all that the placebos see, on real rasters."""
        both: dict[str, tuple[int, ...]] = {}
        for name, its in (*self.kept, *self.variant.scales):
            both[name] = tuple(sorted({*both.get(name, ()), *its}))
        return Variant(self.variant.model, tuple(both.items()))


def in_words(scales: Scales) -> str:
    """Return some scales for people: ``bioclim 1-5 + satellite 25``."""
    return " + ".join(f"{name} {'-'.join(str(one) for one in its)}" for name, its in scales)


def one_pixel(climate: str) -> Variant:
    """Return the baseline: a network that sees one pixel of ``climate``."""
    return Variant(NETWORK, ((climate, PIXEL),))


def networks(offered: Mapping[str, Sequence[int]], climate: str) -> tuple[Variant, ...]:
    """Return the networks of a study, each once: a number of them that grows with the pairs of scales only.

    The one-pixel network; of each modality every scale alone, every pair and all together; of every two
    modalities each scale of one with each of the other; all scales of all modalities. Other subsets of three
    scales and more, and other mixtures, are left out: they would double the cost with each scale.

    Parameters
    ----------
    offered
        The scales of each modality, ascending.
    climate
        The modality of the one-pixel network.
    """
    found: list[Variant] = [one_pixel(climate)]
    for name, scales in offered.items():
        subsets = [*((one,) for one in scales), *combinations(scales, 2), tuple(scales)]
        found += [Variant(NETWORK, ((name, tuple(subset)),)) for subset in subsets]
    for one, other in combinations(offered, 2):
        found += [
            Variant(NETWORK, ((one, (mine,)), (other, (theirs,))))
            for mine, theirs in product(offered[one], offered[other])
        ]
    if len(offered) > 1:
        found.append(everything(offered))
    return tuple(dict.fromkeys(found))


def everything(offered: Mapping[str, Sequence[int]]) -> Variant:
    """Return the network of all scales of all modalities."""
    return Variant(NETWORK, tuple((name, tuple(scales)) for name, scales in offered.items()))


def best_of_each(offered: Mapping[str, Sequence[int]], scores: Mapping[Variant, float]) -> Variant | None:
    """Return the network that joins what did best in each modality alone.

    None with one modality, or where all networks of a modality diverged: their scores are minus infinity.

    ``scores`` holds the networks of one modality; it was chosen by the very folds that judge it, so its figures
    are a little too good.
    """
    if len(offered) < 2:
        return None
    best = []
    for name in offered:
        mine = {one: score for one, score in scores.items() if [part[0] for part in one.scales] == [name]}
        first = max(mine, key=lambda one: mine[one])
        if mine[first] == -math.inf:
            return None
        best.append(first.scales[0])
    return Variant(NETWORK, tuple(best))


def rivals(offered: Mapping[str, Sequence[int]]) -> tuple[Variant, ...]:
    """Return what stands beside networks: forest and MaxEnt on pixels and with window means; coordinates."""
    pixels = tuple((name, PIXEL) for name in offered)
    windows = tuple((name, tuple(sorted({1, *scales}))) for name, scales in offered.items())
    seen = dict.fromkeys((pixels, windows))
    models = (RANDOM_FOREST, MAXENT)
    return (*(Variant(model, scales) for scales in seen for model in models), Variant(COORDINATES))
