"""The collector: sources become messages, with the mark of each origin in the same commit as its rows."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pyarrow as pa

from collectors.source import Mark, NotYet, Piece, Read, Report, Source, Whole
from fengsui import wire
from fengsui.batch import MAX_ROWS, Batch, Identity, concat, stamp
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.bus.topics import DEAD, events
from fengsui.errors import BadInput
from fengsui.finding import HOUR_US
from fengsui.wire import DeadLetter, Deletion

log = logging.getLogger("fengsui.collect")

FLUSH_BYTES = 64_000_000
MAX_FAULTS = 1000
"""Faults of a source that are told one by one; the others are counted. All are dead letters."""


class Collector:
    """A role without input from the bus: reads its sources one after another, each as whose it is.

    ``mark`` reads what was last committed under a key; ``again`` deletes the rows of an origin that was read before and
    reads it anew. ``key`` is the collector's slot: all its messages of a kind go to one partition, in order. ``to`` is
    the topic of a kind.
    """

    def __init__(self, sources: Sequence[tuple[Source, Identity]], mark: Callable[[str], bytes | None], *,
                 key: str = "0", again: bool = False, to: Callable[[str], str] = events) -> None:  # fmt: skip
        self.name = "collect"
        self._to = to
        self.reports: list[Report] = []
        self._sources, self._mark = sources, mark
        self._key, self._again = key, again
        self._read_again: set[str] = set()
        self._steps: Iterator[None] = iter(())
        self._packer = _Packer(key, to)
        self._now = 0
        self.done = False

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        """Begin from the marks."""
        self._packer = _Packer(self._key, self._to)
        self.reports = []
        self.done = False
        self._steps = self._all()
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        """Read until a message is full or all is read."""
        self._now = int(now * 1_000_000)
        while not self.done and not self._packer.full():
            if next(self._steps, self) is self:
                self.done = True
        return None if self._packer.empty() else self._packer.flush(self._now)

    def _all(self) -> Iterator[None]:
        for source, identity in self._sources:
            yield from self._one(source, identity)

    def _one(self, source: Source, configured: Identity) -> Iterator[None]:
        report = Report(source.place)
        self.reports.append(report)
        try:
            report.origin = source.origin()
            if not report.origin:
                return  # nothing in it yet
            identity = self._known(source, replace(configured, origin=report.origin, source=source.kind))
            report.origin = identity.origin
            mark = self._resume(source, identity)
            if mark is None:
                self._already(report, identity)
                self._remember(source, identity)
                return
            report.replaced = self._supersede(source, identity)
            yield from self._pieces(source, mark, report)
        except NotYet:
            report.origin = ""
        except BadInput as e:  # a source without an origin: nothing of it can be kept but its name
            report.faults.append(str(e))
            log.warning("%s", e)

    def _known(self, source: Source, identity: Identity) -> Identity:
        """The identity under which it was read before, or a fresh one.

        Two logs may begin with the same line (an hourly list of open connections does): one whose beginning is not what
        was read is another log, and gets an origin of its own.
        """
        first, k = identity.origin, 0
        while (old := self._load(identity)) is not None and not source.continues(old.position or 0, old.seal):
            k += 1
            identity = replace(identity, origin=f"{first}~{k}")
        return identity

    def _resume(self, source: Source, identity: Identity) -> Mark | None:
        """Where to begin: a new mark, the one left (with what was sent), or None if all of it was read."""
        old = self._load(identity)
        fresh = Mark(identity, source.digest(), self._now)
        if old is None:
            self._read_again.add(mark_key(identity))
            return fresh
        again = self._again and mark_key(identity) not in self._read_again
        if old.done and not again and not source.resumes:
            return None
        self._read_again.add(mark_key(identity))
        if again or (old.digest != source.digest() and not old.done):
            self._packer.delete(old)
            return replace_mark(fresh, identity=old.identity)
        return replace_mark(old, done=False)

    def _supersede(self, source: Source, identity: Identity) -> str:
        """Delete what was sent of a capture that was read before it was whole; the origin it had then, or nothing."""
        if not isinstance(source, Whole):
            return ""
        known = [self._mark(_head_key(identity, head)) for head in source.heads]
        olds = [msgspec.json.decode(raw, type=Read) for raw in known if raw is not None]
        old = next((o for o in olds if source.began_as(o.size, o.origin)), None)
        if old is None:
            return ""
        then = replace(identity, origin=old.origin)
        mark = self._load(then)
        if mark is None or self._packer.pending(then) is not None:
            return ""
        self._packer.delete(mark)
        self._packer.forget(mark)
        return old.origin

    def _remember(self, source: Source, identity: Identity) -> None:
        """What a capture was when it was read, in case it grows."""
        if isinstance(source, Whole) and source.heads:
            key, read = _head_key(identity, source.heads[0]), msgspec.json.encode(Read(identity.origin, source.size))
            if self._mark(key) != read:
                self._packer.remember(key, read)

    def _load(self, identity: Identity) -> Mark | None:
        pending = self._packer.pending(identity)  # the same capture in two folders: its mark may still wait here
        if pending is not None:
            return pending
        raw = self._mark(mark_key(identity))
        return None if raw is None else msgspec.json.decode(raw, type=Mark)

    def _already(self, report: Report, identity: Identity) -> None:
        mark = self._load(identity)
        assert mark is not None
        report.rows, report.already, report.read_at = dict(mark.rows), sum(mark.rows.values()), mark.read_at
        report.unchanged = True

    def _pieces(self, source: Source, mark: Mark, report: Report) -> Iterator[None]:
        """Its pieces from the mark on; rows that were sent are dropped, unless the source resumes by position."""
        skip = {} if source.resumes else dict(mark.rows)
        skip_bad = 0 if source.resumes else mark.bad
        before = dict(mark.rows)
        pieces = source.pieces(mark.identity, mark.position)
        while True:
            fault: BadInput | None = None
            try:
                piece = next(pieces, None)
            except BadInput as e:
                piece, fault = Piece(), e
            if piece is None:
                break
            batches = [b for b in (_drop(b, skip) for b in piece.batches) if len(b)]
            bad = [*piece.bad, *([fault] if fault else [])]
            _tell(report, bad)
            fresh_bad, skip_bad = bad[skip_bad:], max(0, skip_bad - len(bad))
            mark = self._packer.add(batches, fresh_bad, mark, piece)
            report.rows = {k: n - before.get(k, 0) for k, n in mark.rows.items() if n > before.get(k, 0)}
            yield
            if fault:
                break
        self._remember(source, mark.identity)
        mark = self._packer.add([], [], replace_mark(mark, done=True), Piece(position=mark.position, seal=mark.seal))
        report.already = sum(before.values())
        report.unchanged = bool(before) and not report.rows
        report.read_at = mark.read_at
        yield


def _tell(report: Report, bad: Sequence[BadInput]) -> None:
    room = max(0, MAX_FAULTS - len(report.faults))
    report.faults += [str(e) for e in bad[:room]]
    report.more_faults += len(bad[room:])


def mark_key(identity: Identity) -> str:
    return f"origin/{identity.org}/{identity.network}/{identity.origin}"


def _head_key(identity: Identity, head: str) -> str:
    return f"head/{identity.org}/{identity.network}/{head}"


def replace_mark(mark: Mark, **changes: object) -> Mark:
    return msgspec.structs.replace(mark, **changes)


def _drop(batch: Batch, skip: dict[str, int]) -> Batch:
    n = min(skip.get(batch.kind, 0), len(batch))
    if n:
        skip[batch.kind] -= n
        return batch.slice(n)
    return batch


class _Packer:
    """Rows on their way into messages, with the marks that go with them."""

    def __init__(self, key: str, to: Callable[[str], str]) -> None:
        self._key, self._to = key, to
        self._clear()

    def _clear(self) -> None:
        self._batches: dict[str, list[Batch]] = {}
        self._first: list[Output] = []
        self._letters: list[Output] = []
        self._marks: dict[str, Mark] = {}
        self._others: dict[str, bytes | None] = {}
        self._bytes = 0

    def pending(self, identity: Identity) -> Mark | None:
        return self._marks.get(mark_key(identity))

    def empty(self) -> bool:
        return not self._marks and not self._others

    def full(self) -> bool:
        rows = max((sum(map(len, bs)) for bs in self._batches.values()), default=0)
        return max(rows, len(self._letters)) >= MAX_ROWS or self._bytes >= FLUSH_BYTES

    def delete(self, mark: Mark) -> None:
        """Have what was sent of an origin deleted: deletions go out before all rows that wait here."""
        i = mark.identity
        if mark_key(i) in self._marks:
            raise AssertionError("rows of this origin wait, and would survive their deletion")
        for kind in mark.rows:
            hours = tuple(h for a, b in mark.hours.get(kind, []) for h in range(a, b + 1, HOUR_US))
            deletion = Deletion(i.org, i.network, i.origin, hours)
            self._first.append(wire.deletion_output(kind, self._key, deletion, self._to(kind)))

    def forget(self, mark: Mark) -> None:
        self._others[mark_key(mark.identity)] = None

    def remember(self, key: str, value: bytes) -> None:
        self._others[key] = value

    def add(self, batches: Sequence[Batch], bad: Sequence[BadInput], mark: Mark, piece: Piece) -> Mark:
        """Take rows and dead letters of one origin; the mark that holds once they are sent."""
        rows, hours = dict(mark.rows), dict(mark.hours)
        for b in batches:
            self._batches.setdefault(b.kind, []).append(b)
            self._bytes += b.rows.nbytes
            rows[b.kind] = rows.get(b.kind, 0) + len(b)
            hours[b.kind] = _join(hours.get(b.kind, []), b)
        i = mark.identity
        for e in bad:
            place = os.fsencode(e.place).decode(errors="replace")  # a file's name may be no text
            letter = DeadLetter(e.raw, e.reason, place, -1 if e.at is None else e.at, i.org, i.network, i.origin)
            self._letters.append(Output(DEAD, i.org, msgspec.msgpack.encode(letter)))
            self._bytes += len(self._letters[-1].value)
        at, seal = (mark.position, mark.seal) if piece.position is None else (piece.position, piece.seal)
        mark = replace_mark(mark, rows=rows, hours=hours, bad=mark.bad + len(bad), position=at, seal=seal)
        self._marks[mark_key(i)] = mark
        return mark

    def flush(self, read_at: int) -> Commit:
        outputs = [*self._first]
        for parts in self._batches.values():
            whole = stamp(concat(parts), read_at)
            outputs += wire.event_outputs(whole, self._key, self._to(whole.kind))
        outputs += self._letters
        marks = self._others | {k: msgspec.json.encode(m) for k, m in self._marks.items()}
        self._clear()
        return Commit(outputs, {}, marks)


def _join(runs: list[tuple[int, int]], batch: Batch) -> list[tuple[int, int]]:
    """Runs of whole hours (first, last; microseconds) with those of a batch."""
    ts = np.unique(batch.column("ts").cast(pa.int64()).to_numpy() // HOUR_US).tolist()
    hours = sorted({h for a, b in runs for h in range(a // HOUR_US, b // HOUR_US + 1)} | set(ts))
    out: list[tuple[int, int]] = []
    for h in hours:
        if out and out[-1][1] == (h - 1) * HOUR_US:
            out[-1] = (out[-1][0], h * HOUR_US)
        else:
            out.append((h * HOUR_US, h * HOUR_US))
    return out
