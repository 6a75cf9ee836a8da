"""Values kept on disk from run to run, in one small JSON file."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...models.whole_file import write_whole

MOST = 10_000  # entries; beyond it the oldest go


class KeptValues:
    """JSON values by key, in ``file``; where it can't be read or written they are not kept."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, key: str) -> Any:
        """Return the value of a key, None where there is none."""
        return self._all().get(key)

    def keep(self, key: str, value: Any) -> None:
        """Keep a value; the file is always whole, whoever else writes it."""
        values = self._all()
        values.pop(key, None)
        values[key] = value
        values = dict(list(values.items())[-MOST:])
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, json.dumps(values), lasting=False)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
