"""All files of one map run: the products that were asked for, and where it is novel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from ..models.architecture import BranchKey
from .aside import Aside
from .errors import InputError
from .evaluation import Probability
from .lattice import Tile
from .map_tags import probability_tags
from .naming import slugs
from .plan import Plan
from .products.novelty import NOVELTY, NoveltyMaps, unknown_ranges
from .products.product_maps import MADE, ProductMaps
from .products.species_product import MappedSpecies
from .progress import Monitor
from .protocol import ENCODINGS, LAYOUTS, PRODUCTS, MapJob
from .raster import Valid


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
        self._cut = self._pixels = 0
        wanted = [one for one in MADE if one in job.products]
        try:
            self._products = self._stack.enter_context(
                ProductMaps(
                    aside, grid, tags, mapped_species(plan), wanted, job.threshold, job.encoding, job.layout
                )
            )
            if NOVELTY in job.products or job.cut_novel:
                if job.cut_novel and unknown_ranges(plan) and not keys:
                    raise InputError(f"{unknown_ranges(plan)[0]} Map without cutting what is novel.")
                self._novelty = self._stack.enter_context(NoveltyMaps(aside, grid, tags, plan, keys))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> MapFiles:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, tile: Tile, values: Probability, valid: Valid) -> None:
        """Write a tile of all maps, of the values (species, rows, columns) where ``valid``."""
        kept = valid
        if self._novelty is not None:
            novel = self._novelty.write(tile, values[self._species :], valid)
            if self._job.cut_novel:
                kept = valid & ~novel
                self._cut += int(novel.sum())
        self._pixels += int(valid.sum())
        self._products.write(tile, values[: self._species], kept)

    def made(self, monitor: Monitor) -> list[str]:
        """Make the files, still aside; return their names."""
        names = self._products.made(monitor)
        return names + (self._novelty.made(monitor) if self._novelty is not None else [])

    def notes(self) -> list[str]:
        """Return what is to be known about the maps."""
        found = list(self._products.notes)
        if self._novelty is not None:
            found += [*self._novelty.notes, *self._novelty.shares()]
        if self._cut:
            found.append(f"{self._cut / self._pixels:.1%} of the pixels were left out because they are novel.")
        return found


def mapped_species(plan: Plan) -> list[MappedSpecies]:
    """Return the species of a plan, with what their maps say of themselves."""
    names = slugs([one.name for one in plan.card.species])
    all_scales = all(plan.scales.get(one.name) == one.scales for one in plan.card.modalities)
    return [
        MappedSpecies(names[place], probability_tags(plan.card, plan.card.species[place], all_scales))
        for place in plan.species
    ]


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
