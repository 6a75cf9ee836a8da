"""What the face says of a species' tests: the interval and a flag, and nothing that flatters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scalescape.models.card import Species
from scalescape.plugin.core.card_text import card_html
from scalescape.plugin.core.reliability import auc_text, explanation, typical, unproven_sentence
from scalescape.plugin.gui.product_choice import ProductChoice

NOISE = Species("Noise", 200, "po", auc=0.51, auc_low=0.47, auc_high=0.55, flag="no better than chance")
BEATEN = Species("Beaten", 300, "po", auc=0.92, auc_low=0.88, auc_high=0.95, auc_coordinates=0.98,
                 flag="no better than coordinates")  # fmt: skip
FINE = Species("Fine", 300, "po", auc=0.899, auc_low=0.86, auc_high=0.93)


@pytest.fixture
def judged(card):
    return replace(card, species=(NOISE, BEATEN, FINE))


def test_a_figure_stands_with_its_interval_and_flag(judged):
    assert [auc_text(judged, one) for one in judged.species] == [
        "⚠ 0.51 (0.47–0.55)", "⚠ 0.92 (0.88–0.95)", "0.90 (0.86–0.93)",
    ]  # fmt: skip
    assert "chance explains" in explanation(judged, NOISE) and "Coordinates alone do as well" in explanation(
        judged, BEATEN
    )
    assert "coordinates alone: AUC 0.98" in explanation(judged, BEATEN) and "⚠" not in explanation(judged, FINE)


def test_only_unproven_species_say_so(judged):
    assert "Unproven (no better than chance)" in unproven_sentence(judged, NOISE)
    assert unproven_sentence(judged, BEATEN) == unproven_sentence(judged, FINE) == ""


def test_the_first_to_look_at_is_a_proven_one(judged):
    card = replace(judged, species=(replace(NOISE, auc=0.99), FINE))
    assert typical(card, ["Noise", "Fine"]) == "Fine"


def test_the_card_page_shows_flags(judged):
    page = card_html(judged, "model.safetensors")
    assert (
        "0.92 (0.88–0.95)" in page and "no better than coordinates" in page and "no better than chance" in page
    )


def test_counting_them_is_offered_where_it_matters(qgis_app, judged, card):
    choice = ProductChoice()
    choice.set_card(judged)
    choice.set_products(("probability",))
    choice._show_needed()
    assert not choice.unproven.isVisibleTo(choice)
    choice.set_products(("probability", "richness"))
    choice._show_needed()
    assert choice.unproven.isVisibleTo(choice)
    choice.unproven.setChecked(True)
    kept = choice.settings()
    assert kept["include_unproven"] is True
    choice.set_card(replace(judged, species=(FINE,)))
    choice._show_needed()
    assert not choice.unproven.isVisibleTo(choice)
    choice.restore({})
    assert not choice.unproven.isChecked()
    choice.restore(kept)
    assert choice.unproven.isChecked()
