"""Between the flow table and the parsers: events in, rows out.

Work here is by connection that some parser wants and by piece of its stream, never by packet: what no parser wants is
dropped as soon as all have said so, and the flow table then stops telling of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.network import runs
from collectors.network.layout import CLOSE, DATA, DATAGRAM, EVENTS, GAP
from collectors.network.output import Outbox, Part
from collectors.network.parsers.base import DatagramParser, Datagrams, Keep, Rows, Stream, StreamParser
from collectors.network.reassembly import Budget, Piece, Side
from collectors.network.table import Table

Array = NDArray[Any]
FIRST_PART, PART = 4, 16  # runs read at a time: most connections are told apart by the first few
SERVICES = {"tls": "ssl", "http": "http"}  # labels by kinds of rows: some come out of tunnels and STARTTLS
EARLY = 64  # pieces kept while nobody recognises the connection


class Connection:
    """A TCP connection that is being probed (``stream`` is None) or parsed. Sides are by ``orig``: resp, orig."""

    __slots__ = ("asked", "early", "heads", "port", "serial", "sides", "stream")

    def __init__(self, serial: int, port: int, budget: Budget, limit: int, asked: Sequence[int]) -> None:
        self.serial, self.port, self.asked = serial, port, asked
        self.sides = (Side(budget, limit), Side(budget, limit))
        self.stream: Stream | None = None
        self.heads = [b"", b""]
        self.early: list[tuple[bool, Piece, int]] = []


@dataclass(frozen=True)
class Limits:
    """Bounds of the state kept for parsers, in connections and bytes."""

    streams: int
    held: int
    held_total: int
    probe: int


class Applications:
    """Runs the parsers of one decoder."""

    def __init__(
        self, table: Table, streams: Sequence[StreamParser], datagrams: Sequence[DatagramParser], limits: Limits,
        keep: Keep,
    ) -> None:  # fmt: skip
        self.table, self.streams, self.datagrams, self.limits, self.keep = table, streams, datagrams, limits, keep
        self.names = [p.name for p in streams]
        self.names += sorted({p.name for p in datagrams} - set(self.names))
        self._services = {k: self.names.index(n) for k, n in SERVICES.items() if n in self.names}
        self.connections: dict[int, Connection] = {}
        self.budget = Budget(limits.held_total)
        self.dropped = 0  # connections given up because there were too many
        self.orphans = 0  # rows whose flow was forgotten before they came
        self._rows: dict[str, tuple[list[int], list[int], list[dict[str, Any]]]] = {}
        self._columns: list[Rows] = []
        self._ordinals: dict[str, tuple[Array, Array]] = {}
        self._scratch = np.zeros(runs.RUN_BYTES, np.uint8)
        self._runs = np.zeros((len(table.events), runs.RUN_WORDS), np.int64)
        self._wanted = [_port_table(p.ports) for p in datagrams]
        self._all = tuple(range(len(streams)))
        self._recognised: dict[int, list[int]] = {}
        self._unwanted: list[int] = []
        self._now = 0
        for p in datagrams:
            for port in p.ports:
                table.ports[port] = 1

    # -- from the flow table

    def take(self, buffer: Array) -> None:
        """Give the parsers the events gathered so far; their payload lies in ``buffer``."""
        n = int(self.table.counters[EVENTS])
        self.table.counters[EVENTS] = 0
        events = self.table.events[:n]
        kinds = events["kind"]
        packets = events[kinds == DATAGRAM]
        if len(packets):
            self._take_datagrams(buffer, packets)
        if len(packets) < n:
            order = np.nonzero(kinds != DATAGRAM)[0]
            order = order[np.argsort(events["serial"][order], kind="stable")]
            self._take_streams(buffer, events, order)

    def _take_datagrams(self, buffer: Array, packets: Array) -> None:
        mask = len(self.table.idents) - 1
        who = self.table.idents[packets["serial"] & mask]
        for parser, wanted in zip(self.datagrams, self._wanted, strict=True):
            mine = packets[wanted[who["dst_port"]] | wanted[who["src_port"]]]
            if not len(mine):
                continue
            self._columns += parser.feed(Datagrams(
                buffer, np.ascontiguousarray(mine["start"]), np.ascontiguousarray(mine["size"]),
                np.ascontiguousarray(mine["ts"]), np.ascontiguousarray(mine["serial"]), mine["orig"].astype(np.bool_),
            ))  # fmt: skip
            known = parser.recognised()
            if len(known):
                self._label(np.unique(known), self.names.index(parser.name))

    def _label(self, serials: Array, parser: int) -> None:
        at = serials & (len(self.table.idents) - 1)
        at = at[self.table.idents["serial"][at] == serials]
        self.table.idents["labels"][at] |= np.uint32(1 << parser)

    def _take_streams(self, buffer: Array, events: Array, order: Array) -> None:
        n = runs.join(events, order, self._runs)
        serials = self._runs[:n, runs.SERIAL]
        starts = np.concatenate([[0], np.nonzero(np.diff(serials))[0] + 1]) if n else np.zeros(0, np.int64)
        groups = serials[starts]
        who = self.table.idents[groups & (len(self.table.idents) - 1)]
        known = (who["serial"] == groups).tolist()
        begins = (self._runs[starts, runs.KIND] == DATA).tolist()
        ports, bounds = who["dst_port"].tolist(), [*starts.tolist(), n]
        for k, serial in enumerate(groups.tolist()):
            c = self.connections.get(serial)
            if c is None and begins[k] and known[k]:
                c = self._open(serial, ports[k])
            if c is not None:
                self._run(c, buffer, events, order, bounds[k], bounds[k + 1])
        self._mark()

    def _open(self, serial: int, port: int) -> Connection:
        if len(self.connections) >= self.limits.streams:
            self._finish(next(iter(self.connections.values())), self._now)
            self.dropped += 1
        c = Connection(serial, port, self.budget, self.limits.held, self._all)
        self.connections[serial] = c
        return c

    def _run(self, c: Connection, buffer: Array, events: Array, order: Array, first: int, end: int) -> None:
        """Feed the pieces of one connection until no parser wants more. Most stop early, so runs are read in parts."""
        part = FIRST_PART
        while first < end:
            last = min(first + part, end)
            part = PART
            for count, kind, orig, seq, size, ts, start, at in self._runs[first:last, runs.COUNT :].tolist():
                if kind == CLOSE:
                    self._finish(c, ts)
                    return
                side = c.sides[orig]
                if kind == GAP:
                    pieces: Iterable[Piece] = side.skip(seq)
                else:
                    if count == 1:
                        data = buffer[start : start + size].tobytes()
                    else:
                        runs.gather(buffer, events, order, at, count, self._scratch)
                        data = self._scratch[:size].tobytes()
                    if seq == side.next and not side.held:
                        side.next += size
                        pieces = (data,)
                    else:
                        pieces = side.add(seq, data)
                for piece in pieces:
                    if not self._feed(c, orig == 1, piece, ts):
                        self._unwant(c, ts)
                        return
            first = last

    # -- to the parsers

    def _feed(self, c: Connection, orig: bool, piece: Piece, ts: int) -> bool:
        stream = c.stream
        if stream is None:
            return self._probe(c, orig, piece, ts)
        if isinstance(piece, int):
            return stream.gap(orig, piece, ts)
        return stream.data(orig, piece, ts)

    def _probe(self, c: Connection, orig: bool, piece: Piece, ts: int) -> bool:
        """Ask each parser whether the connection is its own; open the first that says so."""
        limit, heads = self.limits.probe, c.heads
        c.early.append((orig, piece, ts))
        if isinstance(piece, bytes) and len(heads[orig]) < limit:
            heads[orig] = (heads[orig] + piece[:limit])[:limit]
        left = []
        for k in c.asked:
            answer = self.streams[k].probe(heads[1], heads[0], c.port)
            if answer:
                return self._recognise(c, k)
            if answer is None:
                left.append(k)
        c.asked = left
        return bool(left) and len(heads[0]) < limit and len(heads[1]) < limit and len(c.early) < EARLY

    def _recognise(self, c: Connection, parser: int) -> bool:
        stream = c.stream = self.streams[parser].open(partial(self._emit, c.serial), self.keep)
        self._recognised.setdefault(parser, []).append(c.serial)
        early, c.early, c.heads = c.early, [], [b"", b""]
        for orig, piece, ts in early:
            if not (stream.gap(orig, piece, ts) if isinstance(piece, int) else stream.data(orig, piece, ts)):
                return False
        return True

    def _emit(self, serial: int, kind: str, ts: int, **columns: Any) -> None:
        serials, times, rows = self._rows.setdefault(kind, ([], [], []))
        serials.append(serial)
        times.append(ts)
        rows.append(columns)
        service = self._services.get(kind)
        if service is not None:
            self._recognised.setdefault(service, []).append(serial)

    def _unwant(self, c: Connection, ts: int) -> None:
        """No parser wants more, or the connection ended."""
        if c.stream is not None:
            c.stream.close(ts)
        for side in c.sides:
            if side.held:
                side.drop()
        self._unwanted.append(c.serial)
        self.connections.pop(c.serial, None)

    def _finish(self, c: Connection, ts: int) -> None:
        """The connection is over: give what was held back, then close."""
        for orig, side in ((True, c.sides[1]), (False, c.sides[0])):
            for piece in side.flush() if side.held else ():
                if not self._feed(c, orig, piece, ts):
                    self._unwant(c, ts)
                    return
        self._unwant(c, ts)

    def _mark(self) -> None:
        """Write what was found out into the table: labels, and of which flows it need not tell any more."""
        for parser, found in self._recognised.items():
            self._label(np.array(found, np.int64), parser)
        serials = np.array(self._unwanted, np.int64)
        who = self.table.idents[serials & (len(self.table.idents) - 1)]
        self.table.flows["unwanted"][who["slot"][(who["serial"] == serials) & (who["live"] != 0)]] = 1
        self._recognised, self._unwanted = {}, []

    # -- to the outbox

    def expire(self, now: int) -> None:
        """It is ``now`` (microseconds of packet time)."""
        self._now = now
        for parser in self.datagrams:
            self._columns += parser.expire(now)

    def finish(self) -> None:
        """The capture is over; all flows were removed, so only datagram parsers hold something."""
        for c in list(self.connections.values()):
            self._finish(c, self._now)
        self._mark()
        for parser in self.datagrams:
            self._columns += parser.finish()

    def post(self, outbox: Outbox) -> None:
        """Hand over the rows since the last call, while the table still knows their flows."""
        columns, self._columns = self._columns, []
        for r in columns:
            if len(r.ts):
                self._post(outbox, r.kind, np.asarray(r.flow, np.int64), np.asarray(r.ts, np.int64), r.columns, [])
        rows, self._rows = self._rows, {}
        for kind, (flows, times, dicts) in rows.items():
            self._post(outbox, kind, np.array(flows, np.int64), np.array(times, np.int64), None, dicts)

    def _post(
        self, outbox: Outbox, kind: str, serials: Array, ts: Array, columns: dict[str, Any] | None,
        dicts: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        who = self.table.idents[serials & (len(self.table.idents) - 1)]
        known = who["serial"] == serials
        if not known.all():
            self.orphans += int((~known).sum())
            keep = np.nonzero(known)[0]
            serials, ts, who = serials[keep], ts[keep], who[keep]
            columns = None if columns is None else {k: _pick(v, keep) for k, v in columns.items()}
            dicts = [dicts[i] for i in keep] if dicts else []
        numbers = np.zeros(len(serials), np.uint32)
        if kind not in self._ordinals:
            places = len(self.table.idents)
            self._ordinals[kind] = np.zeros(places, np.int64), np.zeros(places, np.uint32)
        runs.ordinals(serials, *self._ordinals[kind], numbers)
        outbox.add(kind, Part(who, ts, numbers, columns, dicts))

    def apps(self, flows: Array) -> pa.Array:
        """Labels of finished flows: names of the parsers that recognised them, sorted, joined by commas."""
        serials = flows["serial"]
        idents = self.table.idents[serials & (len(self.table.idents) - 1)]
        masks = np.where((serials >= 0) & (idents["serial"] == serials), idents["labels"], 0).astype(np.int64)
        kinds, inverse = np.unique(masks, return_inverse=True)
        names = [",".join(sorted(n for i, n in enumerate(self.names) if int(m) >> i & 1)) for m in kinds]
        return pa.array(names, pa.string()).take(pa.array(inverse.astype(np.int64)))


def _port_table(ports: frozenset[int]) -> NDArray[np.bool_]:
    table = np.zeros(65536, np.bool_)
    table[list(ports)] = True
    return table


def _pick(values: Any, keep: Array) -> Any:
    if isinstance(values, list):
        return [values[i] for i in keep]
    return values.take(pa.array(keep)) if isinstance(values, (pa.Array, pa.ChunkedArray)) else values[keep]

