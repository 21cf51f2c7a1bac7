"""Pack: small messages of very many collectors become full ones, in the same step as every role.

What a sink does for a message costs as much as thousands of its rows (docs/scaling.md), so where ten thousand
collectors each cut a message a second, one of these stands between: it reads ``small.<kind>`` and writes
``events.<kind>``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fengsui import measures, wire
from fengsui.allowance import Allowance
from fengsui.batch import MAX_ROWS, Batch, concat, stamp
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.bus.topics import SMALL
from fengsui.errors import BadInput
from fengsui.wire import Deletion

log = logging.getLogger("fengsui.pack")

FLUSH = 1.0
"""Seconds that rows wait at most for others."""
MAX_HELD = 64_000_000
"""Bytes of rows in hand after which they go out."""


class Pack:
    """Role of the group ``pack`` over the small messages. Rows of a partition stay in order and in one partition, so
    a deletion still comes after what it deletes. The packed message has a ``read_at`` of its own, being one block."""

    name = "pack"

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance(self.name)
        self._reset()

    def _reset(self) -> None:
        self._rows: dict[Place, list[Batch]] = {}
        self._outputs: list[Output] = []
        self._after: dict[Place, int] = {}
        self._bad: set[Place] = set()
        self._since: float | None = None

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        self._reset()
        self._allowance.begin(assignment.positions)
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        """Raises NewerSchema for a message of a newer version: nothing of its partition can be passed by."""
        for m in messages:
            self._take(m, now)
            self._after[m.place] = m.offset + 1
        if not self._after:
            return None
        if self._since is None:
            self._since = now
        if not self._full() and now - self._since < FLUSH:
            return None
        for place in sorted(self._rows):
            self._write(place, now)
        marks = self._allowance.remembered(self._bad)
        commit = Commit(self._outputs, self._after, marks)
        self._reset()
        return commit

    def _take(self, m: Message, now: float) -> None:
        try:
            content = wire.read_message(m)
            if isinstance(content, Batch) and content.kind != _kind(m.place):
                raise BadInput(f"rows of {content.kind} in {m.place.topic}", raw=m.value)
        except BadInput as e:
            self._allowance.take(m.place, now)
            log.error("%s at %d: %s: kept as a dead letter", m.place, m.offset, e)
            measures.LETTERS.labels(self.name).inc()
            self._outputs.append(wire.dead_letter(m, e))
            self._bad.add(m.place)
            return
        if isinstance(content, Deletion):
            self._write(m.place, now)
            self._outputs.append(wire.deletion_output(_kind(m.place), _key(m.place), content))
        else:
            self._rows.setdefault(m.place, []).append(content)

    def _full(self) -> bool:
        held = [sum(map(len, batches)) for batches in self._rows.values()]
        size = sum(b.rows.nbytes for batches in self._rows.values() for b in batches)
        return max(held, default=0) >= MAX_ROWS or size >= MAX_HELD

    def _write(self, place: Place, now: float) -> None:
        batches = self._rows.pop(place, [])
        if batches:
            whole = stamp(concat(batches), int(now * 1_000_000))
            self._outputs += wire.event_outputs(whole, _key(place))


def _kind(place: Place) -> str:
    return place.topic.removeprefix(SMALL)


def _key(place: Place) -> str:
    """Of everything from a partition: it goes to one partition."""
    return f"pack/{place.partition}"
