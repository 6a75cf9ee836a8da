"""What can't be seen from one value of a config alone: files, scales, and values that don't go together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from odc.geo.crs import CRS
from pyproj.exceptions import CRSError

from ...models.architecture import RESIDUAL_WIDTHS
from ...models.errors import ScaleError
from ...models.presets import PRESETS
from ...models.receptive_field import stack_for
from ..running.errors import InputError
from ..tables.condition import Condition
from .config import EVERY_FILE, ModalityConfig, SourceConfig, TrainingConfig, on_disk
from .config_faults import Fault, Key, suggestion
from .recipe import recipe_of
from .shape import backbone_of, scales_of

MODALITY_NAME = re.compile(r"[a-z][a-z0-9_]*")  # as a card has it
TABLE_KEYS = ("x", "y", "crs", "where")
PATCH_SIDE = 128  # px of a GeoLifeCLEF 2023 patch


def checked(config: TrainingConfig, faulty: Sequence[Key]) -> Iterator[Fault]:
    """Yield every fault of a config whose single values are sound.

    Parameters
    ----------
    config
        With absolute files; values at the keys ``faulty`` were left out, and are not missed.
    """
    yield from _sites(config, faulty)
    yield from _modalities(config, faulty)
    preset = config.model.preset
    if preset not in PRESETS:
        yield ("model", "preset"), f"there is no preset {preset!r}; {suggestion(preset, list(PRESETS))}"
        model = config.model.model_copy(update={"preset": "default"})  # the rest is checked all the same
        config = config.model_copy(update={"model": model})
    yield from _shapes(config)
    yield from _background(config)


def _sites(config: TrainingConfig, faulty: Sequence[Key]) -> Iterator[Fault]:
    sites = config.sites
    for name in ("train", "test", "background", "area", "bias"):
        yield from _missing(("sites", name), getattr(sites, name))
    if sites.train and sites.source:
        yield ("sites", "train"), "give either train or [[sites.source]], not both"
    elif not sites.train and not sites.source and not _any_of(faulty, "train", "source"):
        yield ("sites", "train"), "is missing; name a table of records, or several with [[sites.source]]"
    if sites.background and sites.bias:
        yield ("sites", "bias"), "give either background, a file of points, or bias, not both"
    test = sites.test_source()
    if (
        test
        and not (test.species or test.species_columns or test.species_name)
        and not _any_of(faulty, "species")
    ):
        yield ("sites", "test_species_columns"), "is missing; name the columns of the species in the test table"
    if test and test.species_name and not test.presence:
        yield ("sites", "presence"), f"is missing; the test table must tell where {test.species_name} was not"
    if sites.test_species_columns and not sites.test:
        yield ("sites", "test_species_columns"), "is of use with test alone; name the test table"
    yield from _table(("sites",), SourceConfig(**{n: getattr(sites, n) for n in TABLE_KEYS}), whole=False)
    named: dict[Key, SourceConfig] = {
        ("sites", "source", place): one for place, one in enumerate(sites.sources())
    }
    if not sites.source:
        named = {("sites",): sites.sources()[0]}
    for key, source in named.items():
        yield from _records(key, source, faulty)
        if sites.source:
            if not source.file:
                yield (*key, "file"), "is missing; name a table of records"
            yield from _missing((*key, "file"), source.file)
            yield from _table(key, sites.source[int(key[2])], whole=True)


def _table(key: Key, source: SourceConfig, whole: bool) -> Iterator[Fault]:
    """Yield what is wrong with coordinates and condition as they stand in one table of the config."""
    if source.x and not source.y:
        yield (*key, "y"), f"is missing; x = {source.x!r} is given, name the column of the other coordinate"
    if source.y and not source.x:
        yield (*key, "x"), f"is missing; y = {source.y!r} is given, name the column of the other coordinate"
    if source.crs:
        try:
            CRS(source.crs)
        except CRSError:
            yield (
                (*key, "crs"),
                f"unknown coordinate system {source.crs!r}; write for example EPSG:4326",
            )
    if source.where:
        try:
            Condition(source.where)
        except InputError as error:
            yield (*key, "where"), str(error)


def _records(key: Key, source: SourceConfig, faulty: Sequence[Key]) -> Iterator[Fault]:
    """Yield what is wrong with how a table (with what ``[sites]`` says too) names kind and species."""
    ways = [n for n in ("species", "species_name", "species_columns") if getattr(source, n)]
    if source.kind is None and not _any_of(faulty, "kind") and (*key, "kind") not in faulty:
        yield (*key, "kind"), "is missing; po: presence-only, pa: presence-absence, or pa-balanced"
    if not ways and not any(one[:-1] in {("sites",), key} and "species" in str(one[-1]) for one in faulty):
        yield (
            (*key, "species"),
            ("is missing; name the column with the species, or give species_columns or species_name"),
        )
    if len(ways) > 1:
        yield (*key, ways[1]), f"{ways[0]} is given too; give one of them"
    if source.presence and "species_name" not in ways:
        yield (*key, "presence"), "goes with species_name, the name of the species that it is about"
    if ways == ["species_name"] and not source.presence and source.kind in ("pa", "pa-balanced"):
        yield (
            (*key, "presence"),
            (f"is missing; name the column that is 1 where {source.species_name} was found and 0 where not"),
        )


def _modalities(config: TrainingConfig, faulty: Sequence[Key]) -> Iterator[Fault]:
    if not config.modality and not any(key[0] == "modality" for key in faulty):
        yield ("modality",), "is missing; describe the predictors in [modality.NAME]"
    for name, modality in config.modality.items():
        key: Key = ("modality", name)
        if not MODALITY_NAME.fullmatch(name):
            yield key, "a modality is named with lower-case letters, digits and _"
        ways = [n for n in ("inputs", "patches", "columns") if getattr(modality, n)]
        if not ways and not any(one[:2] == key for one in faulty):
            yield (*key, "inputs"), "is missing; give inputs (rasters), patches or columns"
        if len(ways) > 1:
            yield (*key, ways[1]), f"{ways[0]} is given too; give one of them"
        for file in modality.inputs:
            yield from _missing((*key, "inputs"), file)
        yield from _missing((*key, "patches"), modality.patches)
        for field in ("nodata", "crs"):
            if getattr(modality, field) and not modality.inputs:
                yield (*key, field), "is of use with inputs alone"
            files = [one.file for one in modality.rasters(name)]
            for file in getattr(modality, field):
                if file != EVERY_FILE and file not in files and modality.inputs:
                    yield (*key, field), f"{file} is none of inputs; {suggestion(file, files)}"
        unknown = [one for one in modality.categorical if modality.columns and one not in modality.columns]
        for one in unknown:
            yield (*key, "categorical"), f"{one!r} is none of columns; {suggestion(one, modality.columns)}"
        if modality.categorical and modality.patches:
            yield (*key, "categorical"), "isn't possible with patches, which are pictures"


def _shapes(config: TrainingConfig) -> Iterator[Fault]:
    """Yield scales that aren't possible, and what of ``[model]`` fits no modality."""
    for field in ("scales", "widths"):
        for name, sizes in getattr(config.model, field).items():
            if name not in config.modality:
                yield (
                    ("model", field, name),
                    (f"there is no [modality.{name}]; {suggestion(name, list(config.modality))}"),
                )
            elif not sizes or min(sizes) < 1:
                yield ("model", field, name), "must be one or more numbers above 0"
    for name, modality in config.modality.items():
        yield from _modality_shape(config, name, modality)


