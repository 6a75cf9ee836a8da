"""The ``evaluate`` job: how far to trust a model file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from odc.geo.crs import CRS

from ...models.card import Card, Modality
from ...models.model_file import ModelFile, read_model
from ..files.aside import Aside, writing
from ..judging.calibration import NOT_CALIBRATED, Calibration
from ..judging.judgement import judge
from ..judging.judgement_files import FILES, write_judgement
from ..judging.scored import Scored
from ..judging.scored_file import OOF_SUFFIX, read_scored
from ..patches.cache import PatchCache
from ..patches.patch_set import PatchSet
from ..patches.source import PatchSource
from ..protocol import EvaluateJob, EvaluateResult
from ..rasters.ground import TOLERANCE
from ..recipes.config import TrainingConfig
from ..recipes.config_file import read_config
from ..running.errors import InputError
from ..running.progress import Monitor
from ..sites.cleaning import Cleaning, example_at
from ..sites.survey_blocks import survey_blocks
from ..training.batches import Places
from ..training.course import prepared_test, spots_of
from ..training.out_of_fold import scored_survey
from ..training.prediction import logits_at
from ..training.sights import PatchSight
from ..training.supplies import RasterSupply, Supply, supply_of


def run_evaluate(job: EvaluateJob, monitor: Monitor) -> EvaluateResult:
    """Judge a model file on its config's test table, else on the out-of-fold values beside it.

    Raises
    ------
    InputError
        The config, its test table or the out-of-fold values can't be used, or the folder can't be written.
    """
    model = read_model(job.model)
    config = None if job.config is None else read_config(Path(job.config))
    oof = Path(job.model).with_suffix(OOF_SUFFIX)
    warnings: tuple[str, ...] = ()
    monitor.report("judging", 0, 1)
    if config is not None and config.sites.test is not None:
        scored, report = _surveyed(config, model, monitor)
        warnings = tuple(report.sentences())
        validation = _out_of_fold(oof, model.card) if oof.is_file() else None
        if validation is not None and not validation.surveyed.any():
            validation = None  # records alone tell no threshold: the survey's blocks then serve each other
        calibration = _calibration(scored.species, model.card)
        judgement = judge(scored, validation, card=model.card, calibration=calibration, blocked=False)
    else:
        judgement = judge(_out_of_fold(oof, model.card), card=model.card)
    folder = Path(job.out)
    with Aside(folder) as aside:
        with writing(folder):
            write_judgement(judgement, aside.path)
        aside.publish(FILES)
    files = tuple(str(folder / name) for name in FILES if name != "figures.csv")
    return EvaluateResult(judgement.summary, files, warnings)


def _surveyed(config: TrainingConfig, model: ModelFile, monitor: Monitor) -> tuple[Scored, Cleaning]:
    """Return the network's values at the sites of the config's test table."""
    wanted = {one.name for one in model.card.modalities}
    if set(config.modality) != wanted:
        raise InputError(
            f"The config gives {', '.join(sorted(config.modality))}, and the model sees "
            f"{', '.join(sorted(wanted))}; give it all of that and nothing else ([modality.…])."
        )
    supplies = tuple(supply_of(name, one) for name, one in config.modality.items())
    species = model.card.species
    test, report = prepared_test(
        config, supplies, tuple(one.name for one in species), tuple(one.kind for one in species)
    )
    cache, spots = PatchCache(), spots_of(test)
    sets = {}
    for supply in supplies:
        modality = model.card.modality(supply.name)
        with supply.source(spots, modality.reach(modality.scales), model.card) as source:
            report.warnings += [*source.notes, *_other_size(supply, source, modality)]
            sets[supply.name] = PatchSet(cache.patches(source, monitor, supply.name), modality)
    usable = np.logical_and.reduce([one.usable for one in sets.values()])
    gone = example_at(test.x, test.y, ~usable)
    report.drop(str(config.sites.test), "where a predictor has no value", int((~usable).sum()), gone)
    index = np.flatnonzero(usable)
    if not len(index):
        raise InputError(f"No site of {config.sites.test} has values of all predictors; check the rasters.")
    places = Places(test, 0, {name: PatchSight(name, one) for name, one in sets.items()})
    logits = logits_at(model.network, places, index, between=monitor.check)
    block = survey_blocks(test.x, test.y, CRS(test.crs))[index]
    presences = np.array([one.presences for one in species], np.int64)
    fold = np.zeros(len(index), np.int64)
    return scored_survey(test.taken(index), logits.astype(np.float64), block, fold, presences), report


def _other_size(supply: Supply, source: PatchSource, modality: Modality) -> Iterator[str]:
    """Say where the pixels of rasters are not as large as the model's: its windows then see another ground."""
    if not isinstance(supply, RasterSupply):
        return
    size, unit = supply.pixel_size(source)
    if unit != modality.pixel_unit or abs(size / modality.pixel_size - 1) > TOLERANCE:
        yield (
            f"The pixels of {modality.name} are {size:.6g} {unit}s wide, those that the model learnt from "
            f"{modality.pixel_size:.6g} {modality.pixel_unit}s: its windows see another ground here."
        )


def _out_of_fold(file: Path, card: Card) -> Scored:
    if not file.is_file():
        raise InputError(
            f"There is no {file.name} beside the model; put the one there that came with it, or give a config "
            "with a test table (--config)."
        )
    kinds = {one.name: one.kind for one in card.species}
    return read_scored(file, card.training.extent_crs, kinds, {one.name: one.presences for one in card.species})


def _calibration(species: tuple[str, ...], card: Card) -> Calibration:
    """Return the calibration that the card holds."""
    lines = {one.name: one.calibration for one in card.species}
    slopes = tuple(None if lines[name] is None else lines[name][0] for name in species)  # type: ignore[index]
    shifts = tuple(None if lines[name] is None else lines[name][1] for name in species)  # type: ignore[index]
    refusals = tuple("" if lines[name] else NOT_CALIBRATED for name in species)
    return Calibration(species, slopes, shifts, (False,) * len(species), refusals)
