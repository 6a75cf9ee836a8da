"""The report stands alone, escapes what people typed, and says what was measured against what."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import band, seeded_card
from made_up_values import scored
from scalescape.engine.judging.judgement import judge
from scalescape.engine.judging.report import report_html
from scalescape.engine.judging.scored import Scored
from scalescape.models.card import Card
from scalescape.models.presets import architecture

pytestmark = pytest.mark.slow

SCRIPT = '<script>alert("x")</script> $\\frac{1$'
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What a page holds: tags with their attributes, text, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def card_of(values: Scored) -> Card:
    shape = architecture("default", {"bioclim": 1}, species=len(values.species), scales={"bioclim": (1, 3)})
    card = seeded_card(shape, {"bioclim": [band("bio1", 10, 2, "°C")]}, {"bioclim": (1000.0, "metre")})
    species = tuple(
        replace(card.species[0], name=name, kind=kind)
        for name, kind in zip(values.species, values.kinds, strict=True)
    )
    return replace(card, species=species, summary=SCRIPT, citation="https://example.org/paper")


def page_of(values: Scored, note: str = "", card: bool = True, **options: object) -> tuple[Page, str]:
    text = report_html(judge(values, card=card_of(values) if card else None, draws=40, **options), note)
    return Page(text), text


@pytest.fixture(scope="module")
def mixed() -> tuple[Page, str]:
    values = scored(
        kinds=("po", "pa", "po", "pa"),
        background=0.3,
        names=(SCRIPT, "Quercus ilex", "C", "D"),
    )
    null = replace(values, logit=np.random.default_rng(0).normal(size=values.logit.shape))
    return page_of(values, "The map goes further than the test.", null=null)


def test_nothing_is_fetched_and_every_tag_is_closed(mixed: tuple[Page, str]) -> None:
    page, text = mixed
    assert not page.open
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "srcset", "data", "action", "poster", "background"}:
                assert value is not None and value.startswith("data:image/")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style


def test_images_hold_no_remote_reference_either(mixed: tuple[Page, str]) -> None:
    page, _ = mixed
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 4
    for source in sources:
        kind, data = source.split(";base64,")
        image = base64.b64decode(data)
        if kind == "data:image/png":
            assert image.startswith(b"\x89PNG")
        else:
            assert b"<svg" in image
            assert not re.search(rb'(?:xlink:)?(?:href|src)="(?!#|data:)', image)
            assert b"<script" not in image


def test_a_script_in_a_name_is_shown_as_text(mixed: tuple[Page, str]) -> None:
    page, text = mixed
    assert "<script>alert" not in text
    assert SCRIPT in page.text


def test_it_says_against_what_and_what_that_can_not_say(mixed: tuple[Page, str]) -> None:
    words = mixed[0].words
    for said in (
        "measured against survey absences, and over 2 species",
        "coast, not desert",
        "not a probability of occurrence",
        "Mean gain in AUC over coordinates alone",
        "The map goes further than the test.",
        "Median AUC against background points",
        "bioclim: pixels of 1 km",
        "https://example.org/paper",
    ):
        assert said in words, said


def test_surveys_alone_have_occurrence_and_no_word_of_background() -> None:
    values = scored()
    card = replace(card_of(values).training, lambda2=1.0, background="")
    text = report_html(judge(values, card=replace(card_of(values), training=card), draws=40))
    words = Page(text).words
    assert "Calibration of occurrence" in words and "Favourability" in words and "Mean Brier score" in words
    assert "against background" not in words and "coast" not in words
    assert "That was not measured here" in words


@pytest.mark.parametrize("kinds", ["po", "pa"])
def test_no_species_that_can_be_judged_still_gives_a_page(kinds: str) -> None:
    values = scored(kinds=kinds, background=0.3)
    page, _ = page_of(replace(values, found=np.zeros_like(values.found)), card=False)
    assert "No species could be judged" in page.words and "None" not in page.words and "nan" not in page.words


def test_many_species_and_degrees_give_a_page() -> None:
    values = scored(species=60, rows=300)
    page, _ = page_of(replace(values, crs="EPSG:4326", x=values.x / 100, y=values.y / 100 + 40), card=False)
    assert "Species 59" in page.words
    assert sum(tag == "img" for tag, _ in page.tags) == 4  # too many for the plot by name
