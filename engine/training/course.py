"""All that training needs before the first network: clean sites, what the network sees there, its shape."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...models.architecture import Architecture
from ...models.card import Modality
from ...models.ensemble import side_by_side
from ..files.input_files import InputFiles
from ..patches.cache import PatchCache
from ..patches.patch_set import PatchSet
from ..patches.raster_source import RasterSource, pixels_of
from ..patches.source import PatchSource
from ..patches.statistics import band_statistics
from ..recipes.config import TrainingConfig
from ..recipes.recipe import Recipe, recipe_of
from ..recipes.shape import architecture_of, backbone_notes, backbone_of, scales_of
from ..running.errors import InputError
from ..running.progress import Monitor
from ..sites.background import Background
from ..sites.blocks import Blocks, buffer_of, make_blocks
from ..sites.cleaning import Cleaning, example_at
from ..sites.preparation import Prepared, prepare, prepare_test
from ..sites.site_table import Index, SiteTable
from ..words.values import input_of
from .batches import Places
from .folds import Fold, folds_of
from .mapped_area import inside_of, where_seen
from .sights import LatticeSight, PatchSight, Sight
from .site_lattice import RasterScene, SiteLattice
from .supplies import ImageSupply, RasterSupply, Spots, Supply, supply_of

IMAGERY = "residual"  # the backbone whose patches may be turned and mirrored


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
        Of a member of the network.
    blocks
        Of sites and background points.
    buffer_m
        Distance that training keeps from test sites.
    folds
        What each fold tests and learns from.
    lambda2
        (species,) weight of other species' sites against background.
    digests
        A text a modality that differs where what the network sees differs.
    files
        Rasters that stay open while tiles are read; ``close`` it at the end.
    inputs
        All that was read.
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
    folds: tuple[Fold, ...]
    lambda2: torch.Tensor
    digests: tuple[str, ...]
    files: ExitStack
    inputs: InputFiles = field(default_factory=InputFiles)

    @property
    def weighs_background(self) -> bool:
        """Whether the network learns from background points: some species weigh them in the loss."""
        return _weighs(self.background, self.lambda2)

    @property
    def learnt(self) -> Index:
        """The places that have weight in the loss: sites, and background points where these do."""
        return np.arange(len(self.sites) + len(self.background) * self.weighs_background)

    @property
    def network(self) -> Architecture:
        """The shape of a network, its members side by side."""
        return side_by_side(self.architecture, self.recipe.members)


def course_of(config: TrainingConfig, monitor: Monitor) -> Course:
    """Prepare a training. Raises InputError, in one sentence, where the config's data can't be used."""
    recipe, inputs = recipe_of(config), inputs_of(config)
    supplies = tuple(supply_of(name, one) for name, one in config.modality.items())
    prepared = prepared_sites(config, recipe, supplies)
    sites, background = prepared.sites, prepared.background
    if len(sites) == 1:
        records = sum(prepared.report.read.values())
        raise InputError(
            f"All that is left of {records:,} record{'s' if records > 1 else ''} is one site"
            f"{prepared.report.thinning()}, and a network learns from many; check the coordinates and their "
            "system, or add records."
        )
    sites, background = _with_images(supplies, sites, background, prepared.report)
    prepared.report.warnings += backbone_notes(config)
    lattices = _lattices(config, recipe, supplies, sites)
    for lattice in lattices.values():
        if background.how == "random":
            background = lattice.moved(background, inside_of(supplies))
            prepared.report.warnings.append(
                f"Sites lie on a lattice of {lattice.step} pixels; background points were moved onto it."
            )
    with ExitStack() as stack:
        lambda2 = _lambda2(config, sites, recipe)
        learnt = len(sites) + len(background) * _weighs(background, lambda2)
        seen = _Seen(sites, background, learnt, lattices, PatchCache(), stack, monitor)
        for supply in supplies:
            seen.add(supply, scales_of(config, supply.name), backbone_of(config, supply.name), recipe)
        prepared.report.warnings += seen.notes
        architecture = architecture_of(config, seen.channels(), len(sites.species), recipe.width)
        window = max(max(scales_of(config, one.name)) * one.pixel_m for one in supplies)
        inputs.join(seen.inputs)
        inputs.demand_unchanged()
        blocks = make_blocks(sites, background, recipe.folds, recipe.blocks_km, window, recipe.seed)
        buffer_m = buffer_of(recipe.buffer_km, window)
        return Course(
            config=config,
            recipe=recipe,
            sites=sites,
            background=background,
            test=prepared.test,
            report=prepared.report,
            places=Places(sites, len(background), seen.sights, seen.lasting),
            modalities=tuple(seen.modalities),
            architecture=architecture,
            blocks=blocks,
            buffer_m=buffer_m,
            folds=folds_of(blocks, buffer_m, recipe.patience),
            lambda2=lambda2,
            digests=tuple(seen.digests),
            files=stack.pop_all(),
            inputs=inputs,
        )


def seen_as(
    course: Course, config: TrainingConfig, monitor: Monitor, stands_for: Mapping[str, str] | None = None
) -> Course:
    """Return the same sites, background points, blocks and folds as another config would have them seen.

    Parameters
    ----------
    course
        What is learnt and tested, and where.
    config
        Of the same tables, with other scales, modalities or rasters, which hold values at the same places.
    monitor
        Is told of progress.
    stands_for
        By modality of ``config``, that of the course on whose pixels it lies, where its name is another.
    """
    recipe, sites = recipe_of(config), course.sites
    supplies = tuple(supply_of(name, one) for name, one in config.modality.items())
    tiled = [name for name, sight in course.places.sights.items() if isinstance(sight, LatticeSight)]
    lattices = {  # background points lie on no other lattice
        name: one
        for name, one in _lattices(config, recipe, supplies, sites).items()
        if (stands_for or {}).get(name, name) in tiled
    }
    with ExitStack() as stack:
        seen = _Seen(sites, course.background, len(course.learnt), lattices, PatchCache(), stack, monitor)
        for supply in supplies:
            seen.add(supply, scales_of(config, supply.name), backbone_of(config, supply.name), recipe)
        course.inputs.demand_unchanged()
        return replace(
            course,
            config=config,
            recipe=recipe,
            places=Places(sites, len(course.background), seen.sights, seen.lasting),
            modalities=tuple(seen.modalities),
            architecture=architecture_of(config, seen.channels(), len(sites.species), recipe.width),
            digests=tuple(seen.digests),
            files=stack.pop_all(),
        )


def seen_elsewhere(course: Course, sites: SiteTable, monitor: Monitor) -> Places:
    """Return other sites as a course's networks see theirs: tile by tile where they lie on the same lattice."""
    spots = spots_of(sites)
    sights: dict[str, Sight] = {}
    for modality in course.modalities:
        name = modality.name
        supply = supply_of(name, course.config.modality[name])
        sight: Sight | None = None
        if isinstance(supply, RasterSupply):
            sight = _on_lattice(course.places.sights[name], supply, spots)
        if sight is None:
            with supply.source(spots, max(modality.scales)) as source:
                patches = PatchCache().patches(source, monitor, name)
            sight = PatchSight(name, PatchSet(patches, modality))
        sights[name] = sight
    course.inputs.demand_unchanged()
    return Places(sites, 0, sights, course.places.inputs)


