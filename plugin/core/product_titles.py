"""What products and threshold rules are called in the face, and what they say and do not say."""

from __future__ import annotations

from dataclasses import dataclass

from ...engine.protocol import PRODUCTS, THRESHOLD_RULES
from ...models.card import Card
from .translation import tr


@dataclass(frozen=True)
class ProductTitle:
    """A product's name as a choice, what its tooltip says, and why it isn't available (empty where it is)."""

    name: str
    title: str
    tip: str
    refusal: str = ""


def product_titles(card: Card) -> tuple[ProductTitle, ...]:
    """Return the products in the engine's order, as they are for the species of ``card``."""
    favourable = all(card.quantity(one) == "favourability" for one in card.species)
    return tuple(
        ProductTitle(name, *_words(name, favourable), _refusal(card) if name == "occurrence" else "")
        for name in PRODUCTS
    )


def rule_titles() -> dict[str, str]:
    """Return what the threshold rules are called, by their names in a job, in the protocol's order."""
    titles = {
        "largest-tss": tr("largest TSS"),
        "equal-sensitivity-and-specificity": tr("equal sensitivity and specificity"),
        "tenth-percentile-presence": tr("tenth-percentile presence"),
        "minimum-presence": tr("minimum presence"),
    }
    return {name: titles.get(name, name) for name in THRESHOLD_RULES}


def _words(name: str, favourable: bool) -> tuple[str, str]:
    if name == "probability":
        title = tr("favourability") if favourable else tr("suitability")
        return title, tr("The map itself, from 0 to 1, one a species; the model's card says what it means.")
    if name == "occurrence":
        return tr("occurrence"), tr("The probability of presence, calibrated on surveys. It may be summed up.")
    if name == "binary":
        said = tr(
            "1 where the map reaches a threshold. Area above a threshold is neither a range nor an occupancy."
        )
        return tr("above threshold"), said
    if name == "richness":
        said = tr(
            "How many of the modelled species are to be expected; without occurrence how many are above their "
            "thresholds, which mostly says too many. It is called so."
        )
        return tr("richness"), said
    if name == "top":
        said = tr("The species most favoured relative to its own average: not the one most likely to be there.")
        return tr("top species"), said
    said = tr(
        "Negative where a predictor lies outside the training range (MESS), with the predictor; and where a "
        "scale sees a landscape unlike the training's."
    )
    return tr("novelty"), said


def _refusal(card: Card) -> str:
    if any(one.calibration is not None for one in card.species):
        return ""
    return tr("No species of this model has a calibration, which takes surveys with presences and absences.")
