"""A real disk that is soon full: a small file system in memory, where this process may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

KIB = 1024


class SmallDisk:
    """A mounted file system of a few MiB at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / ".ballast"

    def fill(self, leave: int = 0) -> None:
        """Fill it up, but for so many bytes."""
        room = shutil.disk_usage(self.path).free - leave
        with self._ballast.open("ab") as stream:
            stream.write(bytes(max(0, room)))

    def make_space(self) -> None:
        """Take away what it was filled with."""
        self._ballast.unlink(missing_ok=True)

    def files(self, folder: Path | None = None) -> dict[str, bytes]:
        """Return all files by their names, but what it was filled with."""
        root = folder or self.path
        return {
            str(one.relative_to(root)): one.read_bytes()
            for one in sorted(root.rglob("*"))
            if one.is_file() and one != self._ballast
        }


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 8 MiB; the test is skipped where none can be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
