"""How sure the scale of effect is: the network of everything, trained again on resampled blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ...models.architecture import BranchKey
from ...models.model_file import ModelFile, read_model, write_model
from ..mapping.plan import planned
from ..protocol import MapJob, ProfileJob
from ..protocol.scale_results import ProfileResult
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..running.errors import InputError
from ..running.progress import Monitor
from ..scales.contribution_pass import contribution_pass
from ..scales.effect_maps import Contributions, dominant
from ..scales.scale_profile import scale_profile
from ..sites.site_table import Index
from ..training.course import Course
from ..training.fitting import Share, Turn, fit
from ..training.model_card import untested_card
from ..training.prediction import branch_means

REFIT_SEED = 10  # tells its random numbers from all others
FIRST = 1000  # number of the first refit among the networks of a seed, far beyond any fold's
NOWHERE = -1


@dataclass(frozen=True)
class DominantMap:
    """Which branch dominates where, by most refits.

    Attributes
    ----------
    species
        Its name.
    keys
        The branches.
    place
        (rows, columns) place in ``keys`` of the branch that most refits name; -1 without a value.
    agreement
        (rows, columns) share of the refits that name it.
    extent
        Left, right, bottom and top of the map, in its CRS.
    """

    species: str
    keys: tuple[BranchKey, ...]
    place: npt.NDArray[np.intp]
    agreement: npt.NDArray[np.float64]
    extent: tuple[float, float, float, float]


@dataclass(frozen=True)
class ScaleOfEffect:
    """The profile over refits, and a map a species."""

    profile: ProfileResult
    maps: tuple[DominantMap, ...]


def resampled_sites(course: Course, number: int) -> Index:
    """Return the sites of as many blocks as there are, drawn with replacement; one drawn twice comes twice."""
    blocks, position = np.unique(course.blocks.block, return_inverse=True)
    draw = np.random.default_rng([course.recipe.seed, REFIT_SEED, number])
    times = np.bincount(draw.integers(len(blocks), size=len(blocks)), minlength=len(blocks))
    return np.repeat(np.arange(len(course.sites)), times[position])


def refitted(
    course: Course, number: int, epochs: int, file: Path, monitor: Monitor, device: torch.device
) -> None:
    """Train one refit and write its model file.

    Parameters
    ----------
    course
        Of the network.
    number
        Of the refit, from 0; it decides seed and blocks.
    epochs
        How many, as in the folds there is nothing left to stop early by.
    file
        The model file.
    monitor, device
        Asked whether to go on; where it runs.
    """
    sites, points = len(course.sites), len(course.background)
    background = np.arange(points) + sites
    turn = Turn(f"refit {number + 1}", FIRST + number, 0, course.recipe.epochs_of_all)
    share = Share(resampled_sites(course, number), background)
    fitted = fit(
        course.architecture,
        course.places,
        share,
        course.recipe,
        course.lambda2,
        turn,
        None,
        monitor,
        device,
        epochs=epochs,
    )
    centre = background if points else np.arange(sites)
    means = branch_means(fitted.network, course.places, centre, device)
    write_model(file, ModelFile(fitted.network, untested_card(course, file.stem), means))


def scale_of_effect(
    course: Course, models: list[Path], species: tuple[str, ...], monitor: Monitor
) -> ScaleOfEffect:
    """Return profile and maps over the rasters of a course.

    Parameters
    ----------
    course
        Of the networks; all its modalities come from rasters.
    models
        Model files of the refits.
    species
        Which species are told of.
    monitor
        Told of progress; may cancel.
    """
    config = course.config.modality
    inputs = tuple(raster for name, one in config.items() for raster in one.rasters(name))
    nodata = {file: value for one in config.values() for file, value in one.nodata_by_file().items()}
    file_crs = {file: crs for one in config.values() for file, crs in one.crs_by_file().items()}
    first, *others = (str(file) for file in models)
    profile = scale_profile(
        ProfileJob(first, inputs, species=species, nodata=nodata, file_crs=file_crs, refits=tuple(others)),
        monitor,
    )
    job = MapJob(first, inputs, "", step=profile.step, species=species, nodata=nodata, file_crs=file_crs)
    return ScaleOfEffect(profile, _maps(job, models, monitor))


def _maps(job: MapJob, models: list[Path], monitor: Monitor) -> tuple[DominantMap, ...]:
    """Return where which branch dominates, by the vote of all models."""
    votes: list[npt.NDArray[np.intp]] = []
    keys: tuple[BranchKey, ...] = ()
    names: list[str] = []
    extent = (0.0, 0.0, 0.0, 0.0)
    for number, file in enumerate(models, start=1):
        model = read_model(str(file))
        with planned(replace(job, model=str(file)), monitor.check) as plan:
            whole = contribution_pass(plan, model, plan.species, monitor)
            found = np.full((len(plan.species), *plan.grid.shape), NOWHERE, np.intp)

            def keep(
                tile: Tile,
                values: Contributions,
                valid: Valid,
                into: npt.NDArray[np.intp] = found,
                of: tuple[BranchKey, ...] = whole.keys,
            ) -> None:
                for place in range(len(into)):
                    winner = dominant(of, values[:, place])
                    into[place][tile.rows, tile.columns] = np.where(valid, winner, NOWHERE)

            whole.over(keep, f"mapping refit {number} of {len(models)}", monitor)
            votes.append(found)
            keys, names = whole.keys, [plan.card.species[place].name for place in plan.species]
            box = plan.grid.geobox.boundingbox
            extent = (box.left, box.right, box.bottom, box.top)
    if not votes:
        raise InputError("There is no refit to map.")
    cast = np.stack(votes)
    counts = np.stack([(cast == place).sum(axis=0) for place in range(len(keys))])
    agreed = np.where(counts.sum(axis=0) > 0, counts.argmax(axis=0), NOWHERE)
    share = counts.max(axis=0) / len(models)
    return tuple(
        DominantMap(name, keys, agreed[number], share[number], extent) for number, name in enumerate(names)
    )