def _on_lattice(own: Sight, supply: RasterSupply, spots: Spots) -> LatticeSight | None:
    """Return how places are seen by the tiles of a sight, None where they do not lie on its lattice."""
    if not isinstance(own, LatticeSight):
        return None
    rows, columns = pixels_of(supply.grid, spots.x, spots.y, spots.crs)
    off = ((rows - own.rows[0]) % own.step).any() or ((columns - own.columns[0]) % own.step).any()
    return None if off else replace(own, rows=rows, columns=columns, turned=False)


class _Seen:
    """What the network sees at sites and background points, gathered by modality.

    The first ``learnt`` of these places have weight in the loss: bands' statistics are of those.
    """

    def __init__(
        self,
        sites: SiteTable,
        background: Background,
        learnt: int,
        lattices: dict[str, SiteLattice],
        cache: PatchCache,
        files: ExitStack,
        monitor: Monitor,
    ) -> None:
        self._spots = spots_of(sites, background)
        self._learnt = np.arange(learnt)
        self._lattices = lattices
        self._cache = cache
        self._files = files
        self._monitor = monitor
        self.modalities: list[Modality] = []
        self.digests: list[str] = []
        self.notes: list[str] = []
        self.inputs = InputFiles()
        self.lasting = InputFiles()  # those that go on being read
        self.sights: dict[str, Sight] = {}

    def channels(self) -> dict[str, int]:
        """Return the number of the network's channels of each modality."""
        return {one.name: one.channels for one in self.modalities}

    def add(self, supply: Supply, scales: tuple[int, ...], backbone: str, recipe: Recipe) -> None:
        """Read one modality."""
        lattice = self._lattices.get(supply.name)
        side = 1 if lattice else max(scales)
        opened: AbstractContextManager[PatchSource] = supply.source(self._spots, side)
        source = self._files.enter_context(opened)
        patches = self._cache.patches(source, self._monitor, supply.name)
        values = patches.taken(self._learnt).at_sites()
        bands = band_statistics(supply.name, source.bands, *values, source.categorical, source.units)
        modality = Modality(supply.name, bands, *supply.pixel_size(source), scales)
        self.modalities.append(modality)
        self.digests.append(source.digest)
        self.notes += source.notes
        if isinstance(source, RasterSource):
            self.inputs.join(source.inputs)
        turned = backbone == IMAGERY and recipe.augment
        if lattice is not None and isinstance(source, RasterSource):
            spots = self._spots
            rows, columns = pixels_of(lattice.grid, spots.x, spots.y, spots.crs)
            scene = RasterScene(source, modality)
            self.lasting.join(source.inputs)
            self.sights[supply.name] = LatticeSight(
                supply.name, scene, rows, columns, lattice.step, max(scales), turned
            )
            return
        jitter = 0.0 if backbone == IMAGERY else recipe.jitter
        self.sights[supply.name] = PatchSight(supply.name, PatchSet(patches, modality), turned, jitter)


