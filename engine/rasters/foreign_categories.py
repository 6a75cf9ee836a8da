"""Pixels of categorical bands that hold a category the network was not trained on: which, and how many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...models.card import Band
from .raster import Valid, Values

TILE = 256  # px along the side of a square whose pixels are noted together, a bit each
SHOWN = 10  # categories in a sentence


class ForeignCategories:
    """What reading has met so far; a pixel that is read several times counts once."""

    def __init__(self, bands: Sequence[Band]) -> None:
        self._bands = tuple(bands)
        self._values: dict[int, set[float]] = {}
        self._tiles: dict[tuple[int, int, int], npt.NDArray[np.uint8]] = {}

    def note(self, values: Values, foreign: Valid, row: int, column: int) -> None:
        """Take note of a window, both (bands, rows, columns), whose first pixel is at ``row``, ``column``."""
        for place in np.flatnonzero(foreign.any(axis=(1, 2))).tolist():
            self._values.setdefault(place, set()).update(np.unique(values[place][foreign[place]]).tolist())
            rows, columns = np.nonzero(foreign[place])
            rows, columns = rows + row, columns + column
            for up, left in np.unique(np.stack([rows // TILE, columns // TILE]), axis=1).T.tolist():
                mine = (rows // TILE == up) & (columns // TILE == left)
                key = place, up, left
                seen = np.zeros((TILE, TILE), np.uint8)
                if key in self._tiles:
                    seen = np.unpackbits(self._tiles[key]).reshape(TILE, TILE)
                seen[rows[mine] % TILE, columns[mine] % TILE] = 1
                self._tiles[key] = np.packbits(seen)

    def sentences(self) -> list[str]:
        """Return a sentence for each band in which something was met."""
        found = []
        for place, values in sorted(self._values.items()):
            tiles = [bits for (band, _, _), bits in self._tiles.items() if band == place]
            number = sum(int(np.bitwise_count(bits).sum()) for bits in tiles)
            name = self._bands[place].name
            which = f"pixel of {name} holds" if number == 1 else f"pixels of {name} hold"
            found.append(
                f"{number} {which} categories that the model was not trained on ({listed(values)}): they are "
                "NoData."
            )
        return found


def listed(values: set[float]) -> str:
    """Return some of the values in words, the smallest first."""
    shown = [f"{value:g}" for value in sorted(values)[:SHOWN]]
    return ", ".join(shown) + (" ..." if len(values) > SHOWN else "")
