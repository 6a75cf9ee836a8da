"""All files of one map run: the products that were asked for, and where it is novel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np

from ...models.architecture import BranchKey
from ..files.aside import Aside
from ..mapping.evaluation import Probability
from ..mapping.plan import Plan
from ..mapping.strips import Strip
from ..maps.encoding import FLOAT
from ..maps.map_tags import probability_tags
from ..protocol import ENCODINGS, LAYOUTS, PRODUCTS, MapJob
from ..protocol.products import BINARY, OCCURRENCE, RICHNESS, TOP
from ..running.errors import InputError
from ..running.progress import Monitor
from ..words.naming import slugs
from .binary import Thresholds
from .counted_species import counted_species
from .novelty import NoveltyMaps, unknown_ranges
from .occurrence import Occurrence
from .product_maps import MADE, ProductMaps, richness_of
from .species_product import MappedSpecies


class MapFiles:
    """Writes what a plan's job asks for. Use as a context manager.

    Parameters
    ----------
    keys
        Branches whose novelty comes after the species in all values.

    Raises
    ------
    InputError
        The job's products can't be made; the message says why.
    """

    def __init__(
        self, aside: Aside, plan: Plan, tags: Mapping[str, str], keys: Sequence[BranchKey] = ()
    ) -> None:
        job, grid = plan.job, plan.grid.geobox
        demand_products(job)
        self._job = job
        self._species = len(plan.species)
        self._stack = ExitStack()
        self._novelty: NoveltyMaps | None = None
        self._cut = self._pixels = self._unknown = 0
        wanted = [one for one in MADE if one in job.products]
        try:
            self._products = self._stack.enter_context(
                ProductMaps(
                    aside,
                    grid,
                    tags,
                    mapped_species(plan),
                    wanted,
                    job.threshold,
                    job.encoding,
                    job.layout,
                    job.include_unproven,
                )
            )
            if job.wants_novelty:
                if job.cut_novel and unknown_ranges(plan) and not keys:
                    raise InputError(f"{unknown_ranges(plan)[0]} Map without cutting what is novel.")
                self._novelty = self._stack.enter_context(NoveltyMaps(aside, grid, tags, plan, keys))
            _demand_different(self._names)
        except BaseException:
            self._stack.close()
            raise

    @property
    def _names(self) -> list[str]:
        return self._products.names + (self._novelty.names if self._novelty is not None else [])

    def __enter__(self) -> MapFiles:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, strip: Strip, values: Probability) -> None:
        """Write a strip of all maps, of its values (species, then branches; rows, columns)."""
        kept = strip.valid & np.isfinite(values[: self._species].sum(axis=0))
        self._pixels += int(strip.valid.sum())
        self._unknown += int((strip.valid & ~kept).sum())
        if self._novelty is not None:
            novel = self._novelty.write(strip, values[self._species :])
            if self._job.cut_novel:
                kept = kept & ~novel
                self._cut += int((strip.valid & novel).sum())
        self._products.write(strip.tile, values[: self._species], kept)

    def made(self, monitor: Monitor) -> list[str]:
        """Make the files, still aside; return their names."""
        names = self._products.made(monitor)
        return names + (self._novelty.made(monitor) if self._novelty is not None else [])

    def notes(self) -> list[str]:
        """Return what is to be known about the maps."""
        found = list(self._products.notes)
        if self._novelty is not None:
            found += [*self._novelty.notes, *self._novelty.shares()]
        if self._unknown:
            found.append(
                f"At {self._unknown / self._pixels:.1%} of the pixels the network gives no number, and maps "
                "are empty there; its weights may be damaged, so train it again or get the file again."
            )
        if self._cut:
            found.append(f"{self._cut / self._pixels:.1%} of the pixels were left out because they are novel.")
        return found


def _demand_different(names: Sequence[str]) -> None:
    """Raise InputError where two files would have one name."""
    for name, times in Counter(names).items():
        if times > 1:
            raise InputError(f"{times} maps would be called {name}; map fewer species or products.")


def mapped_species(plan: Plan) -> list[MappedSpecies]:
    """Return the species of a plan, with what their maps say of themselves."""
    names = slugs([one.name for one in plan.card.species])
    all_scales = all(plan.scales.get(one.name) == one.scales for one in plan.card.modalities)
    return [
        MappedSpecies(names[place], probability_tags(plan.card, plan.card.species[place], all_scales))
        for place in plan.species
    ]


def demand_makeable(plan: Plan) -> None:
    """Raise InputError where a product can't be made of a plan's species, before anything is computed."""
    job, species = plan.job, mapped_species(plan)
    demand_products(job)
    if OCCURRENCE in job.products:
        Occurrence(species, FLOAT)
    if BINARY in job.products:
        Thresholds(species, job.threshold)
    if RICHNESS in job.products or TOP in job.products:
        counted = counted_species(species, job.include_unproven)
        if RICHNESS in job.products:
            richness_of(species, job.threshold, counted)


def demand_products(job: MapJob) -> None:
    """Raise InputError where a job names a product, an encoding or a layout that there is not."""
    if not job.products:
        raise InputError(f"No product is asked for; choose from {', '.join(PRODUCTS)}.")
    for what, value, choices in (
        *(("product", one, PRODUCTS) for one in job.products),
        ("encoding", job.encoding, ENCODINGS),
        ("layout", job.layout, LAYOUTS),
    ):
        if value not in choices:
            raise InputError(f"The {what} {value!r} is unknown; choose from {', '.join(choices)}.")
