"""Which band of the files is which band of a modality: by name, else in the order given, and said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...models.band_names import NameMatch, matched, same_name, says_nothing, says_other
from ...models.card import Card, Modality
from ..protocol import Caution, RasterInput
from ..running.errors import InputError
from .band_stack import BandSource, offered_bands
from .raster import Raster

SHOWN = 8  # bands in a sentence
BY_HAND = "choose bands (FILE#1,2)"


@dataclass(frozen=True)
class BandChoice:
    """The bands in the card's order, and what is to be said of how they were found."""

    sources: tuple[BandSource, ...]
    cautions: tuple[Caution, ...]


def band_choice(card: Card, name: str, inputs: Sequence[RasterInput], rasters: dict[str, Raster]) -> BandChoice:
    """Match the bands of a modality's files to the card's.

    Bands that a person chose by number are taken as they are; else by name where every one is found by its name
    or, where no name says anything, in the order given.

    Raises
    ------
    InputError
        Some bands are found by name and others are not, a name fits several bands, the files are another
        modality's, or hold another number of bands.
    """
    modality = card.modality(name)
    offered = offered_bands([(rasters[item.file], item.bands) for item in inputs], name)
    match = _match(modality, offered)
    if any(item.bands for item in inputs):
        _demand_another_is_not_meant(card, modality, offered)
        _demand_number(modality, offered)
        whole = offered_bands([(raster, ()) for raster in rasters.values()], name)
        return BandChoice(tuple(offered), tuple(_contradictions(modality, offered, whole)))
    if match.complete:
        sources = tuple(offered[place] for place in match.places if place is not None)
        for band, one in zip(modality.bands, sources, strict=True):
            if says_other(band.name, one.names):
                raise InputError(
                    f"The file of {one.label} is called one way and its band another, so it may or may not be "
                    f"{band.name} ({modality.name}); rename one of them, or {BY_HAND}."
                )
        return BandChoice(sources, tuple(_by_name(modality, sources, offered)))
    if 0 < len(match.missing) < len(modality.bands) or match.doubtful is not None:
        raise InputError(_unclear(modality, offered, match))
    _demand_another_is_not_meant(card, modality, offered)
    _demand_number(modality, offered)
    return BandChoice(tuple(offered), (_in_order(modality, offered),))


def _match(modality: Modality, offered: Sequence[BandSource]) -> NameMatch:
    return modality.match([one.names for one in offered], {one.file_name for one in offered})


def _demand_another_is_not_meant(card: Card, modality: Modality, offered: Sequence[BandSource]) -> None:
    for other in card.modalities:
        if other is modality or len(offered) != len(other.bands):
            continue
        if _match(other, offered).complete:
            raise InputError(
                f"{offered[0].raster.file} was given as {modality.name} but holds the bands of {other.name} "
                f"({', '.join(band.name for band in other.bands)}); swap the files."
            )


def _demand_number(modality: Modality, offered: Sequence[BandSource]) -> None:
    if len(offered) != len(modality.bands):
        needs = ", ".join(band.name for band in modality.bands)
        files = ", ".join(dict.fromkeys(one.raster.file for one in offered))
        raise InputError(
            f"The modality {modality.name} needs {len(modality.bands)} bands ({needs}), and {files} gives "
            f"{len(offered)}; add the missing files or {BY_HAND}."
        )


