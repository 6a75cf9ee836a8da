"""What people read keeps to docs/words.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = [
    path
    for part in ("plugin", "engine", "models", "docs")
    for path in sorted((ROOT / part).rglob("*"))
    if path.suffix in {".py", ".md", ".jinja", ".toml"} and path.name != "words.md"
]
READ.append(ROOT / "README.md")


@pytest.mark.parametrize(
    "words", [r"\bunless told\b", r"\b[Mm]end(ed|ing)?\b", r"\banew\b", r"can['’]t be had"]
)
def test_words_that_readers_stumble_over_are_gone(words: str) -> None:
    assert len(READ) > 300
    found = [path for path in READ if re.search(words, re.sub(r"\s+", " ", path.read_text(encoding="utf-8")))]
    assert not found
