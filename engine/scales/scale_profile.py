"""How much each species relies on each branch over an area, in streaming moments."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...models.architecture import BranchKey
from ...models.attribution import dominant_branch
from ...models.card import Card
from ...models.model_file import ModelFile, read_model
from ..files.input_files import InputFiles
from ..mapping.limits import demand_values, within_memory
from ..mapping.plan import Plan, planned, uncentred
from ..protocol import ProfileJob
from ..protocol.scale_results import BranchProfile, Dominant, ProfileResult, SpeciesProfile
from ..rasters.lattice import Extent, Tile, map_grid
from ..rasters.raster import Valid
from ..running.errors import InputError
from ..running.progress import Monitor
from ..words.branch_colours import branch_colours, hexadecimal
from .contribution_pass import contribution_pass
from .effect_maps import Contributions
from .moments import ContributionMoments

ABOUT_PIXELS = 40_000  # by default; refits differ by far more than so many pixels leave uncertain
MOST_OUTPUTS = 2_000  # contributions of one pass: branches times species


@dataclass(frozen=True)
class _Figures:
    """What a profile says of one species with one model."""

    mean_abs: dict[BranchKey, float]
    shares: dict[BranchKey, float | None]
    dominant: BranchKey


def scale_profile(job: ProfileJob, monitor: Monitor) -> ProfileResult:
    """Return the profile of an area.

    Raises
    ------
    InputError, ModelError
        The profile can't be made, or a refit has other species or branches.
    Cancelled
        The monitor was told to stop.
    """
    monitor.report("opening", 0, 1)
    inputs = InputFiles([job.model, *job.refits])
    with planned(replace(job, step=job.step or 1), monitor.check) as plan, within_memory():
        inputs.join(plan.inputs)
        chosen = plan if job.step else sampled(plan)
        first = read_model(job.model)
        pixels, figures = _profiled(chosen, first, "profiling", monitor)
        inputs.demand_unchanged()
    every = [figures]
    for number, file in enumerate(job.refits, start=1):
        refit = read_model(file)
        _demand_alike(first.card, refit.card, file)
        again = replace(job, model=file, step=chosen.grid.step)
        with planned(again, monitor.check) as plan, within_memory():
            on = replace(plan, grid=chosen.grid)
            every.append(_profiled(on, refit, f"profiling refit {number} of {len(job.refits)}", monitor)[1])
            inputs.demand_unchanged()
    names = [first.card.species[place].name for place in chosen.species]
    return ProfileResult(
        species=tuple(
            _profile(first.card, name, species) for name, species in zip(names, zip(*every), strict=True)
        ),
        models=len(every),
        step=chosen.grid.step,
        pixels=pixels,
        warnings=(*(caution.message for caution in chosen.cautions), *uncentred(first.card)),
    )


def sampled(plan: Plan) -> Plan:
    """Return a plan of step 1 with a step by which about ``ABOUT_PIXELS`` pixels count.

    Without an extent a map of polygons is cut to the box around them.
    """
    grid = plan.grid
    if plan.mask is not None and grid.extent is None:
        grid = map_grid(grid.fine, 1, Extent(plan.mask.bounds, grid.crs))
        if 0 in grid.shape:
            raise InputError(f"The polygons of {plan.job.mask} hold no pixel of the rasters; choose others.")
    rows, columns = replace(plan, grid=grid).reachable
    pixels: float = (rows.stop - rows.start) * (columns.stop - columns.start)
    if plan.mask is not None:
        pixels = min(pixels, plan.mask.pixels(grid))
    step = max(1, math.floor(math.sqrt(pixels / ABOUT_PIXELS)))
    coarse = map_grid(grid.fine, step, grid.extent)
    if 0 in coarse.shape:  # a strip of an area, narrower than the step
        step, coarse = 1, grid
    return replace(plan, grid=coarse, job=replace(plan.job, step=step))


def _profiled(plan: Plan, model: ModelFile, phase: str, monitor: Monitor) -> tuple[int, list[_Figures]]:
    """Return over how many pixels, and the figures of each species of a plan."""
    branches = len(model.network.architecture.branch_keys)
    at_once = max(1, MOST_OUTPUTS // branches)
    figures: list[_Figures] = []
    pixels = 0
    for start in range(0, len(plan.species), at_once):
        some = plan.species[start : start + at_once]
        moments = _moments(plan, model, some, phase, monitor)
        pixels = moments.pixels
        for place in range(len(some)):
            by_branch = moments.mean_absolute(place)
            dominant = dominant_branch(moments.mean_absolute_sum(place), by_branch)
            figures.append(_Figures(by_branch, moments.variance_shares(place), dominant))
    return pixels, figures


def _moments(
    plan: Plan, model: ModelFile, species: Sequence[int], phase: str, monitor: Monitor
) -> ContributionMoments:
    whole = contribution_pass(plan, model, species, monitor)
    on = [key[1] in plan.scales.get(key[0], ()) for key in whole.keys]
    moments = ContributionMoments([key for key, here in zip(whole.keys, on, strict=True) if here], len(species))

    def add(tile: Tile, values: Contributions, valid: Valid) -> None:
        moments.add(values[on][:, :, valid])

    demand_values(whole.over(add, phase, monitor))
    return moments


def _profile(card: Card, name: str, models: Sequence[_Figures]) -> SpeciesProfile:
    """Return a species' profile, from the figures of the model and of its refits."""
    first = models[0]
    keys = [(modality.name, scale) for modality in card.modalities for scale in modality.scales]
    colours = branch_colours(keys)
    votes = Counter(model.dominant for model in models)  # of as many votes, the first model's wins
    modality, scale = winner = max(votes, key=lambda key: votes[key])
    offered = card.modality(modality).scales

    def branch(key: BranchKey) -> BranchProfile:
        low, high = _range([model.mean_abs[key] for model in models])
        share_low, share_high = _range([model.shares[key] for model in models])
        return BranchProfile(
            modality=key[0],
            scale=key[1],
            mean_abs=first.mean_abs[key],
            low=low,
            high=high,
            variance_share=first.shares[key],
            colour=hexadecimal(colours[key]),
            share_low=share_low,
            share_high=share_high,
        )

    return SpeciesProfile(
        name=name,
        dominant=Dominant(modality, scale, at_end=scale in (min(offered), max(offered))),
        agreeing=votes[winner],
        branches=tuple(branch(key) for key in first.mean_abs),
    )


def _range(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return the smallest and the largest over models; None for one model, or where one has no value."""
    known = [value for value in values if value is not None]
    if len(values) == 1 or len(known) < len(values):
        return None, None
    return min(known), max(known)


def _demand_alike(card: Card, refit: Card, file: str) -> None:
    """Raise InputError where a refit does not know the same species by the same branches."""
    branches = [[(m.name, m.scales) for m in one.modalities] for one in (card, refit)]
    species = [[one.name for one in each.species] for each in (card, refit)]
    if branches[0] != branches[1] or species[0] != species[1]:
        what = "scales" if branches[0] != branches[1] else "species"
        raise InputError(f"{file} is no refit of {card.name}: it has other {what}; give models trained alike.")
