"""Why a job ends before it is done."""

from __future__ import annotations


class InputError(ValueError):
    """The user's input can't be used; the message is one sentence: what, which file or value, what to do."""


def reason_of(error: BaseException) -> str:
    """Return why something failed in words alone: what the system says of a file, without number and name."""
    return getattr(error, "strerror", None) or str(error)


class Cancelled(Exception):  # noqa: N818 (no fault of anybody's)
    """The user asked for the job to stop."""
