"""What the network sees at one point and through which branch, answered quickly again and again.

Opening rasters and reading a model takes longer than the answer, so both are kept between questions, until the
question or a file changes.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from odc.geo.crs import CRS

from ...models.architecture import BranchKey
from ...models.attribution import centred_bias, replaced_contributions
from ...models.card import Card
from ...models.fusion import fused
from ...models.model_file import read_model
from ...models.network import FusionNetwork
from ..mapping.plan import Plan, chosen_scales, chosen_species, planned, scale_notes, uncentred
from ..mapping.point import Place, around, places_at, window_at, window_values
from ..mapping.species_notes import reasons, species_notes
from ..protocol import InspectJob, MapJob
from ..protocol.scale_results import BandValue, Contribution, InspectResult, Patch, Ranked
from ..rasters.ground import crs_name, crs_named
from ..words.branch_colours import branch_colours, hexadecimal
from .patch_pictures import patches_of

KEPT = 4  # sets of open rasters
SMALL = 1_000_000  # weights; below it one thread answers sooner than several that wait for each other
TOP = 10  # species

Vector = npt.NDArray[np.float64]


class Inspector:
    """Answers questions about points; ``close`` it at the end. To be used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Session] = OrderedDict()

    def close(self) -> None:
        """Close all rasters."""
        while self._kept:
            self._kept.popitem()[1].files.close()

    def answer(self, job: InspectJob, between: Callable[[], None] = lambda: None) -> InspectResult:
        """Return what the network gives at a point.

        Raises
        ------
        InputError, ModelError
            The question can't be answered: among others, the point lies off the rasters or on NoData.
        """
        session = self._session(job, between)
        try:
            return self._answer(job, session, between)
        finally:
            session.plan.inputs.demand_unchanged()

    def _answer(self, job: InspectJob, session: _Session, between: Callable[[], None]) -> InspectResult:
        card, plan = session.card, session.plan
        scales = chosen_scales(card, job.scales)
        wanted = chosen_species(card, (job.species,))[0] if job.species is not None else None
        crs = _crs_of_point(job, plan)
        places = places_at(plan, job.at, crs, scales, job.edge)
        with _threads(1 if session.small else torch.get_num_threads()):
            features = session.features(places, scales, between)
        parts = session.contributions(features)
        logits = session.bias + np.sum(list(parts.values()), axis=0)
        species = int(np.argmax(logits)) if wanted is None else wanted
        order = np.argsort(-logits, kind="stable")[:TOP]
        colours = branch_colours(list(parts))
        windows = {key: window_at(plan, places, key, crs, job.at[0]) for key in parts}
        patches, values = _seen(session, places, scales) if job.patches else ([], [])
        return InspectResult(
            species=card.species[species].name,
            logit=float(logits[species]),
            probability=_sigmoid(float(logits[species])),
            quantity=card.quantity(card.species[species]),
            bias=float(session.bias[species]),
            contributions=tuple(
                Contribution(
                    modality=key[0],
                    scale=key[1],
                    on=key in features,
                    width_m=windows[key][0],
                    window=windows[key][1],
                    value=float(part[species]),
                    colour=hexadecimal(colours[key]),
                )
                for key, part in parts.items()
            ),
            top=tuple(
                Ranked(card.species[i].name, _sigmoid(float(logits[i])), reasons(card, card.species[i]))
                for i in order
            ),
            crs=crs_name(crs),
            warnings=(
                *(one.message for predictor in plan.predictors.values() for one in predictor.cautions),
                *scale_notes(card, scales),
                *uncentred(card),
                *species_notes(card, (species,)),
            ),
            patches=tuple(patches),
            values=tuple(values),
        )

    def _session(self, job: InspectJob, between: Callable[[], None]) -> _Session:
        """Return the rasters of the modalities that are on, and the model: kept, or opened now."""
        question = MapJob(
            model=job.model,
            inputs=job.inputs,
            out="",
            extent=job.extent,
            extent_crs=job.extent_crs,
            # A modality that is off needs no rasters; of the others smaller windows need nothing more.
            scales={name: () for name, scales in job.scales.items() if not scales},
            nodata=job.nodata,
            file_crs=job.file_crs,
            clamp=job.clamp,
            edge="fill",  # whether a window may leave the raster is up to the point
        )
        key = json.dumps(asdict(question))
        if key in self._kept and self._kept[key].plan.inputs.changed is not None:
            self._kept.pop(key).files.close()
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.popitem(last=False)[1].files.close()
            self._kept[key] = _opened(question, between)
        self._kept.move_to_end(key)
        return self._kept[key]


