"""What the dock offers to make, and what it asks the engine for."""

from __future__ import annotations

import json

import pytest
from plugin_stand_ins import card_values
from scalescape.engine.protocol import PRODUCTS
from scalescape.models.card import Card
from scalescape.plugin.core import settings
from scalescape.plugin.gui.product_choice import NUMBER, ProductChoice


@pytest.fixture
def choice(qgis_app, card):
    made = ProductChoice()
    made.set_card(card)
    return made


def surveyed() -> Card:
    """Return a card of surveys."""
    values = card_values()
    for one in values["species"]:
        one.update(kind="pa", calibration=[1.0, -0.5])
    values["training"].update(lambda2=1.0, background="")
    return Card.from_json(json.dumps(values), "test")


def test_the_map_and_its_novelty_are_usual(choice):
    assert choice.products() == ("probability", "novelty") and choice.threshold() == "largest-tss"
    assert choice.maps.currentText() == "suitability, novelty"


def test_what_records_alone_do_not_tell_is_not_offered_and_says_why(choice):
    place = PRODUCTS.index("occurrence")
    assert not choice.maps.model().item(place).isEnabled()
    assert "surveys" in choice.maps.model().item(place).toolTip()
    choice.set_products(PRODUCTS)
    assert "occurrence" not in choice.products()
    choice.maps.selectAllOptions()
    assert "occurrence" not in choice.products()
    choice.set_products(PRODUCTS)
    choice.set_card(surveyed())
    assert choice.maps.model().item(place).isEnabled() and choice.maps.itemText(0) == "favourability"
    assert choice.products() == PRODUCTS, "what was wanted is ticked again where it is allowed"


def test_a_threshold_is_asked_for_where_something_may_need_it(choice):
    assert choice.row.isHidden()
    for products, needed in ((("binary",), True), (("richness",), True), (("top", "novelty"), False)):
        choice.set_products(products)
        assert choice.row.isHidden() != needed, products


def test_a_number_can_stand_for_the_rule(choice):
    choice.set_products(("binary",))
    assert choice.number.isHidden()
    choice.rule.setCurrentIndex(choice.rule.findData(NUMBER))
    choice.number.setValue(0.35)
    assert not choice.number.isHidden() and choice.threshold() == "0.35"


@pytest.mark.parametrize("threshold", ["minimum-presence", "0.25"])
def test_a_run_is_chosen_again(choice, threshold):
    run = {"products": ["probability", "binary"], "threshold": threshold, "include_unproven": True}
    choice.restore(run)
    assert choice.settings() == run
    choice.restore({})
    usual = {"products": ["probability", "novelty"], "threshold": "largest-tss", "include_unproven": False}
    assert choice.settings() == usual


def test_the_job_has_what_is_chosen_and_the_project_remembers_it(ready, project):
    ready.output.products.set_products(("binary", "novelty"))
    ready.output.products.rule.setCurrentIndex(3)
    ready.advanced.cut_novel.setChecked(True)
    ready.advanced.clamp.setChecked(True)
    ready.advanced.encoding.setCurrentIndex(1)
    ready.advanced.layout_of_files.setCurrentIndex(1)
    job = ready.draft().job()
    assert (job.products, job.threshold, job.cut_novel, job.clamp, job.encoding, job.layout) == (
        ("binary", "novelty"), "minimum-presence", True, True, "uint8", "multiband",
    )  # fmt: skip
    ready._on_run()
    run = settings.project_run(project)
    assert (run["products"], run["threshold"], run["cut_novel"]) == (
        ["binary", "novelty"],
        "minimum-presence",
        True,
    )
    ready.output.products.restore({})
    ready.advanced.restore({})
    assert ready.draft().job().encoding == "float32" and not ready.draft().job().cut_novel
    ready.restore()
    assert ready.draft().job() == job


@pytest.mark.parametrize(
    "run", [{"products": 5, "threshold": "quantile-05"}, {"products": ["future"], "threshold": [1]}]
)
def test_what_a_project_says_and_nobody_understands_is_as_usual(ready, project, run):
    settings.set_project_run(project, {**settings.project_run(project), **run})
    ready.restore()
    assert ready.output.products.settings() == {
        "products": ["probability", "novelty"],
        "threshold": "largest-tss",
        "include_unproven": False,
    }
    ready.where.set_step(8)
    assert ready.desk.draft.step == 8, "the panels are still heard"


def test_effects_and_profile_need_no_kind_of_map(ready):
    ready.output.products.set_products(())
    assert not ready.draft().obstacle_to_check() and ready.draft().check_job().products


def test_no_map_ticked_is_said(ready):
    ready.output.products.set_products(())
    assert "Tick at least one kind of map" in ready.run_bar.hint.text()
