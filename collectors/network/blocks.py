"""Which payload of a side was seen: a front that moves on, and at most SPANS blocks beyond a hole. Compiled.

When there are more blocks, a new one is joined with its neighbour. As in Zeek's reassembler, a hole is missing once
the peer acknowledged it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import SPANS
from collectors.network.sides import CLOSED, ESTABLISHED, INITIAL_WINDOW, UNACKED, full, letter, nothing_acked, size


@compiled()
def clean(e: Any) -> Any:
    return e.state == ESTABLISHED or (e.state == CLOSED and e.before == ESTABLISHED)


@compiled()
def gap(f: Any, e: Any, p: Any, hist: Any, slot: Any, length: Any, orig: Any) -> None:
    """Count missing bytes, unless the connection is in a state in which holes arise falsely."""
    if clean(e) and clean(p):
        e.gaps += 1
        if e.gaps == max(e.gaps_next, 1):
            letter(f, hist, slot, 71, orig)  # G
            e.gaps_next = max(e.gaps_next, 1) * 10
        f.missed += length


@compiled()
def absorb(e: Any, spans: Any, at: Any) -> None:
    """Move ``next`` over the blocks that touch it."""
    k = 0
    while k < e.spans and spans[at, 2 * k] <= e.next:
        e.next = max(e.next, spans[at, 2 * k + 1])
        k += 1
    if k:
        for i in range(k, e.spans):
            spans[at, 2 * (i - k)], spans[at, 2 * (i - k) + 1] = spans[at, 2 * i], spans[at, 2 * i + 1]
        e.spans -= k


@compiled()
def add_span(e: Any, spans: Any, at: Any, low: Any, high: Any) -> None:
    """Remember a block beyond a hole; blocks are sorted and do not touch."""
    i = 0
    while i < e.spans and spans[at, 2 * i + 1] < low:
        i += 1
    j = i
    while j < e.spans and spans[at, 2 * j] <= high:
        low, high = min(low, spans[at, 2 * j]), max(high, spans[at, 2 * j + 1])
        j += 1
    if j == i and e.spans == SPANS:  # no room: join with a neighbour
        i = min(i, SPANS - 1)
        spans[at, 2 * i], spans[at, 2 * i + 1] = min(low, spans[at, 2 * i]), max(high, spans[at, 2 * i + 1])
        return
    if j == i:
        for k in range(e.spans, i, -1):
            spans[at, 2 * k], spans[at, 2 * k + 1] = spans[at, 2 * k - 2], spans[at, 2 * k - 1]
        e.spans += 1
    elif j > i + 1:
        fewer = j - i - 1
        for k in range(2 * j, 2 * e.spans):
            spans[at, k - 2 * fewer] = spans[at, k]
        e.spans -= fewer
    spans[at, 2 * i], spans[at, 2 * i + 1] = low, high


@compiled()
def sent(e: Any, p: Any, spans: Any, at: Any, seq: Any, length: Any) -> None:
    """Note payload ``[seq, seq + length)`` of a side."""
    if e.skip:
        return
    low, high = max(seq, e.trim), seq + length
    ack = full(e.ack_seq, e.ack_wraps) - e.start_seq
    if high <= ack or high <= e.trim:
        return
    low = max(low, ack)
    if low <= e.next:
        e.next = max(e.next, high)
        absorb(e, spans, at)
    else:
        add_span(e, spans, at, low, high)
    if nothing_acked(e):
        if size(e, p) > INITIAL_WINDOW:
            e.trim = e.next
        if e.spans and spans[at, 2 * e.spans - 1] - e.next > INITIAL_WINDOW:
            e.skip, e.spans = 1, 0
    if e.next - e.trim > UNACKED:
        e.skip, e.spans = 1, 0


@compiled()
def acked(f: Any, e: Any, p: Any, hist: Any, slot: Any, spans: Any, at: Any, upto: Any, orig: Any) -> Any:
    """The peer acknowledged below ``upto``: what was not seen is missing. Returns the end of the hole, 0 if none."""
    if e.fin_count > 0 and upto >= e.fin_seq:
        upto = e.fin_seq - 1
    if upto <= e.trim:
        return np.int64(0)
    hole = np.int64(0)
    if upto > e.next and not (upto <= 2 and f.partial):
        if not e.skip:
            hole = upto
            while e.spans and spans[at, 0] < upto:
                gap(f, e, p, hist, slot, spans[at, 0] - e.next, orig)
                e.next = spans[at, 0]
                absorb(e, spans, at)
            if upto > e.next:
                gap(f, e, p, hist, slot, upto - e.next, orig)
        e.next = max(e.next, upto)
        absorb(e, spans, at)
    e.trim = upto
    return hole
