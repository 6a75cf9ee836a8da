"""A bar chart of areas above threshold, as SVG; no plotting library is needed, so who only maps has it, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# XML is written here and never parsed, so what bandit fears of this module can not happen.
from xml.etree.ElementTree import Element, SubElement, tostring  # nosec B405

from .area_table import AreaRow, rules_of
from .zones import EVERYWHERE

MOST_BARS = 60  # beyond it only the largest are drawn
WIDTH, LEFT, RIGHT, BOTTOM, EDGE = 900, 230, 90, 40, 16  # px
BAR, GAP = 16, 6  # px
LEGEND, LINE = 44, 18  # px; its first line, and from one line to the next
SWATCH, BETWEEN = 14, 20  # px; from a mark to its text, and from a text to the next mark
LETTER, NARROW, WIDE = 7.4, 4.4, 11.6  # px; about the widths of letters, of such as i and of m and w
NARROW_LETTERS, WIDE_LETTERS = frozenset(" .,'-()fijlrtI"), frozenset("mwMW%")
TICKS = 5  # about so many along the axis
BAR_COLOUR, NOVEL_COLOUR, TEXT_COLOUR, MARK_COLOUR = "#7fbf9a", "#c4c4c4", "#555555", "#1f2f3f"
RULE_COLOURS = ("#b2182b", "#2166ac", "#762a83", "#8c510a")  # of lines, for the rules after the first
DIAMOND = "M0 -6 L5 0 L0 6 L-5 0 Z"


_Mark = Callable[[Element, float, float], None]


@dataclass(frozen=True)
class _Entry:
    """An entry of the legend: its text, and what draws its mark at (x, y), the left end of the text's base."""

    text: str
    draw: _Mark

    @property
    def width(self) -> float:
        """About how many px mark and text take."""
        letters = (NARROW if c in NARROW_LETTERS else WIDE if c in WIDE_LETTERS else LETTER for c in self.text)
        return SWATCH + sum(letters)


def area_chart(rows: Sequence[AreaRow]) -> bytes:
    """Return the chart: a bar a map by the first rule, lines for the other rules, a diamond for expected area.

    Of a single map there is a bar for each polygon, if there are any, and the title says how much it is in all.
    The novel part of a bar is grey.
    """
    rules = rules_of(rows)
    main = rules[0] if rules else ""
    candidates = _candidates(rows)
    shown = _largest(candidates, main)
    some = f"; the {len(shown)} largest" if len(shown) < len(candidates) else ""
    longest = max(max(_length(row, main), *row.above.values(), row.expected or 0) for row in shown)
    step = _step(longest)
    end = max(1, math.ceil(longest / step)) * step
    entries = _wrapped(_entries(rules, shown))
    top = LEGEND + LINE * len(entries)
    foot = top + len(shown) * (BAR + GAP)
    height = foot + BOTTOM
    root = Element(
        "svg", xmlns="http://www.w3.org/2000/svg", width=str(WIDTH), height=str(height),
        viewBox=f"0 0 {WIDTH} {height}",
    )  # fmt: skip
    root.set("font-family", "sans-serif")
    SubElement(root, "rect", width=str(WIDTH), height=str(height), fill="white")
    _text(root, EDGE, 24, _title(rows, main, shown) + some, size=15)
    _legend(root, entries)
    scale = (WIDTH - LEFT - RIGHT) / end
    for number in range(round(end / step) + 1):
        x = LEFT + scale * number * step
        SubElement(root, "path", d=f"M{x:.1f} {top - 4} V{foot}", stroke="#dddddd")
        _text(root, x, foot + 16, f"{number * step:,.6g}", anchor="middle")
    _text(root, LEFT + scale * end / 2, foot + 34, "km² on the ground", anchor="middle")
    for place, row in enumerate(shown):
        y = top + place * (BAR + GAP)
        _text(root, LEFT - 8, y + BAR - 4, _name(row, shown), anchor="end")
        _text(root, WIDTH - 12, y + BAR - 4, figures(_length(row, main)), anchor="end")
        _bar(root, row, rules, y, scale)
    chart: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return chart


def _candidates(rows: Sequence[AreaRow]) -> list[AreaRow]:
    """Return the rows that could have a bar: every polygon that a single map covers, else the whole of each."""
    maps = {(row.species, row.map) for row in rows}
    zones = [row for row in rows if row.zone != EVERYWHERE and row.with_value is not None]
    return zones if len(maps) == 1 and zones else [row for row in rows if row.zone == EVERYWHERE]


def _largest(rows: Sequence[AreaRow], main: str) -> list[AreaRow]:
    """Return the rows with the ``MOST_BARS`` longest bars, in their order."""
    ranked = sorted(range(len(rows)), key=lambda place: -_length(rows[place], main))[:MOST_BARS]
    return [rows[place] for place in sorted(ranked)]


