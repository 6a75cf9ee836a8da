"""How a command answers: notes on standard error; on standard output words, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click


def say_notes(notes: Iterable[str]) -> None:
    """Print what is worth knowing to standard error."""
    for note in notes:
        click.echo(f"Note: {note}", err=True)


def say(answer: dict[str, Any], as_json: bool, words: str) -> None:
    """Print an answer as one JSON object, or in words."""
    click.echo(json.dumps(answer, allow_nan=False) if as_json else words)