@dataclass(frozen=True)
class _Session:
    """Open rasters and a model, whose head is in float64.

    By branch, ``weights`` are (species, out_size), ``means`` (out_size,) and ``replaced`` (species,): what a
    branch that is off adds. ``bias`` (species,) is the centred one.
    """

    plan: Plan
    files: ExitStack
    card: Card
    network: FusionNetwork
    weights: dict[BranchKey, Vector]
    means: dict[BranchKey, Vector]
    replaced: dict[BranchKey, Vector]
    bias: Vector

    @property
    def small(self) -> bool:
        """Whether the network is so small that its answer is not worth several threads."""
        return sum(weight.numel() for weight in self.network.parameters()) < SMALL

    @torch.inference_mode()
    def features(
        self, places: dict[str, Place], scales: dict[str, tuple[int, ...]], between: Callable[[], None]
    ) -> dict[BranchKey, Vector]:
        """Return the features (out_size,) of the branches that are on, minus their means, in float64."""
        found = {}
        for name in places:
            between()
            side = self.card.modality(name).reach(scales[name])
            values = window_values(self.plan, name, places[name], side)
            patch = torch.from_numpy(values)[None].contiguous(memory_format=torch.channels_last)
            for key, vector in self.network.features({name: patch}, {name: scales[name]}).items():
                found[key] = vector[0].double().numpy() - self.means[key]
        return found

    def contributions(self, features: dict[BranchKey, Vector]) -> dict[BranchKey, Vector]:
        """Return what each branch adds for all species: (species,)."""
        return {
            key: weight @ features[key] if key in features else self.replaced[key]
            for key, weight in self.weights.items()
        }


def _opened(question: MapJob, between: Callable[[], None]) -> _Session:
    with ExitStack() as stack:
        plan = stack.enter_context(planned(question, between))
        model = read_model(question.model)
        network = fused(model.network)
        exact = model.network.double()
        means = {key: mean.double() for key, mean in model.branch_means.items()}
        replaced = replaced_contributions(exact, means)
        return _Session(
            plan=plan,
            files=stack.pop_all(),
            card=model.card,
            network=network,
            weights={key: weight.numpy() for key, weight in exact.head_weights().items()},
            means={key: mean.numpy() for key, mean in means.items()},
            replaced={key: value.numpy() for key, value in replaced.items()},
            bias=centred_bias(exact, means).numpy(),
        )


def _crs_of_point(job: InspectJob, plan: Plan) -> CRS:
    """Return the CRS of a question's point: the finest raster's own by default, also where it is resampled."""
    own = plan.predictors[plan.finest].own_grid.crs
    if job.crs is not None or own is None:
        return crs_named(job.crs or "", "The point's CRS")
    return own


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Compute with so many threads; what runs in other threads keeps its own number."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seen(
    session: _Session, places: dict[str, Place], scales: dict[str, tuple[int, ...]]
) -> tuple[list[Patch], list[BandValue]]:
    """Return pictures of all windows of branches that are on, and the values under the point.

    A window that lies partly in a patch's padding is shown as far as the patch goes.
    """
    patches: list[Patch] = []
    centre: list[BandValue] = []
    for name, (row, column) in places.items():
        predictor = session.plan.predictors[name]
        backbone = session.network.architecture.modality(name).backbone
        side = predictor.modality.reach(scales[name])
        radius = (side - 1) // 2
        values, valid = predictor.values(*around(row, column, radius))
        for band, value in zip(predictor.modality.bands, values[:, radius, radius], strict=True):
            centre.append(BandValue(name, band.name, band.unit, float(value)))
        for scale in scales[name]:
            first, last = predictor.modality.span(scale)
            seen = slice(max(0, radius + first), min(side, radius + last + 1))
            inner = (slice(None), seen, seen)
            patches += patches_of(predictor.modality, backbone, scale, values[inner], valid[inner])
    return patches, centre


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