def _lattices(
    config: TrainingConfig, recipe: Recipe, supplies: tuple[Supply, ...], sites: SiteTable
) -> dict[str, SiteLattice]:
    """Return the lattice of each modality that is seen by tiles."""
    about = architecture_of(config, dict.fromkeys(config.modality, 4), len(sites.species), recipe.width)
    found = {}
    for supply in supplies:
        if isinstance(supply, RasterSupply) and backbone_of(config, supply.name) == IMAGERY:
            lattice = SiteLattice.of(sites, supply.grid, about, supply.name)
            if lattice is not None:
                found[supply.name] = lattice
    return found


def inputs_of(config: TrainingConfig) -> InputFiles:
    """Return the tables and rasters of a config, as they are now."""
    sites = config.sites
    further = (sites.test, sites.background, sites.area, sites.bias)
    found = InputFiles([*(one.file for one in sites.sources()), *(one for one in further if one)])
    found.add_raster(
        [input_of(f"{name}={text}").file for name, one in config.modality.items() for text in one.inputs]
    )
    return found


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
    grid, inside, smallest = where_seen(config, supplies)
    return prepare(config, recipe, None if grid is None else grid.crs, inside, smallest, grid)


def prepared_test(
    config: TrainingConfig, supplies: tuple[Supply, ...], species: tuple[str, ...], kinds: tuple[str, ...]
) -> tuple[SiteTable, Cleaning]:
    """Return clean sites of the test table where the predictors have values, and what was left out."""
    grid, inside, smallest = where_seen(config, supplies)
    return prepare_test(config, species, kinds, None if grid is None else grid.crs, inside, smallest)


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
        x, y = (np.concatenate(both) for both in ((sites.x, background.x), (sites.y, background.y)))
        example = example_at(x, y, ~there)
        report.drop("the tables", f"without an image in {supply.name}", gone, example)
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


def _weighs(background: Background, lambda2: torch.Tensor) -> bool:
    return len(background) > 0 and bool((lambda2 < 1).any())


def _lambda2(config: TrainingConfig, sites: SiteTable, recipe: Recipe) -> torch.Tensor:
    """Return the recipe's, but 1 for surveyed species beside presence-only ones: their absences are enough."""
    mixed = len(set(sites.kinds)) > 1 and config.training.lambda2 is None
    return torch.tensor([1.0 if mixed and kind != "po" else recipe.lambda2 for kind in sites.kinds])
