"""How many messages of a partition may become dead letters: where nearly all do, it is not the input that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from fengsui.bus.protocol import Place
from fengsui.errors import Stopped

PERIOD = 3600.0
"""Seconds over which dead letters are counted."""


class _Count(msgspec.Struct, frozen=True):
    since: float
    letters: int


class Allowance:
    """Counted by partition in marks that are committed with the letters, so that a restart does not begin at nothing.

    ``limit`` letters an hour, 0 for any number; ``marks`` reads what is remembered on the bus.
    """

    def __init__(self, group: str, limit: int = 0, marks: Callable[[str], Mapping[str, bytes]] = lambda _: {}) -> None:
        self._prefix, self._limit, self._marks = f"letters/{group}/", limit, marks
        self._counts: dict[Place, _Count] = {}

    def begin(self, places: Iterable[Place]) -> None:
        """With a new assignment: go on counting where the last holder of these partitions was."""
        known = self._marks(self._prefix) if self._limit else {}
        found = {p: known.get(self._key(p)) for p in places}
        self._counts = {p: msgspec.json.decode(raw, type=_Count) for p, raw in found.items() if raw is not None}

    def take(self, place: Place, now: float) -> None:
        """Count one more at ``now`` (seconds). Raises Stopped, and counts nothing, beyond the limit."""
        count = self._counts.get(place, _Count(now, 0))
        if now - count.since >= PERIOD:
            count = _Count(now, 0)
        if self._limit and count.letters >= self._limit:
            raise Stopped(
                f"{place}: {count.letters} messages became dead letters within an hour, which is the limit "
                "(dead_letter_limit): this one is not read. Look at them with `fengsui letters list`; then raise the "
                "limit or wait, and start this role again"
            )
        self._counts[place] = _Count(count.since, count.letters + 1)

    def remembered(self, places: Iterable[Place]) -> dict[str, bytes | None]:
        """The marks to commit with the letters of these partitions."""
        if not self._limit:
            return {}
        return {self._key(p): msgspec.json.encode(self._counts[p]) for p in places if p in self._counts}

    def _key(self, place: Place) -> str:
        return f"{self._prefix}{place.topic}/{place.partition}"
