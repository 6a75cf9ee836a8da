"""Which raster gives which band: the automatic matching by name, and the inputs of a job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

from ...engine.protocol import NoData, RasterInput, joined_nodata
from ...models.card import Modality, NameMatch, says_nothing
from .raster_facts import Raster
from .translation import tr

BY_ORDER, BY_LAYER, BY_NAME = range(3)
"""What speaks for a band, the best last: order, the name of the layer, its own name or its file's."""


@dataclass(frozen=True)
class BandSource:
    """One band of one raster; ``by_name`` is False where only the order of the bands speaks for it.

    ``by_layer`` is True where only the name of its layer does. ``crs`` and ``nodata`` are what that layer says
    otherwise than the file.
    """

    file: str
    band: int
    label: str
    by_name: bool = True
    by_layer: bool = False
    layer_id: str = ""
    crs: str = ""
    nodata: NoData = ()

    @property
    def place(self) -> str:
        """By what its raster is found again: the layer, else the file."""
        return self.layer_id or self.file

    @property
    def grade(self) -> int:
        """How well it is known which band it is: ``BY_ORDER``, ``BY_LAYER`` or ``BY_NAME``."""
        return BY_ORDER if not self.by_name else BY_LAYER if self.by_layer else BY_NAME


Sources = list[Optional[BandSource]]


def match(modality: Modality, rasters: Sequence[Raster]) -> Sources:
    """Return for each band of ``modality`` the raster band that bears its name, or None.

    One raster that has all bands wins, the one called like the modality first. Else a raster called like the
    modality, whose bands have no names and are as many, is taken in the order of the file, unless the bands are
    found by name in several rasters, also by the names of layers and files.
    """
    usable = _each_once(raster for raster in rasters if not raster.refusal)
    usable.sort(key=lambda raster: not _is_called(raster, modality.name))
    choices = [match_raster(modality, raster) for raster in usable]
    called = [_is_called(raster, modality.name) for raster in usable]
    whole = [
        found for found, mine in zip(choices, called) if all(found) and (mine or rating(found)[1] > BY_ORDER)
    ]
    whole.append(_among(modality, usable)[0])
    return max(whole, key=rating)  # the first of the best


def rating(sources: Sequence[Optional[BandSource]]) -> tuple[int, int]:
    """Return how good a match is, to be compared: how many bands are found, and how well the worst is known."""
    found = [one.grade for one in sources if one is not None]
    return len(found), min(found, default=BY_ORDER)


def rivals(modality: Modality, rasters: Sequence[Raster]) -> dict[int, list[str]]:
    """Return for each band that several rasters have equally well how these are called."""
    _, pool, found = _among(modality, _each_once(raster for raster in rasters if not raster.refusal))
    return {
        i: [band_label(*pool[place]) for place in places] for i, places in enumerate(found.rivals) if places
    }


def match_raster(modality: Modality, raster: Raster) -> Sources:
    """Return for each band of ``modality`` the band of ``raster`` that bears its name, or None.

    Where the raster's bands have no names that say anything and are as many, they are taken in order.
    """
    if raster.refusal:
        return [None] * len(modality.bands)
    sources, pool, found = _among(modality, [raster])
    if any(sources) or found.doubtful is not None:
        return sources
    if says_nothing(raster.bands) and len(raster.bands) == len(modality.bands):
        return [source(*one, by_name=False) for one in pool]
    return sources


def chosen_raster(modality: Modality, raster: Raster) -> Sources:
    """Return the bands of a ``raster`` that a person chose for ``modality``.

    What a person chose is not undone: where no band bears a name of the modality, and there are as many, they
    are taken in order, and the engine says whether they are another modality's.
    """
    found = match_raster(modality, raster)
    if any(found) or raster.refusal or len(raster.bands) != len(modality.bands):
        return found
    return [source(raster, number, by_name=False) for number in range(1, len(raster.bands) + 1)]


def source(raster: Raster, number: int, by_name: bool = True, by_layer: bool = False) -> BandSource:
    """Return band ``number`` (from 1) of ``raster``, labelled for a person."""
    label = band_label(raster, number)
    return BandSource(raster.file, number, label, by_name, by_layer, raster.layer_id, raster.crs, raster.nodata)


