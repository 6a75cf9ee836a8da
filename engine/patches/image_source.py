"""Patches that are images already: the JPEG tree of GeoLifeCLEF 2023, Sentinel-2 at 10 m around each site."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..files.input_files import changed
from ..rasters.raster import Valid, Values
from ..running.errors import InputError
from .source import chunk_length

BANDS = ("red", "green", "blue", "nir")
FOLDERS = ("rgb", "nir")
MODES = ("RGB", "L")
PIXEL_SIZE_M = 10.0

Pixels = npt.NDArray[np.uint8]


class ImageSource:
    """The images of a folder with ``rgb/`` and ``nir/``, named by patch: ``rgb/75/85/3018575.jpeg``.

    A site lies in the middle of its image, where four pixels meet if its sides are even, and belongs to the one
    below and to the right of that corner, as everywhere: row and column 64 of 128. The window is centred
    on that pixel: rows 7 to 121 for 115 px, where the authors' code takes 116, rows 6 to 121.

    Parameters
    ----------
    folder
        The folder.
    patch_ids
        (sites,) names of patches, digits alone. A site whose images are missing has no patch.
    side
        Side of a patch in pixels, odd.

    Raises
    ------
    InputError
        The folder is none of this kind, a name is no number, or there is no image of any site.
    """

    bands = BANDS
    units = ("",) * len(BANDS)
    categorical = (False,) * len(BANDS)
    dtype = np.dtype(np.uint8)
    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path, patch_ids: npt.NDArray[np.str_], side: int) -> None:
        if side < 1 or side % 2 == 0:
            raise ValueError(f"a patch of {side} pixels has no centre pixel")
        missing = [name for name in FOLDERS if not (folder / name).is_dir()]
        if missing:
            raise InputError(f"{folder} holds no folder {missing[0]}; choose the one with rgb and nir in it.")
        self.side = side
        self._folder = folder
        names, which = np.unique(np.array([image_path(str(one)) for one in patch_ids]), return_inverse=True)
        self._names: list[str] = []
        self._stamps: list[tuple[int, ...]] = []
        numbers = np.full(len(names), -1, np.int64)
        for place, name in enumerate(names.tolist()):
            stamp = self._stamp(name)
            if stamp:
                numbers[place] = len(self._names)
                self._names.append(name)
                self._stamps.append(stamp)
        if not self._names:
            raise InputError(f"{folder} holds no image of any site (such as rgb/{names[0]}); choose another.")
        self.places = numbers[which.ravel()]
        self.count = len(self._names)

    @cached_property
    def digest(self) -> str:
        """A digest of the images' names, sizes and times of change: there may be millions of them."""
        facts = [str(self._folder.resolve()), self.side, self._names, self._stamps]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def demand_unchanged(self) -> None:
        """Raise InputError where an image is not as it was when the folder was opened."""
        for name, stamp in zip(self._names, self._stamps, strict=True):
            for folder, one in zip(FOLDERS, (stamp[:2], stamp[2:]), strict=True):
                if _stamp(self._folder / folder / name) != one:
                    raise changed(self._folder / folder / name)

    def chunks(self, between: Callable[[], None]) -> Iterator[tuple[Values, Valid]]:
        """Yield the patches by folder, decoded by several threads."""
        longest = chunk_length(len(BANDS), self.side)
        with ThreadPoolExecutor() as threads:
            for start in range(0, self.count, longest):
                between()
                patches = np.stack(list(threads.map(self._patch, self._names[start : start + longest])))
                yield patches.astype(np.float32), np.ones(patches.shape, np.bool_)

    def _stamp(self, name: str) -> tuple[int, ...]:
        """Return sizes and times of the images of a patch, nothing where one is missing."""
        stamps = [_stamp(self._folder / folder / name) for folder in FOLDERS]
        return tuple(value for stamp in stamps for value in stamp) if all(stamps) else ()

    def _patch(self, name: str) -> Pixels:
        colours, infrared = (
            self._centre(self._folder / folder / name, mode)
            for folder, mode in zip(FOLDERS, MODES, strict=True)
        )
        return np.concatenate([np.moveaxis(colours, 2, 0), infrared[None]])

    def _centre(self, file: Path, mode: str) -> Pixels:
        try:
            with Image.open(file) as image:
                pixels = np.asarray(image.convert(mode))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"The image {file} can't be read ({error}); get it again.") from error
        up, left = (length // 2 - self.side // 2 for length in pixels.shape[:2])
        if min(up, left) < 0 or min(pixels.shape[0] - up, pixels.shape[1] - left) < self.side:
            raise InputError(
                f"The image {file} is {pixels.shape[1]} × {pixels.shape[0]} pixels, too small for a scale of "
                f"{self.side}; choose a smaller scale."
            )
        return pixels[up : up + self.side, left : left + self.side]


def _stamp(file: Path) -> tuple[int, ...]:
    """Return size and time of a file, nothing where it is missing."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns


def image_path(patch_id: str) -> str:
    """Return where the image of a patch lies: in folders by its last two digits and the two before them."""
    name = patch_id.strip()
    if not (name.isascii() and name.isdigit()):
        raise InputError(f"The patchID {patch_id!r} is no whole number; give those of GeoLifeCLEF.")
    return "/".join(part for part in (name[-2:], name[-4:-2], f"{name}.jpeg") if part)
