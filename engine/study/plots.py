"""The study's plots: AUC by scale, species by species, with placebos behind."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullFormatter

from ..judging.figure_images import (
    FAINT,
    NETWORK,
    NULL,
    WIDTH,
    data_uri,
    figure_of,
    legend_above,
    short_label,
)
from ..judging.resampling import Estimate
from ..words.branch_colours import branch_colours, hexadecimal
from .findings import Figures, Findings
from .refits import DominantMap
from .trial import REAL
from .variant import COORDINATES, Addition, Variant, everything, one_pixel
from .variant import NETWORK as NETWORK_MODEL
from .workshop import Workshop

MOST_SPECIES = 24
BAND = "#d9d9d9"
TOGETHER = "#009E73"
AGREED = 0.8  # share of refits that must name the same branch, else a map is hatched


def auc_by_scale(findings: Findings, workshop: Workshop) -> str | None:
    """Draw a row of panels a species and a panel a modality; None where no species is averaged.

    Dots: networks with one scale of the modality. Band: the one-pixel network with a placebo of that scale
    beside it, from the lowest to the highest. Lines: the one-pixel network, the network of all scales and
    modalities, coordinates alone.
    """
    columns = np.flatnonzero(findings.board.counted)[:MOST_SPECIES]
    if not len(columns):
        return None
    offered = workshop.offered
    figures = {one.variant: one for one in findings.figures if one.predictors == REAL}
    with figure_of(WIDTH, 0.9 + 1.75 * len(columns)) as figure:
        panels = figure.subplots(len(columns), len(offered), squeeze=False, sharey="row", sharex="col")
        for row, column in enumerate(columns):
            for axes, name in zip(panels[row], offered, strict=True):
                _panel(axes, findings, figures, int(column), name, workshop)
            panels[row][0].set_ylabel("AUC")
            species = findings.board.scored.species[column]
            n = int(findings.board.n_presence[column])
            panels[row][0].set_title(f"{short_label(species)}  (n = {n:,})", loc="left", fontsize=9)
        for axes, name in zip(panels[-1], offered, strict=True):
            axes.set_xlabel(f"window of {short_label(name)} (px)")
        legend_above(figure)
        return data_uri(figure)


def dominant_maps(maps: Sequence[DominantMap]) -> str:
    """Draw a map a species of the branch that dominates, hatched where fewer than four refits in five agree."""
    keys = maps[0].keys
    colours = branch_colours(keys)
    ramp = ListedColormap([hexadecimal(colours[key]) for key in keys])
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    height, width = maps[0].place.shape
    side = WIDTH / columns
    with (
        figure_of(WIDTH, 0.6 + rows * side * height / width) as figure,
        mpl.rc_context({"hatch.linewidth": 0.4}),
    ):
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, one in zip(panels.flat, maps, strict=False):
            there = np.ma.masked_less(one.place, 0)
            axes.imshow(there, cmap=ramp, vmin=-0.5, vmax=len(keys) - 0.5, extent=one.extent, aspect="auto")
            doubtful = (one.agreement < AGREED) & (one.place >= 0)
            if doubtful.any():
                axes.contourf(
                    doubtful[::-1], levels=[0.5, 1.5], hatches=["////"], colors="none", extent=one.extent
                )
            axes.set_title(short_label(one.species, 28), fontsize=9)
        handles = [
            Patch(color=hexadecimal(colours[key]), label=f"{short_label(key[0])} {key[1]}") for key in keys
        ]
        handles.append(Patch(facecolor="white", edgecolor="black", hatch="////", label="refits disagree"))
        figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), 6))
        return data_uri(figure, "png")


def _panel(
    axes: Axes,
    findings: Findings,
    figures: dict[Variant, Figures],
    column: int,
    name: str,
    workshop: Workshop,
) -> None:
    scales = workshop.offered[name]
    alone = [Variant(NETWORK_MODEL, ((name, (scale,)),)) for scale in scales]
    at = np.array(scales, np.float64)
    found_alone = [figures.get(one) for one in alone]
    mine = [Estimate() if one is None else one.species[column] for one in found_alone]
    _band(axes, findings, alone, at, column, workshop.climate)
    value, low, high = (
        np.array([np.nan if one is None else one for one in found], np.float64)
        for found in zip(*((one.value, one.low, one.high) for one in mine), strict=True)
    )
    axes.vlines(at, low, high, color=NETWORK, linewidth=1.4, alpha=0.6)
    axes.plot(at, value, "o-", color=NETWORK, markersize=5, linewidth=0.9, label="one scale, 95 % interval")
    others = [
        (one_pixel(workshop.climate), "--", NETWORK, f"one pixel of {short_label(workshop.climate)}"),
        (Variant(COORDINATES), ":", NULL, "coordinates alone"),
    ]
    if len(workshop.offered) > 1 or len(scales) > 1:
        others.append((everything(workshop.offered), "-", TOGETHER, "all scales and modalities"))
    for variant, style, colour, label in others:
        found = figures.get(variant)
        level = None if found is None else found.species[column].value
        if level is not None:
            axes.axhline(level, color=colour, linestyle=style, linewidth=1.1, label=label)
    axes.axhline(0.5, color=FAINT, linewidth=0.6)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(scales)))
    axes.xaxis.set_major_formatter(lambda place, _: f"{place:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(at.min() / 1.5, at.max() * 1.5)


def _band(
    axes: Axes, findings: Findings, alone: list[Variant], at: np.ndarray, column: int, climate: str
) -> None:
    """Draw what the one-pixel network reaches beside a placebo of one scale, from the lowest to the highest."""
    baseline = one_pixel(climate)
    drawn = []
    for one in alone:
        standing = findings.standings.get(one) if one == baseline else None
        standing = findings.placebos.get(Addition(one, baseline.scales), standing)
        auc = np.empty(0) if standing is None else standing.auc[:, 0, column]
        drawn.append(auc.mean(keepdims=True) if one == baseline and len(auc) else auc)
    if not findings.placebos or not all(len(one) and np.isfinite(one).all() for one in drawn):
        return
    lowest, highest = (np.array([pick(one) for one in drawn]) for pick in (np.min, np.max))
    wide = (at, lowest, highest)
    if len(at) == 1:
        wide = (np.array([at[0] / 1.2, at[0] * 1.2]), lowest.repeat(2), highest.repeat(2))
    axes.fill_between(*wide, color=BAND, linewidth=0, label="one pixel and a placebo")
