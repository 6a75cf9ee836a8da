"""The report's plots, as images that stand in the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyproj
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from ...models.flags import FEW_PRESENCES, FEWEST_PRESENCES
from .calibration import BINS, LEAST_VALUES, Reliability
from .figure_images import (
    COLOURS,
    FAINT,
    MARKERS,
    NETWORK,
    NULL,
    WIDTH,
    data_uri,
    figure_of,
    legend_above,
    short_label,
)
from .scored import SURVEY, Flags, Floats, Scored
from .species_figures import Figures, SpeciesFigures
from .thresholds import operating_points

MOST_ROWS = 40  # species in the plot by name
MOST_CURVES = 12
MOST_POINTS = 20_000
LABELLED_DECADES = 3  # over the width of a page, with labels at 1, 2 and 5


def auc_by_name(figures: Figures, null: Figures | None) -> str | None:
    """Draw the AUC and interval of every species by name; None where there are none, or too many."""
    pairs = [
        (one, None if null is None else null.species[i].auc.value)
        for i, one in enumerate(figures.species)
        if one.auc.value is not None
    ]
    if not 0 < len(pairs) <= MOST_ROWS:
        return None
    pairs.sort(key=lambda pair: pair[0].auc.value or 0.0)
    with figure_of(WIDTH, 1.0 + 0.24 * len(pairs)) as figure:
        axes = figure.subplots()
        place = np.arange(len(pairs), dtype=np.float64)
        _intervals(axes, place, [one for one, _ in pairs], horizontal=True)
        others = [(row, value) for row, (_, value) in enumerate(pairs) if value is not None]
        if others:
            rows, values = zip(*others, strict=True)
            axes.plot(values, rows, "x", color=NULL, markersize=6, label="coordinates alone")
        axes.axvline(0.5, color=FAINT, linewidth=0.8, linestyle=":")
        axes.set_yticks(place, [f"{short_label(one.name)}  (n = {one.n_presence:,})" for one, _ in pairs])
        axes.set_ylim(-0.7, len(pairs) - 0.3)
        axes.set_xlabel("AUC (0.5: no better than chance), n: test presences")
        legend_above(figure)
        return data_uri(figure)


def auc_by_commonness(figures: Figures, null: Figures | None) -> str | None:
    """Draw AUC and interval over prevalence (surveys) and over training presences (background)."""
    panels = []
    for against in dict.fromkeys(one.against for one in figures.species):
        number = [
            i for i, one in enumerate(figures.species) if one.against == against and one.auc.value is not None
        ]
        if number:
            panels.append((against, number))
    if not panels:
        return None
    with figure_of(WIDTH, 3.2) as figure:
        for axes, (against, number) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            mine = [figures.species[i] for i in number]
            at = np.array(
                [one.prevalence if against == SURVEY else max(one.presences, 1) for one in mine], np.float64
            )
            _intervals(axes, at, mine, horizontal=False)
            axes.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=":")
            if null is not None:
                values = [null.species[i].auc.value for i in number]
                there = [value for value in values if value is not None]
                if there:
                    axes.axhline(
                        float(np.median(there)),
                        color=NULL,
                        linewidth=1,
                        linestyle="--",
                        label="coordinates alone (median)",
                    )
            axes.set_xscale("log")
            roomy = at.max() / at.min() < 10 ** (LABELLED_DECADES / len(panels))
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if roomy else (1,)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
            surveys = against == SURVEY
            axes.set_xlabel("share of surveyed sites where found" if surveys else "training presences")
            axes.set_ylabel(f"AUC against {'survey absences' if surveys else 'background'}")
        legend_above(figure)
        return data_uri(figure)


def roc_curves(scored: Scored, figures: Figures) -> str | None:
    """Draw ROC curves of the species with most test presences, a panel each: every fold, and their mean."""
    ranked = sorted(
        (i for i, one in enumerate(figures.species) if one.auc.value is not None),
        key=lambda i: -figures.species[i].n_presence,
    )[:MOST_CURVES]
    if not ranked:
        return None
    columns = min(4, len(ranked))
    rows = -(-len(ranked) // columns)
    grid = np.linspace(0, 1, 101)
    with figure_of(max(2.1 * columns, 2.8), 0.4 + 2.3 * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for number in range(len(ranked), rows * columns):
            panels.flat[number].set_visible(False)
            panels.flat[number - columns].tick_params(labelbottom=True)
        for axes, column in zip(panels.flat, ranked, strict=False):
            curves = list(_fold_curves(scored, column))
            for alarms, hits in curves if len(curves) > 1 else []:
                axes.step(alarms, hits, where="post", color="#b5c7d3", linewidth=0.7)
            mean = np.mean([np.interp(grid, alarms, hits) for alarms, hits in curves], axis=0)
            axes.plot(np.append(0, grid), np.append(0, mean), color=NETWORK, linewidth=1.6)
            axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=":")
            one = figures.species[column]
            axes.set_title(f"{short_label(one.name, 24)}\nAUC {one.auc.value:.2f}", fontsize=8)
            axes.set_aspect("equal")
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        figure.supxlabel("share of absences or background called present", fontsize=9)
        figure.supylabel("share of presences found", fontsize=9)
        return data_uri(figure)


def calibration_curve(curve: Reliability) -> str:
    """Draw what was found against the calibrated probability, with the number of values in each bin."""
    with figure_of(4.2, 4.4) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        filled, scarce = curve.filled, (curve.count > 0) & ~curve.filled
        upper.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=":", label="as predicted")
        upper.plot(curve.predicted[filled], curve.observed[filled], "o-", color=NETWORK, linewidth=1.2)
        upper.plot(
            curve.predicted[scarce],
            curve.observed[scarce],
            "o",
            color=NETWORK,
            markerfacecolor="white",
            label=f"fewer than {LEAST_VALUES} values" if scarce.any() else None,
        )
        upper.set_ylabel("share found")
        upper.set_ylim(-0.03, 1.03)
        upper.legend(loc="upper left")
        centres = (np.arange(BINS) + 0.5) / BINS
        lower.bar(centres, curve.count, 0.9 / BINS, color="#b5c7d3")
        lower.set_yscale("log")
        lower.set_ylim(bottom=0.7)
        lower.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        lower.set_ylabel("values")
        lower.set_xlabel("occurrence: calibrated probability of presence")
        lower.set_xlim(-0.02, 1.02)
        figure.align_ylabels()
        return data_uri(figure)


def map_of_sites(scored: Scored) -> str:
    """Draw sites and background points, and the box around each block's rows, coloured by fold."""
    with figure_of(WIDTH, 5.4) as figure:
        axes = figure.subplots()
        background = _some(scored.background)
        axes.plot(
            scored.x[background],
            scored.y[background],
            ".",
            color="#c4c4c4",
            markersize=1.5,
            label="background" if background.any() else None,
        )
        folds = np.unique(scored.fold)
        for number, fold in enumerate(folds):
            colour = COLOURS[number % len(COLOURS)]
            mine = scored.fold == fold
            for block in np.unique(scored.block[mine]):
                there = mine & (scored.block == block)
                left, bottom = scored.x[there].min(), scored.y[there].min()
                width, height = np.ptp(scored.x[there]), np.ptp(scored.y[there])
                axes.add_patch(
                    Rectangle(
                        (left, bottom), width, height, facecolor=f"{colour}22", edgecolor=colour, linewidth=0.7
                    )
                )
            sites = _some(mine & ~scored.background)
            axes.plot(
                scored.x[sites],
                scored.y[sites],
                MARKERS[number % len(MARKERS)],
                color=colour,
                markersize=2.6,
                markeredgewidth=0,
                label=f"fold {number + 1}" if len(folds) > 1 else "sites",
            )
        geographic = pyproj.CRS.from_user_input(scored.crs).is_geographic
        middle = np.radians(np.clip(np.mean([scored.y.min(), scored.y.max()]), -80, 80))
        axes.set_aspect(1 / np.cos(middle) if geographic else "equal", adjustable="box", anchor="W")
        axes.set_xlabel("longitude" if geographic else f"x ({scored.crs})")
        axes.set_ylabel("latitude" if geographic else f"y ({scored.crs})")
        axes.ticklabel_format(style="plain", useOffset=False)
        axes.locator_params(nbins=6)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2.5)
        return data_uri(figure, "png")


