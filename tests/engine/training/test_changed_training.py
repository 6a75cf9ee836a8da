"""A table or raster that changes while it is trained on: a sentence names it, and nothing wrong is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from scalescape.engine.protocol import Progress
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from tiny_landscape import write_sites_on_a_lattice, write_tiny_landscape
from tiny_run import Run, same, train


def touched(file: Path) -> None:
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000_000))


def changing(file: Path, when: Callable[[Progress], bool]) -> Monitor:
    """A monitor that changes a file once."""
    changed: list[bool] = []

    def change(report: Progress) -> None:
        if not changed and when(report):
            changed.append(True)
            touched(file)

    return Monitor(change)


def reading(report: Progress) -> bool:
    return report.phase == "reading patches of satellite" and report.done > 0


@pytest.mark.parametrize("name", ["satellite.tif", "bioclim.tif", "po.csv", "pa.csv"])
def test_what_changes_while_it_is_read_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cache, out = tmp_path / "cache", tmp_path / "tiny.safetensors"
    monkeypatch.setenv("SCALESCAPE_CACHE", str(cache))
    config = write_tiny_landscape(tmp_path / "data")
    file = config.parent / name
    with pytest.raises(InputError, match=rf"{name} was changed while it was in use"):
        train(config, out, changing(file, reading))
    assert not out.exists() and not out.with_suffix(".partial").exists()
    kept = len(list((cache / "patches").glob("*")))
    assert kept == (1 if name == "satellite.tif" else 2), "patches of a file that changed are not kept"
    train(config, out)
    same(run, out)


def test_a_raster_that_changes_amid_the_epochs_keeps_no_state_of_them(tmp_path: Path) -> None:
    """Tiles are read while a network learns; a state of before goes on to the same end."""
    config = write_sites_on_a_lattice(tmp_path / "data")
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    train(config, whole)
    raster = config.parent / "satellite.tif"
    with pytest.raises(InputError, match=r"satellite\.tif was changed while it was in use"):
        train(config, cut, changing(raster, lambda report: report.phase == "training" and report.done == 1))
    assert (tmp_path / "cut.partial" / "network_0.ckpt").is_file() and not cut.exists()
    reports: list[Progress] = []
    train(config, cut, Monitor(reports.append), resume=True)
    assert min(one.done for one in reports if one.phase == "training") == 1
    assert whole.with_suffix(".oof.csv").read_bytes() == cut.with_suffix(".oof.csv").read_bytes()


def test_patches_that_were_read_may_change_later(run: Run, tmp_path: Path) -> None:
    """What was read as a whole is not read again: hours of training are not lost for it."""
    config = write_tiny_landscape(tmp_path / "data")
    out = tmp_path / "tiny.safetensors"
    for name in ("satellite.tif", "po.csv"):
        train(config, out, changing(config.parent / name, lambda report: report.phase == "training"))
        same(run, out)