def _unclear(modality: Modality, offered: Sequence[BandSource], match: NameMatch) -> str:
    """Return the sentence that refuses names of which some fit and others don't, or one fits twice."""
    if match.doubtful is not None:
        band = modality.bands[match.doubtful].name
        rivals = _labels_apart([offered[place] for place in match.rivals[match.doubtful]])
        if len(rivals) > 1:
            several = f"{', '.join(rivals[:-1][:SHOWN])} and {rivals[-1]}"
            return f"The name {band} ({modality.name}) fits {several} equally well; {BY_HAND}."
        others = [
            modality.bands[i].name
            for i, some in enumerate(match.rivals)
            if i != match.doubtful and some == match.rivals[match.doubtful]
        ]
        also = f", and so does {others[0]}" if others else ", which bears another name, too"
        return f"The name {band} ({modality.name}) fits {rivals[0]}{also}; {BY_HAND}."
    found = {i: place for i, place in enumerate(match.places) if place is not None}
    first = min(found)
    missing = [modality.bands[i].name for i in match.missing]
    taken = set(found.values())
    rest = [one.label for place, one in enumerate(offered) if place not in taken]
    left = f"; what is left is {listed_labels(rest)}" if rest else ""
    return (
        f"By their names some bands of {modality.name} are there ({modality.bands[first].name} is "
        f"{offered[found[first]].label}) and others are not ({listed_labels(missing)}){left}; rename them, add "
        f"the missing files, or {BY_HAND}."
    )


def _labels_apart(sources: Sequence[BandSource]) -> list[str]:
    """Return what bands are called, with the whole paths of files where their names are one."""
    labels = [one.label for one in sources]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{one.label} ({one.raster.file})" for one in sources]


def listed_labels(labels: Sequence[str]) -> str:
    """Return the first of some labels in a row."""
    shown = ", ".join(labels[:SHOWN])
    return shown if len(labels) <= SHOWN else f"{shown} and {len(labels) - SHOWN} more"


def _pairs(modality: Modality, sources: Sequence[BandSource], joint: str) -> str:
    """Return which band was taken for which, in words."""
    return listed_labels(
        [f"{one.label} {joint} {band.name}" for band, one in zip(modality.bands, sources, strict=True)]
    )


def _by_name(
    modality: Modality, sources: Sequence[BandSource], offered: Sequence[BandSource]
) -> Iterator[Caution]:
    """Say who is who, unless names and order are the card's own, and which files give nothing."""
    used = {one.raster.file for one in sources}
    for file in dict.fromkeys(one.raster.file for one in offered if one.raster.file not in used):
        said = f"{file} gives no band to {modality.name}: other files have all of them, by their names."
        yield Caution("order", said, modality=modality.name)
    plain = all(
        any(same_name(name, band.name) for name in one.names)
        for band, one in zip(modality.bands, sources, strict=True)
    )
    if plain and tuple(offered[: len(sources)]) == tuple(sources):
        return
    said = _pairs(modality, sources, "is")
    yield Caution(
        "order", f"The bands of {modality.name} were matched by name: {said}.", modality=modality.name
    )


def _in_order(modality: Modality, sources: Sequence[BandSource]) -> Caution:
    """Say which band was taken for which; where names say something else it wants to be acknowledged."""
    names = [name for one in sources for name in one.names]
    silent = says_nothing([one.name for one in sources]) or says_nothing([one.described for one in sources])
    why = "have no names that say which is which" if silent or not names else "bear none of the model's names"
    said = _pairs(modality, sources, "for")
    return Caution(
        "order",
        f"The bands of {modality.name} {why}, so they were taken in the order given: {said}.",
        blocking=not silent and len(sources) > 1,
        modality=modality.name,
    )


def _contradictions(
    modality: Modality, chosen: Sequence[BandSource], whole: Sequence[BandSource]
) -> Iterator[Caution]:
    """Say where bands that a person chose bear other names, or another band bears the name that was meant."""
    match = _match(modality, whole)
    for i, (band, one) in enumerate(zip(modality.bands, chosen, strict=True)):
        place = match.places[i]
        better = whole[place] if place is not None and whole[place] != one else None
        if matched([band.name], [one.names]).complete:
            continue
        if better is not None:
            why = f"{better.label} bears that name"
        elif says_other(band.name, one.names):
            why = "its name says something else"
        else:
            continue
        yield Caution(
            "order",
            f"You chose {one.label} for {band.name} ({modality.name}), though {why}.",
            blocking=True,
            modality=modality.name,
            band=band.name,
        )
