"""A model's card as a person reads it: one line, or a page of HTML."""

from __future__ import annotations

from html import escape

from ...models.card import Band, Card
from .grid_facts import distance, pixel_m, window
from .reliability import auc_text, flag_text
from .translation import tr


def summary_line(card: Card) -> str:
    """Return ``12 species · presence-only · bioclim 1 km, satellite 10 m``."""
    kinds = {one.kind for one in card.species}
    names = {"po": tr("presence-only"), "pa": tr("presence-absence"), "pa-balanced": tr("presence-absence")}
    data = " + ".join(sorted({names[kind] for kind in kinds}))
    inputs = ", ".join(f"{one.name} {distance(pixel_m(one))}" for one in card.modalities)
    return tr("{} species · {} · {}").format(len(card.species), data, inputs)


def card_html(card: Card, file: str) -> str:
    """Return the card as HTML."""
    rows = [
        (tr("Licence"), card.licence),
        (tr("Citation"), card.citation),
        (tr("Training data"), card.training.data),
        (tr("Background"), card.training.background or tr("none")),
        (tr("Date"), card.date),
        (tr("File"), file),
    ]
    facts = "".join(f"<tr><td><b>{escape(k)}</b>&nbsp;</td><td>{escape(v)}</td></tr>" for k, v in rows if v)
    inputs = ""
    for modality in card.modalities:
        scales = ", ".join(
            f"{window(modality, s)} ({s} px{_shift(modality.shift(s))})" for s in modality.scales
        )
        head = tr("{}: pixels of {}, windows of {}").format(modality.name, distance(pixel_m(modality)), scales)
        bands = "".join(
            f"<tr><td>{escape(band.name)}&nbsp;&nbsp;</td><td>{escape(band.description)}</td>"
            f"<td align='right'>&nbsp;{escape(_values(band))}</td></tr>"
            for band in modality.bands
        )
        inputs += f"<p><b>{escape(head)}</b></p><table cellspacing='3'>{bands}</table>"
    species = "".join(
        f"<tr><td>{escape(one.name)}&nbsp;&nbsp;</td><td align='right'>{one.presences or ''}&nbsp;&nbsp;</td>"
        f"<td>{escape(auc_text(card, one))}&nbsp;&nbsp;</td><td>{escape(flag_text(card, one))}&nbsp;&nbsp;</td>"
        f"<td>{escape(one.auc_against)}</td></tr>"
        for one in card.species
    )
    meanings = "".join(f"<li>{escape(text)}</li>" for text in sorted({card.meaning(s) for s in card.species}))
    return (
        f"<h2>{escape(card.name)}</h2><p>{escape(card.summary)}</p>"
        f"<table cellspacing='3'>{facts}</table>"
        f"<h3>{tr('What the numbers mean')}</h3><ul>{meanings}</ul>"
        f"<h3>{tr('Inputs')}</h3>{inputs}"
        f"<h3>{tr('Species')}</h3><table cellspacing='3'>"
        f"<tr><th align='left'>{tr('Name')}</th><th>{tr('Presences')}&nbsp;</th>"
        f"<th align='left'>{tr('AUC (95 % interval)')}&nbsp;</th><th align='left'>{tr('Flags')}&nbsp;</th>"
        f"<th align='left'>{tr('against')}</th></tr>{species}</table>"
    )


def _shift(pixels: float) -> str:
    """Return in words how far a window lies off the pixel, nothing where it is centred."""
    if pixels == 0:
        return ""
    said = tr(", {:g} px up and to the left") if pixels < 0 else tr(", {:g} px down and to the right")
    return said.format(abs(pixels))


def _values(band: Band) -> str:
    if band.categories:
        return ", ".join(str(one) for one in band.categories)
    return f"{band.mean:.4g} ± {band.std:.3g} {_unit(band)}"


def _unit(band: Band) -> str:
    return "" if band.unit == "1" else band.unit