def band_label(raster: Raster, number: int) -> str:
    """Return the name of band ``number`` (from 1) of ``raster`` for a person."""
    if len(raster.bands) == 1:
        return raster.shown
    return f"{raster.shown} · {raster.bands[number - 1] or number}"


def raster_inputs(modality: str, sources: Sequence[Optional[BandSource]]) -> tuple[RasterInput, ...]:
    """Return the inputs of a job, in the order of ``sources``; neighbours from one file become one input.

    Of a file that is taken in its own order no bands are named, so that the engine says what it takes for what.
    """
    given = [one for one in sources if one is not None]
    in_order = [
        not one.by_name and (one.file, one.band) == (given[0].file, i + 1) for i, one in enumerate(given)
    ]
    if given and all(in_order):
        return (RasterInput(modality, given[0].file),)
    inputs: list[RasterInput] = []
    for one in given:
        if inputs and inputs[-1].file == one.file:
            inputs[-1] = RasterInput(modality, one.file, (*inputs[-1].bands, one.band))
        else:
            inputs.append(RasterInput(modality, one.file, (one.band,)))
    return tuple(inputs)


def said_by_layers(sources: Iterable[Optional[BandSource]]) -> tuple[dict[str, str], dict[str, NoData], str]:
    """Return CRS and NoData by file as layers have them, and why that can't be or an empty text."""
    crs: dict[str, str] = {}
    nodata: dict[str, NoData] = {}
    for one in sources:
        if one is None:
            continue
        if (
            crs.setdefault(one.file, one.crs) != one.crs
            or nodata.setdefault(one.file, one.nodata) != one.nodata
        ):
            said = tr("Two layers of {} have different CRSs or NoData values; use one of them for all bands.")
            return {}, {}, said.format(one.file)
    return (
        {file: text for file, text in crs.items() if text},
        {file: value for file, value in nodata.items() if value != ()},
        "",
    )


def with_layers_nodata(typed: dict[str, NoData], layers: dict[str, NoData]) -> dict[str, NoData]:
    """Return NoData by file: what was typed and what layers say, together."""
    return {
        file: joined_nodata([said[file] for said in (typed, layers) if file in said])
        for file in (*typed, *layers)
    }


def _each_once(rasters: Iterable[Raster]) -> list[Raster]:
    """Return rasters without those that another layer shows just the same."""
    return list({raster.source: raster for raster in reversed(list(rasters))}.values())[::-1]


def _among(
    modality: Modality, rasters: Sequence[Raster]
) -> tuple[Sources, list[tuple[Raster, int]], NameMatch]:
    """Return where the bands are among several rasters, all bands there are, and how names fit in the end.

    Names of layers speak where those of bands and files do not.
    """
    pool = [(raster, number) for raster in rasters for number in range(1, len(raster.bands) + 1)]
    about = [one.stem for one in rasters]
    own = modality.match([_own_names(*one) for one in pool], about)
    sources: Sources = [None if place is None else source(*pool[place]) for place in own.places]
    if own.complete:
        return sources, pool, own
    taken = set(own.places)
    layers = [
        (*_own_names(raster, number), raster.name) if len(raster.bands) == 1 and place not in taken else ()
        for place, (raster, number) in enumerate(pool)
    ]
    more = modality.match(layers, about)
    for i, place in enumerate(more.places):
        if sources[i] is None and place is not None:
            sources[i] = source(*pool[place], by_layer=True)
    open_rivals = tuple(
        () if sources[i] is not None else own.rivals[i] or more.rivals[i] for i in range(len(sources))
    )
    return sources, pool, NameMatch(own.places, open_rivals)


def _own_names(raster: Raster, number: int) -> tuple[str, ...]:
    """Return what a band is called in its file, and of a file that holds no other band the file's name."""
    return (raster.bands[number - 1], raster.stem if len(raster.bands) == 1 else "")


def _is_called(raster: Raster, name: str) -> bool:
    return name.lower() in raster.name.lower() or name.lower() in raster.stem.lower()
