"""What maps are called in tables and charts: by file, and by folder where files share their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path


def map_names(files: Iterable[str]) -> dict[str, str]:
    """Return each file's name, with as many of its folders before it as tell it from the other files.

    ``futures/today/x.tif`` and ``futures/2050/x.tif`` are called ``today/x.tif`` and ``2050/x.tif``.
    """
    parts = {file: (*Path(file).parent.resolve().parts, Path(file).name) for file in files}
    ends = Counter(one[-count:] for one in set(parts.values()) for count in range(1, len(one) + 1))
    return {
        file: Path(
            *next(mine[-count:] for count in range(1, len(mine) + 1) if ends[mine[-count:]] == 1)
        ).as_posix()
        for file, mine in parts.items()
    }
