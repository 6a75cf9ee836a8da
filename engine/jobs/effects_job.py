"""The ``effects`` job: maps of what each branch adds to one species' logit, all from one dense pass."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from ...models.architecture import BranchKey
from ...models.card import Card
from ...models.flags import joined
from ...models.model_file import read_model
from ..files.aside import Aside
from ..mapping.limits import demand_values, within_memory
from ..mapping.plan import Plan, planned, uncentred
from ..maps.category_raster import Category, CategoryWriter
from ..maps.map_writer import Layer, MapWriter
from ..protocol import EffectsJob
from ..protocol.scale_results import EffectsResult
from ..protocol.tags import BIAS, FLAG, MEANING, QUANTITY, RUN_TAG, SCALE_DROPOUT, SPECIES
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..running.device import label_of
from ..running.errors import InputError
from ..running.progress import Monitor
from ..scales.contribution_pass import ContributionPass, contribution_pass, logits_of
from ..scales.effect_maps import Contributions, ablations, dominant, margin
from ..words.branch_colours import branch_colours
from .map_job import other_maps, published, run_record

DOMINANT, MARGIN = "dominant", "margin"
SAMPLED = 500  # values a strip and branch, from which the common range of all contributions is taken
LIMIT_PERCENTILE = 98


def run_effects(job: EffectsJob, monitor: Monitor) -> EffectsResult:
    """Do an effects job.

    Raises
    ------
    InputError, ModelError
        The job can't be done, or names not just one species; nothing that stood in the folder is changed.
    Cancelled
        The monitor was told to stop; likewise.
    """
    started = time.monotonic()
    monitor.report("opening", 0, 1)
    if len(job.species) != 1:
        named = f"{len(job.species)} are named; name one" if job.species else "none is named; name it"
        raise InputError(f"Effects are mapped for one species at a time, and {named} (--species).")
    with planned(job, monitor.check) as plan, Aside(Path(job.out)) as aside, within_memory():
        model = read_model(job.model)
        whole = contribution_pass(plan, model, plan.species, monitor)
        maps = EffectMaps(plan, whole)
        verifier = whole.verifier()
        run = {**run_record(plan, whole.ready), **maps.record()}
        run["warnings"] += without_replacement(plan.card)
        tags = {RUN_TAG: json.dumps(run), SPECIES: maps.species}
        if flags := plan.card.flags(plan.card.species[plan.species[0]]):
            tags[FLAG] = joined(flags)
        geobox = plan.grid.geobox
        with (
            MapWriter(aside, geobox, maps.layers(), tags) as writer,
            CategoryWriter(aside, geobox, maps.categories(), DOMINANT, maps.dominant_text(), tags) as names,
        ):

            def write(tile: Tile, values: Contributions, valid: Valid) -> None:
                writer.write(tile, maps.values(values[:, 0], valid), valid)
                names.write(tile, maps.dominant(values[:, 0]), valid)

            mapping = time.monotonic()
            valid_pixels = whole.over(write, "mapping", monitor, verifier)
            mapped = time.monotonic() - mapping
            demand_values(valid_pixels)
            network = whole.ready.reference
            difference = verifier.largest_difference(network, whole.ready.precision, monitor)
            others = other_maps(aside.folder, [f"{DOMINANT}.tif", *writer.names])
            made = [*writer.made(monitor), *names.finish()]
            files = published(aside, made, json.dumps(run, indent=2), plan.inputs)
        height, width = plan.grid.shape
        return EffectsResult(
            files=tuple(str(path) for path in files),
            width=width,
            height=height,
            valid_pixels=valid_pixels,
            px_per_s=width * height / mapped,
            seconds=time.monotonic() - started,
            device=label_of(whole.ready.device),
            precision=whole.ready.precision,
            method=whole.ready.layout.method,
            verified_max_abs_diff=difference,
            warnings=(*run["warnings"], *others),
            species=maps.species,
            bias=maps.bias,
            limit=maps.limit,
        )


class EffectMaps:
    """The maps of one species: what each holds, and its values from those of the contributions."""

    def __init__(self, plan: Plan, whole: ContributionPass) -> None:
        self._plan = plan
        self._keys = whole.keys
        self._on = [key[1] in plan.scales.get(key[0], ()) for key in whole.keys]
        self._shown = [key for key, on in zip(whole.keys, self._on, strict=True) if on]
        self._replaced = {key: float(value[0]) for key, value in whole.replaced.items()}
        self._bias = whole.bias
        self._sample: list[Contributions] = []
        self.species = plan.card.species[plan.species[0]].name

    @property
    def bias(self) -> float:
        """The logit where all branches that are on contribute nothing."""
        off = [self._replaced[key] for key in self._keys if key not in self._shown]
        return float(self._bias[0]) + sum(off)

    @property
    def limit(self) -> float:
        """The percentile of absolute contributions that is a common range for all branches."""
        return float(np.percentile(np.abs(np.concatenate(self._sample)), LIMIT_PERCENTILE))

    def values(self, contributions: Contributions, valid: Valid) -> Contributions:
        """Return the values of all layers, (layers, rows, columns), from those of all branches."""
        logit = logits_of(contributions[:, None], self._bias)[0]
        shown = contributions[self._on]
        here = shown[:, valid]
        self._sample.append(here[:, :: max(1, here.shape[1] // SAMPLED)].ravel())
        lost = ablations(self._shown, shown, self._replaced, logit)
        return np.concatenate([shown, lost, margin(self._shown, shown)[None]])

    def dominant(self, contributions: Contributions) -> np.ndarray:
        """Return the place in ``categories`` of the dominant branch (rows, columns)."""
        return dominant(self._shown, contributions[self._on])

    def layers(self) -> list[Layer]:
        """Return what each float layer is, in the order of ``values``."""
        card, learnt = self._plan.card, self._plan.card.training.scale_dropout
        bias = {BIAS: repr(self.bias)}
        beyond = " beyond what it adds on average over the training area" if card.training.centred else ""
        contributions = [
            Layer(
                slug=f"contribution_{key[0]}_{key[1]}",
                description=f"{self.species}: contribution of {branch_text(card, key)}",
                tags={
                    **bias,
                    QUANTITY: "contribution",
                    MEANING: f"What this branch adds to the logit{beyond}; BIAS plus the contributions of "
                    "all branches is the logit.",
                },
            )
            for key in self._shown
        ]
        mean = "its mean" if card.training.centred else "zeros"
        stand_in = "its learned replacement" if learnt else f"{mean}, since the model learnt no replacement"
        lost = [
            Layer(
                slug=f"ablation_{key[0]}_{key[1]}",
                description=f"{self.species}: without {self._without(key)}",
                tags={
                    QUANTITY: "ablation",
                    MEANING: f"Probability without {self._without(key)} minus with it; what is off is "
                    f"replaced by {stand_in}. Scales go from the largest inward, as nested scale dropout "
                    "trains them.",
                    SCALE_DROPOUT: str(learnt).lower(),
                },
            )
            for key in self._shown
        ]
        lead = Layer(
            slug=MARGIN,
            description=f"{self.species}: margin of the dominant branch",
            tags={
                QUANTITY: "margin",
                MEANING: "How far, in logits, another branch is from dominating: the smaller of the lead of "
                "the dominant modality's summed contribution over the next modality's, and of its largest "
                "branch over its next, in absolute values.",
            },
        )
        return [*contributions, *lost, lead]

    def categories(self) -> list[Category]:
        """Return the branches that can dominate, with the colours that they have everywhere."""
        colours = branch_colours(self._keys)
        return [Category(branch_text(self._plan.card, key), colours[key]) for key in self._shown]

    def dominant_text(self) -> str:
        """Return what the map of dominant branches is."""
        return f"{self.species}: dominant branch"

    def record(self) -> dict[str, object]:
        """Return what a run's record says beside."""
        return {
            "effects_of": self.species,
            "bias": self.bias,
            "scale_dropout": self._plan.card.training.scale_dropout,
        }

    def _without(self, key: BranchKey) -> str:
        """Return in words what is off in the ablation of a branch."""
        off = [str(scale) for modality, scale in self._shown if modality == key[0] and scale >= key[1]]
        return f"{key[0]} {', '.join(off)} px"


def without_replacement(card: Card) -> list[str]:
    """Return a sentence where what is off is replaced by its mean or by zeros, or nothing."""
    if card.training.scale_dropout:
        return []
    mean = "each branch's mean" if card.training.centred else "zeros"
    return [
        "The model was trained without scale dropout and has no replacement for what is off: the ablation maps "
        f"use {mean}, and the network was not trained for that.",
        *uncentred(card),
    ]


def branch_text(card: Card, key: BranchKey) -> str:
    """Return a branch's name with the nominal width of its window."""
    modality = card.modality(key[0])
    unit = "m" if modality.pixel_unit == "metre" else "°"
    return f"{key[0]} {key[1]} px ({modality.width(key[1]):g} {unit})"
