"""Patches on disk, read once from their source and found again by what it holds."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import psutil

from ..files.cache_folder import CACHE_VARIABLE, cache_folder
from ..rasters.raster import Valid
from ..running.errors import InputError
from ..running.progress import Monitor
from .column_source import ColumnSource
from .patch_set import Patches
from .source import PatchSource

VERSION = 1  # of what lies in the folder; another one is read again
BOUND = 20 * 1024**3  # bytes of patches that are kept
SPARE = 256 * 1024**2  # bytes that stay free on the disk
PARTIAL = ".partial"
VALUES, BITS, FACTS = "values.npy", "bits.npy", "facts.npz"


class PatchCache:
    """Patches under ``folder``, one folder a source; those that were used last are kept.

    Parameters
    ----------
    folder
        Where; ``patches`` in the user's cache folder by default.
    bound
        Bytes beyond which the least recently used go. Those of this cache object never do.
    """

    def __init__(self, folder: Path | None = None, bound: int = BOUND) -> None:
        self.folder = folder or cache_folder() / "patches"
        self._bound = bound
        self._used: set[str] = set()

    def patches(self, source: PatchSource, monitor: Monitor, name: str) -> Patches:
        """Return the patches of a source, from disk where they were read before.

        Parameters
        ----------
        source
            Where they come from; table columns are small, and are not kept.
        monitor
            Is told of progress, and asked whether to go on.
        name
            Of the modality, for progress and messages.

        Raises
        ------
        InputError
            The source can't be read, or there is no room for its patches.
        Cancelled
            The monitor was told to stop; nothing is kept.
        """
        if isinstance(source, ColumnSource):
            return collected(source)
        key = hashlib.sha256(f"{VERSION} {source.digest}".encode()).hexdigest()[:32]
        self._used.add(key)
        found = self._opened(key, source)
        if found is None:
            self._write(key, source, monitor, name)
            found = self._opened(key, source)
        if found is None:
            raise InputError(f"The patches in {self.folder / key} can't be read; delete that folder.")
        return found

    def _opened(self, key: str, source: PatchSource) -> Patches | None:
        """Return the patches of a key, None where there are none of use."""
        folder = self.folder / key
        try:
            values = np.load(folder / VALUES, mmap_mode="r")
            bits = np.load(folder / BITS, mmap_mode="r") if (folder / BITS).exists() else None
            with np.load(folder / FACTS) as facts:
                whole, centres, valid = facts["whole"], facts["centres"], facts["centres_valid"]
            os.utime(folder)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return Patches(source.bands, values, bits, whole, centres, valid, source.places)

    def _write(self, key: str, source: PatchSource, monitor: Monitor, name: str) -> None:
        partial = self.folder / f"{key}.{os.getpid()}{PARTIAL}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._demand_room(source, name)
            partial.mkdir(exist_ok=True)
            _write_patches(partial, source, monitor, name)
            source.demand_unchanged()  # else they are not those of the key
            try:
                partial.rename(self.folder / key)
            except OSError:
                if not (self.folder / key / FACTS).exists():  # else another run was faster
                    raise
        except OSError as error:
            raise InputError(
                f"The patches of {name} can't be kept in {self.folder} ({error.strerror or error}); free some "
                f"space, or name another folder in {CACHE_VARIABLE}."
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _demand_room(self, source: PatchSource, name: str) -> None:
        values = source.count * len(source.bands) * source.side**2
        needed = values * source.dtype.itemsize + values // 8
        self._prune(needed)
        free = shutil.disk_usage(self.folder).free
        if needed + SPARE > free:
            raise InputError(
                f"The patches of {name} take {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free in "
                f"{self.folder}; free some space, or name another folder in {CACHE_VARIABLE}."
            )

    def _prune(self, needed: int) -> None:
        """Delete what killed runs left, and the least recently used until ``needed`` bytes fit the bound."""
        entries: list[tuple[float, int, Path]] = []
        for folder in self.folder.iterdir():
            if folder.name.endswith(PARTIAL):
                if not psutil.pid_exists(int(folder.name.split(".")[-2])):
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            with suppress(OSError):
                size = sum(file.stat().st_size for file in folder.iterdir())
                entries.append((folder.stat().st_mtime, size, folder))
        total = sum(size for _, size, _ in entries) + needed
        for _, size, folder in sorted(entries):
            if total <= self._bound:
                break
            if folder.name not in self._used:
                shutil.rmtree(folder, ignore_errors=True)
                total -= size


def collected(source: PatchSource) -> Patches:
    """Return the patches of a source in memory."""
    values, valid = (np.concatenate(both) for both in zip(*source.chunks(lambda: None), strict=True))
    middle = source.side // 2
    whole = np.asarray(valid.all(axis=(1, 2, 3)))
    bits = None if whole.all() else _bits(valid)
    centres, held = values[..., middle, middle], valid[..., middle, middle]
    return Patches(source.bands, values.astype(source.dtype), bits, whole, centres, held, source.places)


def _write_patches(folder: Path, source: PatchSource, monitor: Monitor, name: str) -> None:
    """Write the patches of a source into a folder, in order, as they come."""
    shape = (source.count, len(source.bands), source.side, source.side)
    middle = source.side // 2
    row_bytes = -(-(shape[1] * shape[2] * shape[3]) // 8)
    phase = f"reading patches of {name}"
    wholes, centres, held = [], [], []
    monitor.report(phase, 0, source.count, "patches")
    with (folder / VALUES).open("wb") as values_file, (folder / BITS).open("wb") as bits_file:
        _write_header(values_file, source.dtype, shape)
        _write_header(bits_file, np.dtype(np.uint8), (source.count, row_bytes))
        done = 0
        for values, valid in source.chunks(monitor.check):
            values_file.write(np.ascontiguousarray(values, source.dtype).data)
            bits_file.write(np.ascontiguousarray(_bits(valid)).data)
            wholes.append(valid.all(axis=(1, 2, 3)))
            centres.append(values[..., middle, middle].copy())
            held.append(valid[..., middle, middle].copy())
            done += len(values)
            monitor.report(phase, done, source.count, "patches")
    whole = np.concatenate(wholes)
    if whole.all():
        (folder / BITS).unlink()
    np.savez(folder / FACTS, whole=whole, centres=np.concatenate(centres), centres_valid=np.concatenate(held))


def _bits(valid: Valid) -> npt.NDArray[np.uint8]:
    """Return a bit for each value of patches: (patches, bytes)."""
    return np.packbits(valid.reshape(len(valid), -1), axis=1)


def _write_header(stream: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Write what makes a file of values in C order an array of numpy's."""
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
