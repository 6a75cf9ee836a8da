"""What can go wrong with the engine or with what it was asked. Standard library alone."""

from __future__ import annotations

from ...engine.protocol import KIND_CANCELLED, KIND_ENGINE


class EngineError(Exception):
    """A request that failed, said in one sentence for the user.

    Parameters
    ----------
    message
        What is wrong.
    kind
        One of the kinds of ``engine.protocol``: ``input``, ``cancelled``, ``protocol``, ``defect``, ``engine``.
    remedy
        What to do about it; may be empty.
    detail
        The end of the engine's standard error, for a report; may be empty.
    """

    def __init__(self, message: str, kind: str = KIND_ENGINE, remedy: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.remedy = remedy
        self.detail = detail

    @property
    def cancelled(self) -> bool:
        """Whether the user asked for this end."""
        return self.kind == KIND_CANCELLED

    def sentence(self) -> str:
        """Return the message, with the remedy where there is one that it does not already say."""
        if not self.remedy or self.remedy in self.message:
            return self.message
        return f"{self.message} {self.remedy}"
