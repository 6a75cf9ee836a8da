"""A model's card in words, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...models.card import Band, Card, Modality, Species
from ...models.flags import EXPLAINED
from ..words.lengths import length_text


def card_text(card: Card) -> str:
    """Return the card as plain text."""
    lines = [card.name, "=" * len(card.name), card.summary, ""]
    for modality in card.modalities:
        lines.append(_modality_line(modality))
        for band in modality.bands:
            lines.append(f"    {band.name}: {_values(band)}  {band.description}".rstrip())
    lines += ["", f"{len(card.species)} species:"]
    width = max(len(one.name) for one in card.species)
    for one in card.species:
        presences = f"{one.presences} presences" if one.presences else "presences unknown"
        lines.append(f"    {one.name:<{width}}  {presences} ({one.kind}), {_tested(card, one)}")
    flagged = dict.fromkeys(flag for one in card.species for flag in card.flags(one))
    lines += [f"    * {flag}: {EXPLAINED[flag]}" for flag in flagged if flag in EXPLAINED]
    lines += ["", *dict.fromkeys(card.meaning(one) for one in card.species)]
    lines += ["", f"Trained on: {card.training.data}"]
    if card.training.background:
        lines.append(
            f"Background: {card.training.background}; it weighs {1 - card.training.lambda2:g}, "
            f"other species' sites {card.training.lambda2:g}"
        )
    lines += [card.range_note] if card.range_note else []
    lines += _metric_lines(card.metrics)
    lines += [f"Date: {card.date}", f"Licence: {card.licence}", f"Cite: {card.citation}"]
    return "\n".join(lines)


def _tested(card: Card, one: Species) -> str:
    """Return a species' AUC, with its interval, what it was measured against, and its flags."""
    if one.auc is None:
        said = "not tested"
    else:
        interval = f" [{one.auc_low:.3f} to {one.auc_high:.3f}]" if one.auc_low and one.auc_high else ""
        beside = "" if one.auc_coordinates is None else f"; coordinates alone {one.auc_coordinates:.3f}"
        said = f"AUC {one.auc:.3f}{interval} against {one.auc_against}{beside}"
    flags = card.flags(one)
    return said + (f"  * {', '.join(flags)}" if flags else "")


def _metric_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line a figure, and under a heading those that belong together; what is unknown is left out."""
    for key, value in metrics.items():
        name = key.replace("_", " ")
        if isinstance(value, Mapping):
            yield f"{name}:"
            yield from (f"    {line}" for line in _metric_lines(value))
        elif isinstance(value, (list, tuple)):
            yield f"{name}:"
            yield from (f"    {one}" for one in value)
        elif value is not None:
            yield f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}"


def _values(band: Band) -> str:
    if band.categories:
        return f"categories {', '.join(str(one) for one in band.categories)}"
    return f"{band.mean:.4g} ± {band.std:.4g}{f' {band.unit}' if band.unit else ''}"


def _shift(modality: Modality, scale: int) -> str:
    """Return in words how far a scale's window lies off the pixel, nothing where it is centred."""
    shift = modality.shift(scale)
    if shift == 0:
        return ""
    return f", {abs(shift):g} px {'up and to the left' if shift < 0 else 'down and to the right'}"


def _modality_line(modality: Modality) -> str:
    unit = modality.pixel_unit
    scales = ", ".join(
        f"{scale} px ({length_text(modality.width(scale), unit)}{_shift(modality, scale)})"
        for scale in modality.scales
    )
    return f"{modality.name}: pixels of {length_text(modality.pixel_size, unit)}, scales {scales}"
