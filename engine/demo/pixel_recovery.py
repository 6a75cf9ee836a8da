"""How much of a landscape's truth the maps of effects recover, pixel by pixel.

Where a species has drivers in several branches, each driver's own term of the true logit says which one
dominates at a pixel. It is compared with the dominant branch of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...models.architecture import BranchKey
from ...models.attribution import dominant_branch, lead
from ...models.model_file import read_model
from ..mapping.plan import planned
from ..protocol import MapJob, RasterInput
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..running.progress import Monitor
from ..scales.contribution_pass import contribution_pass
from ..scales.effect_maps import Contributions, dominant, margin
from ..scales.moments import ContributionMoments
from .files import describe, write_landscape
from .landscape import Landscape
from .training_scene import COARSE, FINE
from .virtual_species import SPECIES, VirtualSpecies


@dataclass(frozen=True)
class PixelRecovery:
    """What the maps of one species got right.

    Attributes:
        name: of the species.
        true_branch: modality and scale that dominate the true logit.
        found_branch: those that the network relies on most, by the rule.
        modality_margin: mean absolute summed contribution of the true modality over the next.
        scale_margin: mean absolute contribution of the true branch over the next of its modality.
        agreement: share of the pixels at which the true driver dominates on the map; None with drivers in a
            single branch.
        clear_agreement: the same where the true margin is above its median.
        same_everywhere: what a map with one branch everywhere, the best one, would reach on those clear pixels.
    """

    name: str
    true_branch: BranchKey
    found_branch: BranchKey
    modality_margin: float
    scale_margin: float
    agreement: float | None
    clear_agreement: float | None
    same_everywhere: float | None


def recover_pixels(model: Path, landscape: Landscape, folder: Path, step: int) -> list[PixelRecovery]:
    """Judges the maps of effects of all virtual species; the landscape's files are written to ``folder``."""
    write_landscape(landscape, folder)
    inputs = tuple(RasterInput(name, str(folder / f"{name}.tif")) for name in (FINE, COARSE))
    with planned(MapJob(str(model), inputs, out="", step=step)) as plan:
        whole = contribution_pass(plan, read_model(model), plan.species, Monitor())
        rows, columns = plan.grid.input_rows(), plan.grid.input_columns()
        values = np.full((len(whole.keys), len(SPECIES), *plan.grid.shape), np.nan, np.float32)

        def keep(tile: Tile, part: Contributions, valid: Valid) -> None:
            values[:, :, tile.rows, tile.columns] = np.where(valid, part, np.nan)

        whole.over(keep, "mapping", Monitor())
    held = np.isfinite(values).all(axis=(0, 1))
    moments = ContributionMoments(whole.keys, len(SPECIES))
    moments.add(values[:, :, held])
    found = []
    for place, (species, described) in enumerate(zip(SPECIES, describe(landscape)["species"], strict=True)):
        true_branch = (str(described["dominant"]["modality"]), int(described["dominant"]["scale"]))
        by_branch, by_modality = moments.mean_absolute(place), moments.mean_absolute_sum(place)
        rivals = {key: value for key, value in by_branch.items() if key[0] == true_branch[0]}
        truth = true_contributions(landscape, species, whole.keys)[:, rows[:, None], columns[None, :]]
        agreement = _agreement(whole.keys, truth[:, held], values[:, place, held])
        found.append(
            PixelRecovery(
                species.name,
                true_branch,
                dominant_branch(by_modality, by_branch),
                lead(by_modality, true_branch[0]),
                lead(rivals, true_branch),
                *agreement,
            )
        )
    return found


def true_contributions(
    landscape: Landscape, species: VirtualSpecies, keys: Sequence[BranchKey]
) -> npt.NDArray[np.float32]:
    """The terms of a species' true logit by branch: shape ``(branches, size, size)``.

    A response that is linear in a score is 0 at the typical mean, as a centred contribution is.
    """
    size = landscape.size
    terms = np.zeros((len(keys), size, size), np.float32)
    for driver in species.drivers:
        values = landscape.surroundings.measure(driver.quantity)
        terms[list(keys).index((driver.modality, driver.scale))] += driver.response(values)
    return terms


def _agreement(
    keys: Sequence[BranchKey], truth: npt.NDArray[np.float32], found: npt.NDArray[np.float32]
) -> tuple[float, float, float] | tuple[None, None, None]:
    """The fields ``agreement``, ``clear_agreement`` and ``same_everywhere``; arrays are (branches, pixels)."""
    if np.count_nonzero(truth.any(axis=-1)) < 2:
        return None, None, None
    true_branch = dominant(keys, truth)
    same = true_branch == dominant(keys, found)
    true_margin = margin(keys, truth)
    clear = true_margin > np.median(true_margin)
    most = np.bincount(true_branch[clear]).max() / np.count_nonzero(clear)
    return float(same.mean()), float(same[clear].mean()), float(most)