def _modality_shape(config: TrainingConfig, name: str, modality: ModalityConfig) -> Iterator[Fault]:
    key = ("modality", name, "scales") if modality.scales else ("model", "scales", name)
    scales = scales_of(config, name)
    if not scales:
        yield ("modality", name, "scales"), f"is missing; the preset {config.model.preset} has none for {name}"
        return
    if len(set(scales)) < len(scales):
        yield key, "names a scale twice"
    if modality.columns and tuple(scales) != (1,):
        yield key, "samples with data have scale 1 alone, since a column holds one value a site"
        return
    if modality.patches and max(scales) > PATCH_SIDE:
        yield key, f"{max(scales)} is wider than a patch, which has {PATCH_SIDE} pixels"
    backbone = backbone_of(config, name)
    for scale in dict.fromkeys(scales):
        try:
            stack_for(scale, backbone)
        except ScaleError as error:
            yield key, str(error)
    if backbone == "residual" and len(config.model.widths.get(name, (1,) * RESIDUAL_WIDTHS)) != RESIDUAL_WIDTHS:
        yield ("model", "widths", name), f"the residual backbone has {RESIDUAL_WIDTHS} widths"


def _background(config: TrainingConfig) -> Iterator[Fault]:
    """Yield a weight of background points that there are none for, and blocks without a side."""
    if config.training.blocks_km == 0:
        yield ("training", "blocks_km"), 'must be "auto" or more than 0 km'
    recipe = recipe_of(config)
    if config.sites.background:
        return
    needs_file = [
        f"modality.{name}"
        for name, one in config.modality.items()
        if (one.columns or one.patches) and not one.inputs
    ]
    if recipe.n_background > 0 and needs_file:
        yield (
            ("sites", "background"),
            (
                f"is missing; points can't be drawn at random where {needs_file[0]} has no rasters: name a "
                "file of points, or set training.n_background = 0 and training.lambda2 = 1"
            ),
        )
    if recipe.n_background == 0 and recipe.lambda2 < 1:
        yield (
            ("training", "lambda2"),
            (
                f"{recipe.lambda2:g} leaves weight to background points, and training.n_background is 0; "
                "set lambda2 = 1 or draw some"
            ),
        )
    if recipe.n_background == 0 and config.sites.bias:
        yield ("sites", "bias"), "is of no use, since training.n_background is 0"


def _missing(key: Key, file: str | None) -> Iterator[Fault]:
    path = on_disk(file) if file else None
    if path is not None and not path.exists():
        yield key, f"there is no file {_shown(path)}"


def _shown(path: Path) -> str:
    return f"{path.name} in {path.parent}"


def _any_of(faulty: Sequence[Key], *names: str) -> bool:
    return any(key[0] == "sites" and len(key) > 1 and key[1] in names for key in faulty)
