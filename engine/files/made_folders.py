"""Folders that a run makes, and takes away again where nothing came of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class MadeFolders:
    """Makes ``folder`` and its parents.

    Raises
    ------
    OSError
        It can't be made; then none of them is there.
    """

    def __init__(self, folder: Path) -> None:
        self._new = [one for one in (folder, *folder.parents) if not one.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            self.remove_empty()
            raise

    def remove_empty(self) -> None:
        """Take those away that were made here and are empty."""
        for folder in self._new:
            with suppress(OSError):
                folder.rmdir()
