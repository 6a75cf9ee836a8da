"""Values kept on disk from run to run, in one small JSON file."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

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
        partial = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(values), encoding="utf-8")
            partial.replace(self._file)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
