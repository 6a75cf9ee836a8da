"""What the fake engine answers on finished maps; the first warning of each is its params, as JSON."""

from __future__ import annotations

import json
from pathlib import Path


def areas(params: dict) -> dict:
    """Give a species in all and in one park; the second has no threshold by a rule of the card."""

    def row(species: str, zone: str, tss: float | None, given: float | None) -> dict:
        return {
            "species": species, "map": f"{species.lower()}.tif", "zone": zone, "with_value_km2": 80.0,
            "without_value_km2": 20.0, "novel_km2": 8.0, "expected_km2": None,
            "threshold_largest_tss": None if tss is None else 0.41, "above_largest_tss_km2": tss,
            "above_largest_tss_novel_km2": 1.5, "threshold_given": 0.5, "above_given_km2": given,
            "above_given_novel_km2": 0.5,
        }  # fmt: skip

    rows = [row("Picea", "all", 1234.5, 4.0), row("Picea", "north", 2.0, 1.0), row("Fagus", "all", None, 0.03)]
    if params["threshold"] == 0.75:  # as many species as a report does not tell
        rows = [row(f"Species {number}", "all", 1.0, 1.0) for number in range(23)]
    return {"files": [], "rows": rows, "warnings": [json.dumps(params)]}


def compare(params: dict) -> dict:
    """Compare two maps; a part of one has no value."""
    km2 = {"stable present": 30.0, "loss": 3.25, "gain": 0.0125, "stable absent": 1040.0}
    return {
        "files": [], "species": "Picea", "rule": "largest TSS", "threshold_before": 0.41,
        "threshold_after": 0.52, "km2": km2, "only_one_km2": 7.0, "mean_difference": -0.125,
        "warnings": [json.dumps(params)],
    }  # fmt: skip


def assess(params: dict) -> dict:
    """Test a map that claims no probability of presence."""
    none = {"value": None, "low": None, "high": None}
    figures = {
        "auc": {"value": 0.871, "low": 0.84, "high": 0.9021}, "average_precision": {**none, "value": 0.5},
        "tss": {"value": 0.61, "low": 0.5, "high": 0.7}, "boyce": {"value": 0.9, "low": 0.7, "high": 1.0},
        "brier": none,
    }  # fmt: skip
    outcomes = {"hit": 30, "miss": 4, "false alarm": 11, "correct rejection": 55}
    return {
        "files": [], "species": "Picea", "n_presence": 34, "n_absence": 66, "n_blocks": 23, "figures": figures,
        "threshold": 0.41, "rule": "largest TSS of the model's card", "outcomes": outcomes,
        "calibration_error": None, "warnings": [json.dumps(params)],
    }  # fmt: skip


def products(params: dict) -> dict:
    """Pretend to make maps: the files are there already."""
    files = sorted(str(path) for path in Path(params["folder"]).glob("*_binary.tif"))
    return {"files": files, "width": 8, "height": 9, "warnings": [json.dumps(params)]}


def odmap(params: dict) -> dict:
    """Pretend to write a record; it has no warnings, so its params are the name of a file."""
    files = [json.dumps(params), params["folder"] + "/odmap.html"]
    return {"files": files, "answered": 41, "left": 12, "warnings": []}


def scenarios(params: dict) -> dict:
    """Pretend to map: the files of each scenario are there already; satellite was held."""

    def maps(one: dict) -> dict:
        folder = Path(params["out"]) / one["name"]
        files = sorted(str(path) for path in folder.glob("*.tif"))
        return {"name": one["name"], "date": one["date"], "folder": str(folder), "held": ["satellite"],
                "files": files, "warnings": ["Mind this."]}  # fmt: skip

    return {"scenarios": [maps(one) for one in params["scenarios"]], "warnings": [json.dumps(params)]}


ANSWERS = {
    "areas": areas,
    "assess": assess,
    "compare": compare,
    "odmap": odmap,
    "products": products,
    "scenarios": scenarios,
}
