"""The compiled part of DNS: header and question of every message, and the table that joins queries with answers.

A name is written as text: labels joined by dots, lower case, bytes that are not printable ASCII as ``\\xHH``, and a dot
or backslash inside a label escaped likewise. A name of the NetBIOS name service is decoded. The root is ``.``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

WAYS = 8  # entries of a bucket: beyond, the oldest is given up as unanswered
NAME_MAX = 1024  # a name of 255 bytes, all escaped, is shorter
KEPT_NAME = 256  # of a waiting query's name; one byte over the column's cap, so that the cut is marked
MAX_JUMPS = 32
NB_TYPES = (32, 33)
FEW = 16  # answers of a message that are read here; of more Python takes care
ROOM = 64  # bytes of text for one, on average


class Table(NamedTuple):
    """Queries that wait for their answer: ``WAYS`` entries a bucket, chosen by flow and transaction id."""

    flow: NDArray[np.int64]  # -1: free
    tid: NDArray[np.int64]
    order: NDArray[np.int64]
    ts: NDArray[np.int64]
    hash: NDArray[np.uint64]
    flags: NDArray[np.int64]
    qtype: NDArray[np.int64]
    qclass: NDArray[np.int64]
    length: NDArray[np.int64]
    name: NDArray[np.uint8]
    entered: NDArray[np.int64]  # [0]: queries ever entered


class Parsed(NamedTuple):
    """Messages of one call as columns; ``ok`` is false for what is no DNS message."""

    ok: NDArray[np.bool_]
    tid: NDArray[np.int64]
    flags: NDArray[np.int64]
    qtype: NDArray[np.int64]  # -1: no question
    qclass: NDArray[np.int64]
    body: NDArray[np.int64]  # offset of the answers in the message; 0: none to read
    answers: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    hash: NDArray[np.uint64]
    names: NDArray[np.uint8]


class Joined(NamedTuple):
    """Finished transactions as columns; flags are -1 where there was no query or no answer."""

    flow: NDArray[np.int64]
    ts: NDArray[np.int64]
    tid: NDArray[np.int64]
    qtype: NDArray[np.int64]
    qclass: NDArray[np.int64]
    query_flags: NDArray[np.int64]
    answer_flags: NDArray[np.int64]
    rtt: NDArray[np.int64]
    message: NDArray[np.int64]  # index of the answering message, -1 if none
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    names: NDArray[np.uint8]


def table(buckets: int) -> Table:
    n = buckets * WAYS
    i = [np.zeros(n, np.int64) for _ in range(7)]
    return Table(np.full(n, -1, np.int64), i[0], i[1], i[2], np.zeros(n, np.uint64), i[3], i[4], i[5], i[6],
                 np.zeros((n, KEPT_NAME), np.uint8), np.zeros(1, np.int64))  # fmt: skip


def parsed(n: int) -> Parsed:
    i = [np.zeros(n, np.int64) for _ in range(8)]
    return Parsed(np.zeros(n, np.bool_), i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], np.zeros(n, np.uint64),
                  np.zeros(n * NAME_MAX, np.uint8))  # fmt: skip


def joined(n: int) -> Joined:
    i = [np.zeros(n, np.int64) for _ in range(11)]
    return Joined(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], i[10],
                  np.zeros(n * KEPT_NAME, np.uint8))  # fmt: skip


@nb.njit(cache=True, nogil=True, inline="always")
def _put(out: Any, o: Any, c: Any) -> Any:
    """Write one byte of a label as text."""
    if 65 <= c <= 90:
        out[o] = c + 32
        return o + 1
    if 32 <= c < 127 and c not in (46, 92):
        out[o] = c
        return o + 1
    out[o] = 92
    if c == 92:
        out[o + 1] = 92
        return o + 2
    out[o + 1] = 120
    for k in range(2):
        d = (c >> 4) if k == 0 else (c & 15)
        out[o + 2 + k] = d + 48 if d < 10 else d + 87
    return o + 4


@nb.njit(cache=True, nogil=True)
def read_name(data: Any, base: Any, end: Any, pos: Any, out: Any, o: Any) -> Any:
    """Write the name at ``pos`` of the message ``data[base:end]`` to ``out[o:]``.

    Returns the end of what was written and of the name in the message; -1, -1 if there is no valid name.
    """
    after: Any = -1
    jumps = 0
    total: Any = 0
    first = o
    while True:
        if pos >= end:
            return -1, -1
        n = np.int64(data[pos])
        if n == 0:
            if after < 0:
                after = pos + 1
            break
        if n >= 192:
            if pos + 1 >= end:
                return -1, -1
            if after < 0:
                after = pos + 2
            to = base + ((n & 63) << 8) + np.int64(data[pos + 1])
            jumps += 1
            if jumps > MAX_JUMPS or to >= end:
                return -1, -1
            pos = to
            continue
        total += n + 1
        if n >= 64 or pos + 1 + n > end or total > 255:
            return -1, -1
        if o > first:
            out[o] = 46
            o += 1
        for k in range(n):
            o = _put(out, o, np.int64(data[pos + 1 + k]))
        pos += n + 1
    if o == first:
        out[o] = 46
        o += 1
    return o, after


@nb.njit(cache=True, nogil=True)
def _netbios(out: Any, first: Any, o: Any) -> Any:
    """Decode a NetBIOS name in place (32 letters a to p, two a byte; the sixteenth byte is a type): its new end."""
    if o - first < 32 or (o - first > 32 and out[first + 32] != 46):
        return o
    for k in range(32):
        if out[first + k] < 97 or out[first + k] > 112:
            return o
    w = first
    for k in range(15):
        c = ((np.int64(out[first + 2 * k]) - 97) << 4) | (np.int64(out[first + 2 * k + 1]) - 97)
        if c == 0:
            break
        out[w] = c if 32 <= c < 127 else 46
        w += 1
    while w > first and out[w - 1] == 32:
        w -= 1
    return w


@nb.njit(cache=True, nogil=True)
def parse(data: Any, start: Any, size: Any, lo: Any, hi: Any, p: Any) -> None:
    """Read header and question of messages ``lo`` to ``hi`` into the first rows of ``p``."""
    o: Any = 0
    for i in range(lo, hi):
        r = i - lo
        b = start[i]
        end = b + size[i]
        p.ok[r] = False
        if end - b < 12:
            continue
        flags = (np.int64(data[b + 2]) << 8) | np.int64(data[b + 3])
        if (flags >> 11) & 15 > 6:
            continue
        qd: Any = (np.int64(data[b + 4]) << 8) | np.int64(data[b + 5])
        an: Any = (np.int64(data[b + 6]) << 8) | np.int64(data[b + 7])
        first = o
        pos = b + 12
        qtype: Any = -1
        qclass: Any = -1
        good: Any = qd > 0 or flags >= 0x8000
        questions: Any = min(qd, 64)
        for q in range(questions):
            e, after = read_name(data, b, end, pos, p.names, first if q == 0 else o)
            if after < 0 or after + 4 > end:
                good = q > 0
                an = 0
                break
            if q == 0:
                o = e
                qtype = (np.int64(data[after]) << 8) | np.int64(data[after + 1])
                qclass = (np.int64(data[after + 2]) << 8) | np.int64(data[after + 3])
            pos = after + 4
        if not good:
            o = first
            continue
        h: Any = np.uint64(0)
        if qd > 0:
            h = np.uint64(14695981039346656037) ^ np.uint64(qtype)
            for k in range(first, o):
                h = (h ^ np.uint64(p.names[k])) * np.uint64(1099511628211)
            h |= np.uint64(1)
        elif an > 0:
            e, after = read_name(data, b, end, pos, p.names, first)
            if after < 0 or after + 10 > end:
                continue
            o = e
            qtype = -2 - ((np.int64(data[after]) << 8) | np.int64(data[after + 1]))
        kind = qtype if qtype >= 0 else -2 - qtype
        if kind in NB_TYPES:
            o = _netbios(p.names, first, o)
        p.ok[r] = True
        p.tid[r] = (np.int64(data[b]) << 8) | np.int64(data[b + 1])
        p.flags[r] = flags
        p.qtype[r] = max(qtype, -1)
        p.qclass[r] = qclass
        p.body[r] = pos - b
        p.answers[r] = an
        p.offset[r] = first
        p.length[r] = o - first
        p.hash[r] = h


@nb.njit(cache=True, nogil=True, inline="always")
def _emit(out: Any, n: Any, o: Any, flow: Any, ts: Any, tid: Any, qtype: Any, qclass: Any, query_flags: Any,
          answer_flags: Any, rtt: Any, message: Any, name: Any, first: Any, length: Any) -> Any:  # fmt: skip
    out.flow[n] = flow
    out.ts[n] = ts
    out.tid[n] = tid
    out.qtype[n] = qtype
    out.qclass[n] = qclass
    out.query_flags[n] = query_flags
    out.answer_flags[n] = answer_flags
    out.rtt[n] = rtt
    out.message[n] = message
    keep = min(length, KEPT_NAME)
    for k in range(keep):
        out.names[o + k] = name[first + k]
    out.offset[n] = o
    out.length[n] = keep
    return o + keep


@nb.njit(cache=True, nogil=True, inline="always")
def _give_up(t: Any, s: Any, out: Any, n: Any, o: Any) -> Any:
    """Write the waiting query ``s`` as a row without an answer, and free it."""
    o = _emit(out, n, o, t.flow[s], t.ts[s], t.tid[s], t.qtype[s], t.qclass[s], t.flags[s], -1, -1, -1,
              t.name[s], 0, t.length[s])  # fmt: skip
    t.flow[s] = -1
    return o


@nb.njit(cache=True, nogil=True)
def join(t: Any, p: Any, flow: Any, ts: Any, lo: Any, hi: Any, out: Any) -> Any:
    """Join messages ``lo`` to ``hi`` with what waits in ``t``; rows go to ``out`` (two a message at most).

    Returns the number of rows. As Zeek does, the oldest query of the same flow and id is answered, preferring one with
    the same question. A message without a question and with id 0 (multicast DNS) answers nobody.
    """
    buckets = len(t.flow) // WAYS
    n = 0
    o: Any = 0
    for i in range(lo, hi):
        r = i - lo
        if not p.ok[r]:
            continue
        tid = p.tid[r]
        h = (np.uint64(flow[i]) * np.uint64(0x9E3779B97F4A7C15)) ^ (np.uint64(tid) * np.uint64(0xC2B2AE3D27D4EB4F))
        h ^= h >> np.uint64(29)
        bucket = np.int64(h % np.uint64(buckets)) * WAYS
        if p.flags[r] < 0x8000:
            s: Any = bucket
            for k in range(bucket, bucket + WAYS):
                if t.flow[k] < 0:
                    s = k
                    break
                if t.order[k] < t.order[s]:
                    s = k
            if t.flow[s] >= 0:
                o = _give_up(t, s, out, n, o)
                n += 1
            t.flow[s] = flow[i]
            t.tid[s] = tid
            t.order[s] = t.entered[0]
            t.entered[0] += 1
            t.ts[s] = ts[i]
            t.hash[s] = p.hash[r]
            t.flags[s] = p.flags[r]
            t.qtype[s] = p.qtype[r]
            t.qclass[s] = p.qclass[r]
            keep = min(p.length[r], KEPT_NAME)
            t.length[s] = keep
            for k in range(keep):
                t.name[s, k] = p.names[p.offset[r] + k]
            continue
        found: Any = -1
        same = False
        if tid != 0 or p.hash[r] != 0:
            for k in range(bucket, bucket + WAYS):
                if t.flow[k] == flow[i] and t.tid[k] == tid:
                    equal = t.hash[k] == p.hash[r]
                    if tid == 0 and not equal:
                        continue
                    if found < 0 or (equal and not same) or (equal == same and t.order[k] < t.order[found]):
                        found = k
                        same = equal
        if found >= 0:
            o = _emit(out, n, o, flow[i], t.ts[found], tid, t.qtype[found], t.qclass[found], t.flags[found],
                      p.flags[r], ts[i] - t.ts[found], i, t.name[found], 0, t.length[found])  # fmt: skip
            t.flow[found] = -1
        else:
            o = _emit(out, n, o, flow[i], ts[i], tid, p.qtype[r], p.qclass[r], -1, p.flags[r], -1, i,
                      p.names, p.offset[r], p.length[r])  # fmt: skip
        n += 1
    return n


class Answers(NamedTuple):
    """Answers of several messages as text, one behind the other; ``counts`` is -1 where Python must read them."""

    counts: NDArray[np.int64]  # of each message asked for
    ends: NDArray[np.int32]  # of the text of answer k; [0] is 0
    ttls: NDArray[np.int64]
    text: NDArray[np.uint8]


def answers(messages: int) -> Answers:
    n = messages * FEW
    return Answers(np.zeros(messages, np.int64), np.zeros(n + 1, np.int32), np.zeros(n, np.int64),
                   np.zeros(n * ROOM, np.uint8))  # fmt: skip


@nb.njit(cache=True, nogil=True)
def _number(out: Any, o: Any, value: Any) -> Any:
    """Write 0 to 255 in decimal."""
    if value >= 100:
        out[o] = 48 + value // 100
        o += 1
    if value >= 10:
        out[o] = 48 + value // 10 % 10
        o += 1
    out[o] = 48 + value % 10
    return o + 1


@nb.njit(cache=True, nogil=True)
def _ip6(out: Any, o: Any, data: Any, pos: Any) -> Any:
    """Write an IPv6 address as RFC 5952 does: the longest run of zeros, if more than one, shortened."""
    best: Any = -1
    longest: Any = 1
    run: Any = 0
    for k in range(8):
        if data[pos + 2 * k] == 0 and data[pos + 2 * k + 1] == 0:
            run += 1
            if run > longest:
                longest = run
                best = k + 1 - run
        else:
            run = 0
    k = 0
    while k < 8:
        if k == best:
            out[o], out[o + 1] = 58, 58
            o += 2
            k += longest
            continue
        if k > 0 and k != best + longest:
            out[o] = 58
            o += 1
        word = (np.int64(data[pos + 2 * k]) << 8) | np.int64(data[pos + 2 * k + 1])
        started = False
        for shift in (12, 8, 4, 0):
            digit = (word >> shift) & 15
            if digit or started or shift == 0:
                started = True
                out[o] = digit + 48 if digit < 10 else digit + 87
                o += 1
        k += 1
    return o


@nb.njit(cache=True, nogil=True)
def read_answers(data: Any, start: Any, size: Any, body: Any, number: Any, out: Any) -> Any:
    """Write the answers of messages (``number`` of them at ``start + body``) that are addresses and names.

    Whatever is unusual (another type, a fault, more than FEW) is left to Python. Returns how many were written.
    """
    n = 0
    o: Any = 0
    room = out.text.shape[0]
    for i in range(start.shape[0]):
        first, first_o = n, o
        out.counts[i] = -1
        if number[i] > FEW:
            continue
        base = start[i]
        end = base + size[i]
        pos: Any = base + body[i]
        done = 0
        while done < number[i]:
            if o + NAME_MAX + 8 > room or pos + 1 >= end:
                break
            if data[pos] >= 192:
                pos += 2
            else:
                _, after = read_name(data, base, end, pos, out.text, o)
                if after < 0:
                    break
                pos = after
            if pos + 10 > end:
                break
            kind = (np.int64(data[pos]) << 8) | np.int64(data[pos + 1])
            ttl: Any = 0
            for k in range(4):
                ttl = (ttl << 8) | np.int64(data[pos + 4 + k])
            length = (np.int64(data[pos + 8]) << 8) | np.int64(data[pos + 9])
            pos += 10
            if pos + length > end:
                break
            if kind == 1 and length == 4:
                for k in range(4):
                    if k:
                        out.text[o] = 46
                        o += 1
                    o = _number(out.text, o, np.int64(data[pos + k]))
            elif kind == 28 and length == 16:
                o = _ip6(out.text, o, data, pos)
            elif kind == 5 or kind == 2 or kind == 12:
                was = o
                o, after = read_name(data, base, end, pos, out.text, o)
                if after < 0 or (o == was + 1 and out.text[was] == 46):  # a fault, or the root
                    break
            else:
                break
            out.ttls[n] = ttl
            out.ends[n + 1] = o
            n += 1
            pos += length
            done += 1
        if done == number[i]:
            out.counts[i] = done
        else:
            n, o = first, first_o
    return n


@nb.njit(cache=True, nogil=True)
def expire(t: Any, before: Any, flow: Any, out: Any) -> Any:
    """Give up queries asked before ``before`` (microseconds) in ``flow`` (-1: in any), as many as ``out`` has room for.

    Returns their number.
    """
    n = 0
    o: Any = 0
    for s in range(len(t.flow)):
        if t.flow[s] >= 0 and t.ts[s] < before and (flow < 0 or t.flow[s] == flow):
            if n == len(out.flow):
                break
            o = _give_up(t, s, out, n, o)
            n += 1
    return n
