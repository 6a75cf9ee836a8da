"""Costs kept on disk: what was counted once comes back the same, and is counted again where it can't."""

from __future__ import annotations

from pathlib import Path

import pytest
from scalescape.engine.mapping import kept_costs
from scalescape.models import cost
from scalescape.models.presets import architecture

SHAPE = architecture("paper-bimodal", {"bioclim": 2, "satellite": 4}, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and nothing remembered from other tests."""
    monkeypatch.setenv("SCALESCAPE_CACHE", str(tmp_path))
    forget()
    return tmp_path


def forget() -> None:
    """Do as a new process does."""
    kept_costs.column_costs.cache_clear()
    kept_costs.patch_cost.cache_clear()


def column(step: int = 1, scales: tuple[int, ...] = (1, 5), frozen: bool = True) -> cost.ColumnCost:
    return kept_costs.column_costs(SHAPE, "bioclim", step, scales, frozen).at(100, 8)


def test_what_was_counted_comes_back_uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    first, window = column(), kept_costs.patch_cost(SHAPE, "bioclim", (1, 5))
    assert first == cost.column_costs(SHAPE, "bioclim", 1, (1, 5)).at(100, 8)
    assert window == cost.patch_cost(SHAPE, "bioclim", (1, 5))
    forget()
    monkeypatch.setattr(cost, "column_cost", lambda *a: pytest.fail("counted again"))
    monkeypatch.setattr(cost, "patch_cost", lambda *a: pytest.fail("counted again"))
    assert column() == first
    assert kept_costs.patch_cost(SHAPE, "bioclim", (1, 5)) == window


def test_every_part_of_the_question_matters() -> None:
    counted = [column(), column(step=3), column(scales=(5,)), column(frozen=False)]
    forget()
    assert [column(), column(step=3), column(scales=(5,)), column(frozen=False)] == counted
    assert counted[1].row_flops != counted[0].row_flops != counted[2].row_flops


@pytest.mark.parametrize("text", ["", "[]", "{not json"])
def test_a_broken_file_is_counted_anew(folder: Path, text: str) -> None:
    first = column()
    (folder / kept_costs.FILE).write_text(text)
    forget()
    assert column() == first


def test_costs_of_other_fields_are_counted_anew(folder: Path) -> None:
    first = column()
    file = folder / kept_costs.FILE
    file.write_text(file.read_text().replace("top_flops", "old_flops"))
    forget()
    assert column() == first


def test_another_way_of_counting_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    column()
    forget()
    counted: list[int] = []
    real = cost.column_cost
    monkeypatch.setattr(cost, "column_cost", lambda *a: counted.append(1) or real(*a))
    monkeypatch.setattr(kept_costs, "_counting", lambda: b"another version")
    column()
    assert counted
