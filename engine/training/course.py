"""All that training needs before the first network: clean sites, what the network sees there, its shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from odc.geo.crs import CRS

from ...models.architecture import Architecture
from ...models.card import Modality
from ..errors import InputError
from ..patches.cache import PatchCache
from ..patches.patch_set import PatchSet
from ..patches.statistics import band_statistics
from ..progress import Monitor
from ..sites.background import Background
from ..sites.blocks import Blocks, make_blocks
from ..sites.cleaning import Cleaning
from ..sites.preparation import Prepared, prepare
from ..sites.site_table import Floats, Index, SiteTable
from .batches import Places
from .config import TrainingConfig
from .recipe import Recipe, recipe_of
from .shape import architecture_of, scales_of
from .sights import PatchSight, Sight
from .supplies import ImageSupply, RasterSupply, Spots, Supply, supply_of


@dataclass(frozen=True)
class Course:
    """What a training starts from.

    Attributes
    ----------
    config, recipe
        What is wanted.
    sites, background
        What is trained on.
    test
        Surveyed sites of the config's test table, or None.
    report
        What cleaning left out.
    places
        Sites and then background points, with what the network sees there.
    modalities
        As the card has them.
    architecture
        Of the network.
    blocks
        Of sites and background points.
    buffer_m
        Distance that training keeps from test sites.
    lambda2
        (species,) weight of other species' sites against background.
    supplies
        Where the predictors come from, by modality.
    """

    config: TrainingConfig
    recipe: Recipe
    sites: SiteTable
    background: Background
    test: SiteTable | None
    report: Cleaning
    places: Places
    modalities: tuple[Modality, ...]
    architecture: Architecture
    blocks: Blocks
    buffer_m: float
    lambda2: torch.Tensor
    supplies: tuple[Supply, ...]


def course_of(config: TrainingConfig, monitor: Monitor) -> Course:
    """Prepare a training. Raises InputError, in one sentence, where the config's data can't be used."""
    recipe = recipe_of(config)
    supplies = tuple(supply_of(name, one) for name, one in config.modality.items())
    prepared = prepared_sites(config, recipe, supplies)
    sites, background = prepared.sites, prepared.background
    cache = PatchCache()
    scales = {one.name: scales_of(config, one.name) for one in supplies}
    sites, background = _with_images(supplies, sites, background, prepared.report)
    spots = spots_of(sites, background)
    modalities, sights = [], {}
    for supply in supplies:
        with supply.source(spots, max(scales[supply.name])) as source:
            patches = cache.patches(source, monitor, supply.name)
            at_sites = patches.taken(np.arange(len(sites))).at_sites()
            bands = band_statistics(supply.name, source.bands, *at_sites, source.categorical, source.units)
            size, unit = supply.pixel_size(source)
        modality = Modality(supply.name, bands, size, unit, scales[supply.name])
        modalities.append(modality)
        sights[supply.name] = PatchSet(patches, modality)
    channels = {name: one.channels for name, one in sights.items()}
    architecture = architecture_of(config, channels, len(sites.species), recipe.width)
    window = max(max(scales[one.name]) * one.pixel_m for one in supplies)
    blocks = make_blocks(sites, background, recipe.folds, recipe.blocks_km, window, recipe.seed)
    return Course(
        config=config,
        recipe=recipe,
        sites=sites,
        background=background,
        test=prepared.test,
        report=prepared.report,
        places=Places(sites, len(background), _sights(architecture, sights, recipe)),
        modalities=tuple(modalities),
        architecture=architecture,
        blocks=blocks,
        buffer_m=window if recipe.buffer_km == "auto" else float(recipe.buffer_km) * 1000,
        lambda2=_lambda2(config, sites, recipe),
        supplies=supplies,
    )


def spots_of(sites: SiteTable, background: Background | None = None) -> Spots:
    """Return sites, and after them background points, as places."""
    if background is None or not len(background):
        return Spots(sites.x, sites.y, sites.crs, sites.columns, sites.patch_ids)
    missing = sorted(set(sites.columns) - set(background.columns))
    if missing:
        raise InputError(f"The background points have no column {missing[0]!r}; add it to their file.")
    return Spots(
        np.concatenate([sites.x, background.x]),
        np.concatenate([sites.y, background.y]),
        sites.crs,
        {name: _joined(values, background.columns[name]) for name, values in sites.columns.items()},
        None
        if sites.patch_ids is None or background.patch_ids is None
        else _joined(sites.patch_ids, background.patch_ids),
    )


def _joined(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([one, other])


def prepared_sites(config: TrainingConfig, recipe: Recipe, supplies: tuple[Supply, ...]) -> Prepared:
    """Return clean sites and background points where the predictors have values."""
    rasters = [one for one in supplies if isinstance(one, RasterSupply)]
    grounded = [one for one in supplies if one.pixel_m > 0]
    smallest = min((min(scales_of(config, one.name)) * one.pixel_m for one in grounded), default=None)
    if not rasters:
        return prepare(config, recipe, None, None, smallest, None)
    finest = min(rasters, key=lambda one: one.pixel_m)

    def inside(x: Floats, y: Floats, crs: CRS) -> npt.NDArray[np.bool_]:
        held = np.ones(len(x), np.bool_)
        for raster in rasters:
            held[held] = raster.holds(x[held], y[held], crs)
        return held

    return prepare(config, recipe, finest.grid.crs, inside, smallest, finest.grid)


def _with_images(
    supplies: tuple[Supply, ...], sites: SiteTable, background: Background, report: Cleaning
) -> tuple[SiteTable, Background]:
    """Return the sites and points that have an image, where a modality is made of images."""
    for supply in supplies:
        if not isinstance(supply, ImageSupply):
            continue
        if len(background) and background.patch_ids is None:
            raise InputError(
                f"Background points drawn at random have no image for {supply.name}; name a file of points "
                "with patchID (background), or set n_background = 0 and lambda2 = 1."
            )
        with supply.source(spots_of(sites, background), 1) as source:
            there = source.places >= 0
        gone = int((~there).sum())
        report.drop("the tables", f"without an image in {supply.name}", gone, "")
        kept, kept_points = np.flatnonzero(there[: len(sites)]), np.flatnonzero(there[len(sites) :])
        sites, background = sites.taken(kept), _points(background, kept_points)
    return sites, background


def _points(background: Background, index: Index) -> Background:
    return replace(
        background,
        x=background.x[index],
        y=background.y[index],
        columns={name: values[index] for name, values in background.columns.items()},
        patch_ids=None if background.patch_ids is None else background.patch_ids[index],
    )


def _sights(architecture: Architecture, sets: dict[str, PatchSet], recipe: Recipe) -> dict[str, Sight]:
    sights: dict[str, Sight] = {}
    for modality in architecture.modalities:
        imagery = modality.backbone == "residual"
        sights[modality.name] = PatchSight(
            modality.name,
            sets[modality.name],
            turned=imagery and recipe.augment,
            jitter=0.0 if imagery else recipe.jitter,
        )
    return sights


def _lambda2(config: TrainingConfig, sites: SiteTable, recipe: Recipe) -> torch.Tensor:
    """Return the recipe's, but 1 for surveyed species beside presence-only ones: their absences are enough."""
    mixed = len(set(sites.kinds)) > 1 and config.training.lambda2 is None
    return torch.tensor([1.0 if mixed and kind != "po" else recipe.lambda2 for kind in sites.kinds])
