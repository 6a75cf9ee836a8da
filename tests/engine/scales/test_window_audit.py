"""The card with windows: true ones are the scales, effective ones lie inside, on noise and on rasters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scalescape.engine.cli import cli


@pytest.mark.parametrize("with_rasters", [False, True])
def test_the_card_shows_true_and_effective_windows(
    small_model: Path, landscape: dict[str, Path], with_rasters: bool
) -> None:
    arguments = ["card", str(small_model), "--windows"]
    if with_rasters:
        for name, file in landscape.items():
            arguments += ["--input", f"{name}={file}"]
    ran = CliRunner().invoke(cli, [*arguments, "--json"])
    assert ran.exit_code == 0
    card = json.loads(ran.stdout)
    assert card["name"] == "Seeded"
    windows = card["windows"]
    assert ("pixels of the rasters" if with_rasters else "noise") in windows["effective_over"]
    pixel = {"satellite": 10, "bioclim": 200}
    for one in windows["branches"]:
        assert one["window_px"] == [one["scale"], one["scale"]]
        assert one["window_m"] == [one["scale"] * pixel[one["modality"]]] * 2
        assert one["offset_px"] == [0, 0]
        assert one["padding_px"] == 0
        assert one["effective_px"] % 2 == 1
        assert one["effective_px"] <= one["scale"]
        assert one["effective_m"] == one["effective_px"] * pixel[one["modality"]]
    assert len(windows["branches"]) == 4
    told = CliRunner().invoke(cli, arguments).stdout
    assert "31×31" in told
    assert told.startswith("Seeded")