def _bar(root: Element, row: AreaRow, rules: Sequence[str], y: float, scale: float) -> None:
    """Draw a row's bar, its lines and its diamond; ``scale`` is px a km²."""
    main = rules[0] if rules else ""
    whole, novel = _length(row, main), row.above_novel.get(main, 0.0)
    for start, stop, colour in ((0.0, whole - novel, BAR_COLOUR), (whole - novel, whole, NOVEL_COLOUR)):
        if stop > start:
            SubElement(
                root, "rect", x=f"{LEFT + scale * start:.1f}", y=str(y), height=str(BAR), fill=colour,
                width=f"{scale * (stop - start):.1f}",
            )  # fmt: skip
    for number, rule in enumerate(rules[1:]):
        if rule in row.above:
            _line(root, LEFT + scale * row.above[rule], y - 1, number)
    if row.expected is not None:
        _diamond(root, LEFT + scale * row.expected, y + BAR / 2)


def _line(root: Element, x: float, y: float, number: int) -> None:
    colour = RULE_COLOURS[number % len(RULE_COLOURS)]
    line = SubElement(root, "path", d=f"M{x:.1f} {y} v{BAR + 2}", stroke=colour)
    line.set("stroke-width", "2")


def _diamond(root: Element, x: float, y: float) -> None:
    SubElement(root, "path", d=DIAMOND, fill="white", stroke=MARK_COLOUR, transform=f"translate({x:.1f} {y})")


def _entries(rules: Sequence[str], rows: Sequence[AreaRow]) -> list[_Entry]:
    """Return what bars, lines, diamonds and grey mean, as far as they are drawn."""
    found = [_Entry(rule, _block(BAR_COLOUR) if not n else _stroke(n - 1)) for n, rule in enumerate(rules)]
    if any(row.expected is not None for row in rows):
        found.append(_Entry("expected area", lambda root, x, y: _diamond(root, x + 4, y - 4)))
    if any(row.novel is not None for row in rows):
        found.append(_Entry("outside the training range", _block(NOVEL_COLOUR)))
    return found


def _block(colour: str) -> _Mark:
    def draw(root: Element, x: float, y: float) -> None:
        SubElement(root, "rect", x=f"{x:.1f}", y=str(y - 10), width="9", height="11", fill=colour)

    return draw


def _stroke(number: int) -> _Mark:
    return lambda root, x, y: _line(root, x + 4, y - BAR + 3, number)


def _wrapped(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """Return the entries line by line, each as long as the chart is wide."""
    lines: list[list[_Entry]] = []
    end = math.inf
    for one in entries:
        end += one.width
        if end > WIDTH - EDGE:
            lines.append([])
            end = EDGE + one.width
        lines[-1].append(one)
        end += BETWEEN
    return lines


def _legend(root: Element, lines: Sequence[Sequence[_Entry]]) -> None:
    for number, line in enumerate(lines):
        x, y = float(EDGE), LEGEND + LINE * number
        for one in line:
            one.draw(root, x, y)
            _text(root, x + SWATCH, y, one.text, colour=TEXT_COLOUR)
            x += one.width + BETWEEN


def _length(row: AreaRow, rule: str) -> float:
    """Return what a bar shows: the area above threshold, or the expected one where there is no threshold."""
    return row.above.get(rule, 0.0) if rule else row.expected or 0.0


def figures(km2: float) -> str:
    """Return an area as people write it: four figures, at most three decimals, never an exponent."""
    decimals = sum(km2 < limit for limit in (1000, 100, 10)) if km2 else 0
    return f"{km2:,.{decimals}f}"


def _name(row: AreaRow, shown: Sequence[AreaRow]) -> str:
    """Return what a bar is called: species, map and zone, each where they differ.

    The map is left out where each species has one.
    """
    one_each = len({(one.species, one.map) for one in shown}) == len({one.species for one in shown})
    parts = []
    for part in ("species", "map", "zone"):
        held = {getattr(one, part) for one in shown}
        if len(held) > 1 and not (part == "map" and one_each):
            parts.append(getattr(row, part))
    return ", ".join(parts) or row.species


def _title(rows: Sequence[AreaRow], main: str, shown: Sequence[AreaRow]) -> str:
    species = {row.species for row in rows}
    whose = f"{species.pop()}: area" if len(species) == 1 else "Area"
    what = f"{whose} above threshold ({main})" if main else f"{whose}, expected"
    if any(row.zone == EVERYWHERE for row in shown):
        return what
    whole = next(row for row in rows if row.zone == EVERYWHERE)
    return f"{what}, {figures(_length(whole, main))} km² in all"


def _step(longest: float) -> float:
    """Return a round distance between ticks."""
    if longest <= 0:
        return 1.0
    rough = longest / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough)


def _text(
    root: Element, x: float, y: float, text: str, size: int = 12, anchor: str = "start", colour: str = "#222222"
) -> None:
    element = SubElement(root, "text", x=f"{x:.1f}", y=f"{y:.1f}", fill=colour)
    element.set("font-size", str(size))
    element.set("text-anchor", anchor)
    element.text = text
