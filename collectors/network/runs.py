"""Events of one connection joined into runs: what is in order, of one side and full-sized is one piece. Compiled."""

from __future__ import annotations

from typing import Any

from collectors.network.compiled import compiled
from collectors.network.layout import DATA

FULL_SIZED = 1024  # bytes; a smaller segment ends a run, so that its time stays that of what it completes
RUN_BYTES = 1 << 16
# Columns of a run; those from COUNT on are read together.
SERIAL, IN_ORDER, COUNT, KIND, ORIG, SEQ, SIZE, TS, START, FIRST = range(10)
RUN_WORDS = 10


@compiled(nogil=True)
def join(events: Any, order: Any, out: Any) -> Any:
    """Fill ``out`` (n, RUN_WORDS) int64 with the runs of ``events[order]``, which is grouped by serial; their count."""
    n = 0
    for i in range(order.shape[0]):
        e = events[order[i]]
        if n and e.kind == DATA and e.in_order:
            r = out[n - 1]
            before = events[order[i - 1]]
            if (
                r[SERIAL] == e.serial and r[KIND] == DATA and r[ORIG] == e.orig and r[IN_ORDER]
                and before.size >= FULL_SIZED and r[SEQ] + r[SIZE] == e.seq and r[SIZE] + e.size <= RUN_BYTES
            ):  # fmt: skip
                r[COUNT] += 1
                r[SIZE] += e.size
                r[TS] = e.ts
                continue
        r = out[n]
        r[SERIAL], r[FIRST], r[COUNT], r[KIND], r[ORIG] = e.serial, i, 1, e.kind, e.orig
        r[SEQ], r[SIZE], r[TS], r[IN_ORDER], r[START] = e.seq, e.size, e.ts, e.in_order, e.start
        n += 1
    return n


@compiled(nogil=True)
def gather(buffer: Any, events: Any, order: Any, first: Any, count: Any, out: Any) -> Any:
    """Copy the payloads of ``events[order[first:first + count]]`` into ``out`` uint8; bytes written."""
    at = 0
    for i in range(first, first + count):
        e = events[order[i]]
        out[at : at + e.size] = buffer[e.start : e.start + e.size]
        at += e.size
    return at


@compiled(nogil=True)
def ordinals(serials: Any, keys: Any, counts: Any, out: Any) -> None:
    """Number rows of equal serial: ``keys`` (m,) holds serials seen plus one, ``counts`` (m,) their rows so far.

    Both are tables by ``serial & (m - 1)``: another serial in a place starts anew, because identities last no longer.
    """
    mask = keys.shape[0] - 1
    for i in range(serials.shape[0]):
        k = serials[i] & mask
        if keys[k] != serials[i] + 1:
            keys[k], counts[k] = serials[i] + 1, 0
        out[i] = counts[k]
        counts[k] += 1
