"""What can be wrong with a model or with what is asked of one. Standard library alone."""

from __future__ import annotations


class ModelError(ValueError):
    """A model, or a wish about one, that can't be used; the message is one sentence for its user."""


class CardError(ModelError):
    """A file that holds no card, or a card that can't be read."""


class ScaleError(ModelError):
    """A scale that no branch can have; the message names the neighbouring ones that can be had."""
