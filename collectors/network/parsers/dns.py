"""DNS over UDP (also multicast DNS, LLMNR and NetBIOS names) and over TCP: one row a transaction, as Zeek's dns.log.

Differences from Zeek: an answer whose query was not seen has the type and class of its own question.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.network.parsers import dns_wire as wire
from collectors.network.parsers.base import Datagrams, Emit, Keep, Rows, Stream
from collectors.network.parsers.dns_answers import answers
from collectors.network.parsers.dns_names import RCODES, type_name

PORTS = frozenset({53, 137, 5353, 5355})
WAIT_US = 10_000_000  # as Zeek waits for an answer
BUCKETS = 8192  # of eight queries each
CHUNK = 2048
STREAM_BUCKETS, STREAM_CHUNK = 512, 64  # for all connections of one decoder
EVER = int(np.iinfo(np.int64).max)
MAX_BUFFER = 1 << 17

_RCODES = pa.array([*RCODES, ""], pa.string())


class Joiner:
    """Turns messages of many flows into transactions. Holds a table of fixed size."""

    def __init__(self, buckets: int = BUCKETS, chunk: int = CHUNK) -> None:
        self._table = wire.table(buckets)
        self._chunk = chunk
        self._parsed = wire.parsed(chunk)
        self._joined = wire.joined(2 * chunk)
        self._texts = wire.answers(chunk)
        self.known = np.zeros(0, np.int64)

    def feed(self, m: Datagrams) -> list[Rows]:
        out: list[Rows] = []
        known: list[NDArray[np.int64]] = []
        for lo in range(0, len(m.start), self._chunk):
            hi = min(lo + self._chunk, len(m.start))
            wire.parse(m.data, m.start, m.size, lo, hi, self._parsed)
            known.append(m.flow[lo:hi][self._parsed.ok[: hi - lo]])
            n = wire.join(self._table, self._parsed, m.flow, m.ts, lo, hi, self._joined)
            if n:
                out.append(self._rows(n, m, lo))
        self.known = np.unique(np.concatenate(known)) if known else self.known[:0]
        return out

    def expire(self, before: int, flow: int = -1) -> list[Rows]:
        """Rows for the queries asked before ``before`` (microseconds) that nobody answered, in one flow or in all."""
        out: list[Rows] = []
        while n := wire.expire(self._table, before, flow, self._joined):
            out.append(self._rows(n, None, 0))
        return out

    def _rows(self, n: int, m: Datagrams | None, lo: int) -> Rows:
        j = self._joined
        asked, answered = j.query_flags[:n], j.answer_flags[:n]
        seen, flags = answered >= 0, np.where(answered >= 0, answered, 0)
        either = np.where(asked >= 0, asked, answered)
        texts, ttls = self._answers(n, m, lo)
        columns: dict[str, Any] = {
            "trans_id": j.tid[:n].astype(np.uint16),
            "query": _strings(j.names, j.offset[:n], j.length[:n]),
            "qtype": _types(j.qtype[:n]),
            "qclass": np.maximum(j.qclass[:n], 0).astype(np.uint16),
            "rcode": _RCODES.take(pa.array(np.where(seen, flags & 15, len(RCODES)))),
            "aa": flags & 0x400 != 0,
            "tc": flags & 0x200 != 0,
            "rd": either & 0x100 != 0,
            "ra": flags & 0x80 != 0,
            "answers": texts,
            "ttls": ttls,
            "rtt": pa.array(j.rtt[:n] / 1e6, mask=j.rtt[:n] < 0),
        }
        return Rows("dns", j.flow[:n].copy(), j.ts[:n].copy(), columns)

    def _answers(self, n: int, m: Datagrams | None, lo: int) -> tuple[pa.Array, pa.Array]:
        """The answers of each row: addresses and names compiled, what is left over by Python."""
        counts = np.zeros(n, np.int32)
        index = self._joined.message[:n]
        number = np.where(index >= 0, self._parsed.answers[np.maximum(index - lo, 0)], 0) if m is not None else counts
        rows = np.nonzero(number)[0]
        if m is None or not len(rows):
            return _lists(counts, pa.array([], pa.string()), np.zeros(0, np.uint64))
        a, i = self._texts, index[rows]
        body = self._parsed.body[i - lo]
        k = wire.read_answers(m.data, m.start[i], m.size[i], body, number[rows], a)
        read = a.counts[: len(rows)]
        text = pa.StringArray.from_buffers(k, pa.py_buffer(a.ends[: k + 1].tobytes()),
                                           pa.py_buffer(a.text[: a.ends[k]].tobytes()))  # fmt: skip
        counts[rows] = np.maximum(read, 0)
        left = np.nonzero(read < 0)[0]
        if not len(left):
            return _lists(counts, text, a.ttls[:k])
        return self._slowly(m, rows, i, body, number, counts, text.to_pylist(), a.ttls[:k].tolist(), set(left.tolist()))

    def _slowly(
        self, m: Datagrams, rows: Any, index: Any, body: Any, number: Any, counts: Any, known: list[str],
        lives: list[int], left: set[int],
    ) -> tuple[pa.Array, pa.Array]:  # fmt: skip
        """Put the answers of messages ``left`` (of ``rows``) in between those that are known."""
        texts: list[str] = []
        ttls: list[int] = []
        at = 0
        for j, r in enumerate(rows.tolist()):
            if j in left:
                s = int(m.start[index[j]])
                message = m.data[s : s + int(m.size[index[j]])].tobytes()
                got, live = answers(message, int(body[j]), int(number[r]))
                counts[r] = len(got)
            else:
                end = at + int(counts[r])
                got, live, at = known[at:end], lives[at:end], end
            texts += got
            ttls += live
        return _lists(counts, pa.array(texts, pa.string()), np.array(ttls, np.uint64))


def _lists(counts: NDArray[np.int32], texts: pa.Array, ttls: NDArray[Any]) -> tuple[pa.Array, pa.Array]:
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    return (pa.ListArray.from_arrays(offsets, texts),
            pa.ListArray.from_arrays(offsets, pa.array(ttls.astype(np.uint64))))  # fmt: skip


def _types(numbers: NDArray[np.int64]) -> pa.Array:
    kinds, where = np.unique(numbers, return_inverse=True)
    names = pa.array([type_name(k) if k >= 0 else "" for k in kinds.tolist()], pa.string())
    return names.take(pa.array(where))


def _strings(raw: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64]) -> pa.Array:
    """Names that lie one behind the other, as text."""
    ends = np.concatenate(([0], np.cumsum(length))).astype(np.int32)
    data = raw[: int(ends[-1])].tobytes()
    return pa.StringArray.from_buffers(len(length), pa.py_buffer(ends.tobytes()), pa.py_buffer(data))


class DnsDatagrams:
    """DNS over UDP."""

    name = "dns"
    ports = PORTS

    def __init__(self) -> None:
        self._joiner = Joiner()
        self._known = np.zeros(0, np.int64)

    def feed(self, packets: Datagrams) -> list[Rows]:
        rows = self._joiner.feed(packets)
        self._known = self._joiner.known
        return rows

    def expire(self, now: int) -> list[Rows]:
        return self._joiner.expire(now - WAIT_US)

    def finish(self) -> list[Rows]:
        return self._joiner.expire(EVER)

    def recognised(self) -> NDArray[np.int64]:
        return self._known


class DnsParser:
    """DNS over TCP: each message has its length in front. Its connections share one table of waiting queries."""

    name = "dns"

    def __init__(self) -> None:
        self._joiner: Joiner | None = None
        self._open: dict[int, Emit] = {}
        self._opened = 0

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        if port not in PORTS:
            return False
        first = orig or resp
        if len(first) < 2 + 12:
            return None if not first or _plausible(first) else False
        return _plausible(first)

    def open(self, emit: Emit, keep: Keep) -> Stream:
        self._opened += 1
        self._open[self._opened] = emit
        return DnsStream(self, self._opened)

    def feed(self, messages: Datagrams) -> None:
        """Messages of one connection; their rows, and those that they drive out of the table, go where they belong."""
        if self._joiner is None:
            self._joiner = Joiner(STREAM_BUCKETS, STREAM_CHUNK)
        self._put(self._joiner.feed(messages))

    def leave(self, number: int) -> None:
        """A connection is over."""
        if self._joiner is not None:
            self._put(self._joiner.expire(EVER, number))
        self._open.pop(number, None)

    def _put(self, rows: list[Rows]) -> None:
        for part in rows:
            names = list(part.columns)
            columns = [c.to_pylist() if isinstance(c, pa.Array) else list(c) for c in part.columns.values()]
            for flow, at, *values in zip(part.flow.tolist(), part.ts.tolist(), *columns, strict=True):
                self._open[flow](part.kind, at, **dict(zip(names, values, strict=True)))


def _plausible(first: bytes) -> bool:
    """Can a DNS message over TCP begin so?"""
    size = int.from_bytes(first[:2], "big")
    if len(first) >= 2 and size < 12:
        return False
    if len(first) >= 14:
        questions = int.from_bytes(first[6:8], "big")
        return (first[4] >> 3) & 15 <= 6 and questions <= 16
    return True


class DnsStream:
    """One TCP connection. Keeps at most ``MAX_BUFFER`` bytes a side."""

    def __init__(self, parser: DnsParser, number: int) -> None:
        self._parser = parser
        self._number = number
        self._buffers = {True: bytearray(), False: bytearray()}
        self._lost = {True: False, False: False}

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._lost[orig]:
            if not (len(data) >= 14 and _plausible(data) and int.from_bytes(data[:2], "big") <= len(data) - 2):
                return True
            self._lost[orig] = False
        buffer = self._buffers[orig]
        buffer += data
        starts, sizes, at = [], [], 0
        while len(buffer) - at >= 2:
            size = buffer[at] << 8 | buffer[at + 1]
            if len(buffer) - at - 2 < size:
                break
            starts.append(at + 2)
            sizes.append(size)
            at += 2 + size
        if starts:
            self._messages(buffer[:at], starts, sizes, orig, ts)
            del buffer[:at]
        return True

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        """Framing is lost with the first missing byte, until a piece begins like a message."""
        self._lost[orig] = True
        self._buffers[orig].clear()
        return True

    def close(self, ts: int) -> None:
        self._parser.leave(self._number)

    def _messages(self, raw: bytearray, starts: list[int], sizes: list[int], orig: bool, ts: int) -> None:
        n = len(starts)
        self._parser.feed(Datagrams(
            np.frombuffer(raw, np.uint8), np.array(starts, np.int64), np.array(sizes, np.int32),
            np.full(n, ts, np.int64), np.full(n, self._number, np.int64), np.full(n, orig)))  # fmt: skip
