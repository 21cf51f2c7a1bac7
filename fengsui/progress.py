"""What long work says of itself: a callback that takes a fraction, so that nobody below the edge knows a terminal."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from time to time with what is done and the whole (0 if unknown), in ``unit``."""

    def __call__(self, done: int, total: int, unit: str) -> None: ...


def silent(done: int, total: int, unit: str) -> None:
    """Say nothing."""
