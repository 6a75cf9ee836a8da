"""The commands about scales: ``card``, ``inspect``, ``effects`` and ``profile``."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ...models.card import read_card
from ..protocol import EffectsJob, InspectJob, MapJob, ProfileJob
from ..protocol.scale_results import InspectResult, ProfileResult, Ranked
from ..running.errors import InputError
from ..running.progress import Monitor
from ..words.lengths import distance_text
from ..words.values import extent_of, file_crs_of, input_of, nodata_of, scales_of
from .answers import say, say_notes
from .card_text import card_text
from .command_options import (
    COMPUTING,
    EDGE,
    EXTENT,
    FILE_CRS,
    INPUTS,
    JSON,
    MAPPING,
    NODATA,
    OUT,
    PLACE,
    SCALES,
    SPECIES,
    map_job,
    with_options,
)
from .exit_status import exit_status
from .terminal import progress_sink

MODEL = click.argument("model", type=click.Path(path_type=Path))
BAR = 30  # characters of the longest bar


@click.command("card")
@MODEL
@click.option("--windows", is_flag=True, help="Also which pixels each scale really sees (takes seconds).")
@with_options([INPUTS, NODATA, FILE_CRS, JSON])
def card_command(model: Path, windows: bool, as_json: bool, **options: Any) -> None:
    """Show the card of MODEL: bands, scales, species, what it learnt from and how far to trust it.

    With --windows, --input names rasters on which effective windows are measured; on noise without them.
    """
    with exit_status():
        card = read_card(model)
        if not windows:
            click.echo(card.to_json() if as_json else card_text(card))
            return
        from ..scales.window_audit import audit_text, audit_windows

        inputs = tuple(input_of(text) for text in options["inputs"])
        nodata, file_crs = nodata_of(options["nodata"]), file_crs_of(options["file_crs"])
        audit = audit_windows(MapJob(str(model), inputs, out="", nodata=nodata, file_crs=file_crs))
        words = f"{card_text(card)}\n\n{audit_text(audit)}"
        say({**asdict(card), "windows": asdict(audit)}, as_json, words)


@click.command("inspect")
@MODEL
@with_options([INPUTS, SCALES, NODATA, FILE_CRS, EDGE, *EXTENT, JSON])
@click.option("--at", required=True, metavar="X,Y", help="The point.")
@click.option("--crs", metavar="CRS", help="CRS of --at; the finest raster's by default.")
@click.option("--species", help="The one with the highest probability by default.")
@click.option(
    "--patches",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write what the network saw at each scale as pictures.",
)
def inspect_command(model: Path, as_json: bool, patches: Path | None, **options: Any) -> None:
    """Say what MODEL gives at one point, and what each scale contributes to it."""
    with exit_status():
        from ..jobs.inspect_job import run_inspect, write_patches

        job = InspectJob(
            model=str(model),
            inputs=tuple(input_of(text) for text in options["inputs"]),
            at=_point(options["at"]),
            crs=options["crs"],
            species=options["species"],
            scales=scales_of(options["scales"]),
            nodata=nodata_of(options["nodata"]),
            file_crs=file_crs_of(options["file_crs"]),
            edge=options["edge"],
            extent=extent_of(options["extent"]),
            extent_crs=options["extent_crs"],
            patches=patches is not None,
        )
        result = run_inspect(job)
        files = write_patches(result, patches) if patches is not None else []
        say_notes(result.warnings)
        found = {**asdict(result), "patches": [str(file) for file in files]}
        say(found, as_json, _inspection_text(result))


@click.command("effects")
@MODEL
@with_options([INPUTS, OUT, *MAPPING, JSON])
def effects_command(model: Path, as_json: bool, **options: Any) -> None:
    """Map what each scale contributes to one species, which one dominates, and what is lost without it."""
    with exit_status():
        from ..jobs.effects_job import run_effects

        job = map_job(EffectsJob, model, options)
        with progress_sink() as sink:
            result = run_effects(job, Monitor(sink))
        say_notes(result.warnings)
        words = (
            f"{len(result.files)} maps of {result.width} × {result.height} pixels in {job.out}, "
            f"{result.seconds:.1f} s on {result.device}."
        )
        say(asdict(result), as_json, words)


@click.command("profile")
@MODEL
@click.argument("refits", nargs=-1, type=click.Path(path_type=Path))
@with_options([INPUTS, *PLACE, *SPECIES, *COMPUTING, JSON])
@click.option("--step", type=int, default=0, help="Input pixels between those that count; by default so many "
              "that about 40,000 count.")  # fmt: skip
def profile_command(model: Path, refits: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Sum up over an area how much each species relies on each scale of MODEL.

    REFITS are further model files, trained like MODEL: their spread says how certain the figures are.
    """
    with exit_status():
        from ..jobs.profile_job import run_profile

        job = map_job(ProfileJob, model, options, refits=tuple(str(one) for one in refits))
        with progress_sink() as sink:
            result = run_profile(job, Monitor(sink))
        say_notes(result.warnings)
        say(asdict(result), as_json, _profile_text(result))


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InputError(f"The point {text!r} is not X,Y; write two numbers with a comma between.")
    return x, y