def _fold_curves(scored: Scored, column: int) -> Iterator[tuple[Floats, Floats]]:
    present, absent = scored.present[:, column], scored.absent[:, column]
    for fold in np.unique(scored.fold):
        rows = (scored.fold == fold) & (present | absent)
        if present[rows].any() and absent[rows].any():
            _, hits, rejected = operating_points(scored.logit[rows, column], present[rows])
            yield np.append(0, 1 - rejected), np.append(0, hits)


def _intervals(axes: Axes, at: Floats, species: Sequence[SpeciesFigures], horizontal: bool) -> None:
    """Draw AUC and interval at each place; hollow where there are few test presences."""
    value = np.array([one.auc.value for one in species], np.float64)
    low = np.array([np.nan if one.auc.low is None else one.auc.low for one in species], np.float64)
    high = np.array([np.nan if one.auc.high is None else one.auc.high for one in species], np.float64)
    few = np.array([FEW_PRESENCES in one.flags for one in species], np.bool_)
    faint = 1.0 if len(species) <= MOST_ROWS else max(0.12, MOST_ROWS / len(species))
    lines = axes.hlines if horizontal else axes.vlines
    lines(at, low, high, color=NETWORK, linewidth=1.4, alpha=0.55 * faint)
    for group, face, label in (
        (~few, NETWORK, "AUC and 95 % interval"),
        (few, "white", f"fewer than {FEWEST_PRESENCES} test presences"),
    ):
        if group.any():
            x, y = (value[group], at[group]) if horizontal else (at[group], value[group])
            axes.plot(
                x, y, "o", color=NETWORK, markerfacecolor=face, markersize=5, alpha=max(faint, 0.4), label=label
            )


def _some(rows: Flags) -> Flags:
    """Return ``rows`` thinned to what a plot can show."""
    index = np.flatnonzero(rows)
    if index.size > MOST_POINTS:
        index = np.random.default_rng(0).choice(index, MOST_POINTS, replace=False)
    some = np.zeros_like(rows)
    some[index] = True
    return some
