"""The sink: one message is one block in the store, inserted once and announced when it is visible."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from fengsui import measures, wire
from fengsui.allowance import Allowance
from fengsui.batch import Batch
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.bus.topics import STORED
from fengsui.errors import BadInput, NewerSchema, Stopped
from fengsui.schema import EVENTS
from fengsui.store.protocol import Store
from fengsui.wire import Deletion, Stored

log = logging.getLogger("fengsui.sink")

COMMIT_EVERY = 1.0
TRUST_READ = 30.0
"""Seconds after which the store is asked again whether a message is there: a zombie may have inserted it meanwhile."""


class Sink:
    """Role of the group ``sink`` over the events and findings. ``monotonic`` gives seconds for TRUST_READ;
    ``allowance`` says how many messages may become dead letters."""

    name = "sink"

    def __init__(self, store: Store, bus_id: Callable[[str], str], partitions: Mapping[str, int],
                 monotonic: Callable[[], float], allowance: Allowance | None = None) -> None:  # fmt: skip
        self._store, self._bus_id, self._partitions, self._monotonic = store, bus_id, partitions, monotonic
        self._allowance = allowance or Allowance(self.name)
        self._reset()

    def _reset(self) -> None:
        self._there: dict[Place, dict[int, int]] = {}
        self._todo: deque[tuple[Message, float]] = deque()
        self._positions: dict[Place, int] = {}
        self._outputs: list[Output] = []
        self._stored: list[Stored] = []
        self._letters: set[Place] = set()
        self._paused: dict[Place, NewerSchema] = {}
        self._since: float | None = None

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        """Ask the store what is already there from each position on: a predecessor may have died before its commit."""
        self._reset()
        self._allowance.begin(assignment.positions)
        for place, position in assignment.positions.items():
            self._there[place] = self._store.offsets(_table(place), self._at(place), position)
        return {}

    def _at(self, place: Place) -> Place:
        return wire.at(place, self._bus_id(place.topic))

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        read = self._monotonic()
        self._todo.extend((m, read) for m in messages)
        barrier = self._insert(now)
        if not self._positions:
            return None
        if self._since is None:
            self._since = now
        if messages and not barrier and now - self._since < COMMIT_EVERY:
            return None
        return self._flush()

    @property
    def trouble(self) -> NewerSchema | None:
        """Why it does not read on where it has paused."""
        if not self._paused:
            return None
        return NewerSchema("; ".join(f"{place.topic}/{place.partition}: {e}" for place, e in self._paused.items()))

    def _flush(self) -> Commit:
        announced = wire.stored_outputs(wire.merge(self._stored), self._partitions[STORED])
        marks = self._allowance.remembered(self._letters)
        commit = Commit([*self._outputs, *announced], dict(self._positions), marks)
        self._positions, self._outputs, self._stored, self._since = {}, [], [], None
        self._letters = set()
        return commit

    def _insert(self, now: float) -> bool:
        """Work through what was read. True if it stopped before a message whose predecessors must be committed."""
        while self._todo:
            message, read = self._todo[0]
            place = message.place
            if place in self._paused:
                self._todo.popleft()
                continue
            try:
                content = wire.read_message(message)
                if isinstance(content, Batch) and content.kind != _table(place):
                    raise BadInput(f"rows of {content.kind} in {place.topic}", raw=message.value)
            except NewerSchema as e:
                log.error("%s: %s: paused until this role is upgraded", place, e)
                self._paused[place] = e
                continue
            except BadInput as e:
                try:
                    self._allowance.take(place, now)
                except Stopped:
                    if self._positions:
                        return True
                    raise
                log.error("%s at %d: %s: kept as a dead letter", place, message.offset, e)
                self._outputs.append(wire.dead_letter(message, e))
                self._letters.add(place)
                measures.LETTERS.labels(self.name).inc()
            else:
                if isinstance(content, Deletion):
                    if self._positions:
                        return True
                    self._delete(message, content)
                else:
                    self._insert_once(message, content, read, now)
            self._todo.popleft()
            self._positions[place] = message.offset + 1
        return False

    def _insert_once(self, message: Message, batch: Batch, read: float, now: float) -> None:
        place, table, at = message.place, _table(message.place), self._at(message.place)
        if self._monotonic() - read > TRUST_READ:
            self._there[place] = self._store.offsets(table, at, message.offset)
        there = self._there.get(place, {}).get(message.offset, 0)
        if there == 0:
            if len(batch):
                self._store.insert(table, batch.rows, at, message.offset, wire.token(at, message))
                measures.ROWS.labels(batch.kind).inc(len(batch))
                measures.DELAY.observe(max(0.0, now - batch.column("read_at")[0].value / 1e6))
        elif there != len(batch):
            raise Stopped(f"{place} at {message.offset}: {there} of {len(batch)} rows are in the store")
        if batch.kind in EVENTS and len(batch):
            self._stored += wire.announce(at, message.offset, batch)

    def _delete(self, message: Message, d: Deletion) -> None:
        table, at = _table(message.place), self._at(message.place)
        self._store.delete(table, d.org, d.network, d.origin, at, message.offset)
        self._stored.append(wire.announce_deletion(at, message.offset, table, d))


def _table(place: Place) -> str:
    return "finding" if place.topic == "findings" else place.topic.removeprefix("events.")