def _inspection_text(result: InspectResult) -> str:
    """Return an answer for a person: a bar a branch, to the right where it speaks for the species."""
    largest = max(abs(one.value) for one in result.contributions) or 1.0
    lines = [
        f"{result.species}: {result.quantity} {result.probability:.3f} (logit {result.logit:+z.2f})",
        f"  {'average':<22} {result.bias:+z8.2f}",
    ]
    for one in result.contributions:
        width = distance_text(one.width_m[0]) if one.width_m is not None else ""
        bar = ("█" if one.value > 0 else "░") * round(BAR * abs(one.value) / largest)
        name = f"{one.modality} {one.scale} px" + ("" if one.on else " (off)")
        lines.append(f"  {name:<22} {one.value:+z8.2f}  {width:>9}  {bar}".rstrip())
    lines += ["", "Most likely here:", *(_ranked_text(one) for one in result.top)]
    return "\n".join(lines)


def _ranked_text(one: Ranked) -> str:
    """Return a line on one of the most likely species, with why it is unproven where it is."""
    return f"  {one.probability:.3f}  {one.species}" + (f" (unproven: {one.unproven})" if one.unproven else "")


def _profile_text(result: ProfileResult) -> str:
    """Return a profile as a table for a person."""
    models = "1 model" if result.models == 1 else f"{result.models} models"
    lines = [f"Over {result.pixels:,} pixels, {_every(result.step)} of the finest raster, {models}"]
    if result.models == 1:
        lines.append("One model: how certain the figures are is not known (give refits).")
    ranges = "  (lowest to highest)" if result.models > 1 else ""
    lines += ["", f"  {'branch':<18} {'mean size':>9}{ranges}  share of variance{ranges}"]
    for one in result.species:
        end = ", at the end of the range tried" if one.dominant.at_end else ""
        lines += ["", f"{one.name}: {one.dominant.modality} {one.dominant.scale} px{end}"]
        for branch in one.branches:
            spread = "" if branch.low is None else f"({branch.low:.2f} to {branch.high:.2f})"
            share = "" if branch.variance_share is None else f"{100 * branch.variance_share:z.1f} %"
            shares = ""
            if branch.share_low is not None and branch.share_high is not None:
                shares = f"({100 * branch.share_low:z.1f} to {100 * branch.share_high:z.1f} %)"
            name, width = f"{branch.modality} {branch.scale} px", len(ranges)
            line = f"  {name:<18} {branch.mean_abs:9.3f}{spread:>{width}}  {share:>17}{shares:>{width}}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def _every(step: int) -> str:
    """Return in words which pixels count along rows and columns."""
    if step == 1:
        return "every pixel"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th") if step % 100 not in (11, 12, 13) else "th"
    return f"every {step}{ending} pixel"
