"""The chart of areas: every mark is explained, nothing overlaps, districts stand beside the whole."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from scalescape.engine.finished.area_chart import EDGE, LETTER, WIDTH, area_chart, figures
from scalescape.engine.finished.area_table import AreaRow

SVG = "{http://www.w3.org/2000/svg}"
RULES = ("largest TSS", "equal sensitivity and specificity", "tenth-percentile presence", "minimum presence")


def row(
    zone: str,
    km2: float,
    species: str = "Fagus",
    rules: tuple[str, ...] = RULES,
    name: str | None = None,
    **more: float,
) -> AreaRow:
    above = {rule: km2 * (1 + number) for number, rule in enumerate(rules)}
    novel = dict.fromkeys(rules, km2 / 10)
    fields = {"with_value": 500.0, "without_value": 1.0, "novel": 5.0, "expected": km2, **more}
    return AreaRow(
        species, name or f"{species}.tif", zone, thresholds={}, above=above, above_novel=novel, **fields
    )


def texts(rows: list[AreaRow]) -> dict[str, tuple[float, float]]:
    """The places of a chart's texts."""
    chart = ElementTree.fromstring(area_chart(rows))
    return {one.text: (float(one.get("x")), float(one.get("y"))) for one in chart.iter(f"{SVG}text")}


def test_each_rule_and_mark_is_in_the_legend_on_the_page_without_overlap() -> None:
    marks = (*RULES, "expected area", "outside the training range")
    found = texts([row("all", 100.0)])
    assert set(marks) <= set(found)
    lines: dict[float, list[tuple[float, str]]] = {}
    for mark in marks:
        x, y = found[mark]
        lines.setdefault(y, []).append((x, mark))
    assert len(lines) == 2, "six entries are longer than one line"
    for line in lines.values():
        ends = [x + 0.8 * LETTER * len(mark) for x, mark in sorted(line)]
        assert all(end < x for end, (x, _) in zip(ends, sorted(line)[1:], strict=False))
        assert ends[-1] <= WIDTH - EDGE
    assert found["Fagus"][1] > max(lines), "bars begin below"


def test_what_is_not_drawn_is_not_explained() -> None:
    found = texts([row("all", 100.0, rules=("given",), novel=None, expected=None)])
    assert "given" in found
    assert not {"expected area", "outside the training range", *RULES} & set(found)


def test_districts_have_the_bars_and_the_title_the_whole() -> None:
    found = texts([row("all", 96.687), row("north", 60.0), row("south", 36.687)])
    assert "Fagus: area above threshold (largest TSS), 96.69 km² in all" in found
    assert "north" in found and "south" in found and "all" not in found


@pytest.mark.parametrize(("districts", "some"), [(60, ""), (61, "; the 60 largest")])
def test_the_title_says_where_districts_are_left_out(districts: int, some: str) -> None:
    found = texts([row("all", 5000.0), *(row(f"district {n}", 1.0 + n) for n in range(districts))])
    assert f"Fagus: area above threshold (largest TSS), 5,000 km² in all{some}" in found
    assert sum(text.startswith("district ") for text in found) == 60
    assert ("district 0" in found) == (not some)


def test_of_several_maps_each_has_one_bar_for_all_of_it() -> None:
    rows = [row(zone, 10.0, species) for species in ("Fagus", "Picea") for zone in ("all", "north")]
    found = texts(rows)
    assert "Area above threshold (largest TSS)" in found and "Fagus" in found and "Picea" in found
    assert "north" not in found


def test_species_in_one_file_of_each_scenario_are_called_by_both() -> None:
    """As many files as species, but no species has a file of its own."""
    maps = ("today/all.tif", "2050/all.tif")
    found = texts([row("all", 10.0, species, name=name) for name in maps for species in ("Fagus", "Picea")])
    assert {f"{species}, {name}" for name in maps for species in ("Fagus", "Picea")} <= set(found)


@pytest.mark.parametrize(
    ("km2", "text"),
    [
        (0.0, "0"),
        (0.00001, "0.000"),
        (0.0314, "0.031"),
        (18.8, "18.80"),
        (374.62, "374.6"),
        (12345.6, "12,346"),
    ],
)
def test_figures_never_have_an_exponent(km2: float, text: str) -> None:
    assert figures(km2) == text
