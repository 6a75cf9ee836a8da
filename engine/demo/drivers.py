"""What the virtual species respond to: quantities of the landscape, each measured in a window of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import climate
from .land_cover import CLASSES, ClassMap, edges
from .windows import WindowSums


@dataclass(frozen=True)
class Quantity:
    """Something measured around a pixel.

    Attributes:
        kind: ``climate`` (mean of a climate variable), ``share`` (of a land-cover class), ``edge_density``
            (borders between classes per pixel) or ``diversity`` (Gini-Simpson: 1 − Σ share²).
        subject: the climate variable or class; empty for the other kinds.
        outer: side of the window, in pixels of the modality (odd).
        inner: side of the hole in the window; 0 for none.
    """

    kind: str
    subject: str
    outer: int
    inner: int = 0

    @property
    def name(self) -> str:
        if self.kind == "climate":
            return self.subject
        window = f"{self.inner}_{self.outer}" if self.inner else f"{self.outer}"
        return "_".join(part for part in (self.subject, self.kind, window) if part)


@dataclass(frozen=True)
class Surroundings:
    """The hidden state of a landscape, from which every quantity follows.

    Attributes:
        cover: shape ``(size + 2 * margin, size + 2 * margin)``, uint8, indices into ``CLASSES``.
        margin: pixels of ``cover`` around the landscape on every side.
        bioclim: shape ``(2, cells, cells)``, float32; ``climate.MARGIN_CELLS`` of them around the landscape.
        pixels_per_cell: side of a climate cell in pixels.
    """

    cover: ClassMap
    margin: int
    bioclim: npt.NDArray[np.float32]
    pixels_per_cell: int

    @property
    def size(self) -> int:
        """Side of the landscape in pixels."""
        return int(self.cover.shape[0]) - 2 * self.margin

    def measure(self, quantity: Quantity) -> npt.NDArray[np.float32]:
        """The quantity at every pixel: shape ``(size, size)``, float32.

        Climate is in deviations from its usual mean, edge density in borders a pixel, the rest in shares of 1.
        """
        if quantity.kind == "climate":
            cells = climate.scores(self.bioclim, quantity.subject, quantity.outer).astype(np.float32)
            cell_of_pixel = climate.MARGIN_CELLS + np.arange(self.size) // self.pixels_per_cell
            return cells[np.ix_(cell_of_pixel, cell_of_pixel)]
        if quantity.kind == "share":
            return self._window_mean(self.cover == CLASSES.index(quantity.subject), quantity)
        if quantity.kind == "edge_density":
            return self._window_mean(edges(self.cover), quantity)
        if quantity.kind == "diversity":
            diversity = np.ones((self.size, self.size), dtype=np.float32)
            for index in range(len(CLASSES)):
                diversity -= self._window_mean(self.cover == index, quantity) ** 2
            return diversity
        raise ValueError(f"unknown kind of quantity: {quantity.kind!r}")

    def _window_mean(self, counts: npt.NDArray[np.generic], quantity: Quantity) -> npt.NDArray[np.float32]:
        sums = WindowSums(counts, self.margin)
        if quantity.inner:
            return sums.ring_mean(quantity.inner, quantity.outer)
        return sums.box_mean(quantity.outer)
