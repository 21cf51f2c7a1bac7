"""One side of a TCP connection: its state, its sequence numbers and its letters in the history. Compiled.

``f`` is a FLOW record, ``e`` the END of a side, ``p`` that of its peer; relative numbers begin with the SYN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import HISTORY

INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET = range(7)

SEEN_SYN, SEEN_FIN, SEEN_RST, SEEN_DATA, SEEN_ACK, SEEN_MULTI, SEEN_FIN_RST = 1, 2, 4, 8, 16, 32, 64

FULL = np.int64(0xFFFFFFFF)
TOO_FAR = 1 << 20  # a SYN or RST that jumps further is not believed
INITIAL_WINDOW = 16384  # data without any acknowledgement: the other direction is probably not captured
UNACKED = 10 << 20


@compiled(inline="always")
def delta(a: Any, b: Any) -> Any:
    """a - b in the 32-bit sequence space: -2**31 to 2**31 - 1."""
    return ((a - b + 0x80000000) & FULL) - 0x80000000


@compiled()
def letter(f: Any, hist: Any, slot: Any, code: Any, orig: Any) -> None:
    """Add a letter: upper case for the originator (``code`` is upper case; ``^`` stays)."""
    if f.history < HISTORY:
        hist[slot, f.history] = code if orig or code == 94 else code + 32
        f.history += 1


@compiled()
def once(f: Any, e: Any, hist: Any, slot: Any, mask: Any, code: Any, orig: Any) -> Any:
    """Add a letter the first time; returns whether it was there before."""
    if e.seen & mask:
        return True
    e.seen |= mask
    letter(f, hist, slot, code, orig)
    return False


@compiled()
def full(seq: Any, wraps: Any) -> Any:
    return (wraps << 32) | seq


@compiled()
def begin(e: Any, seq: Any, last: Any) -> None:
    """(Re)start a side's numbering at ``seq``, the place of its SYN; ``last``: one past what was sent."""
    e.start_seq = seq & FULL
    e.ack_seq = seq & FULL
    e.last_seq = last & FULL


@compiled()
def relative(e: Any, seq: Any, last: Any, wraps: Any) -> Any:
    """A sequence number relative to the side's SYN; negative if it lies before it."""
    d = delta(seq, last)
    if d < 0:
        if wraps > 0 and seq > last:
            wraps -= 1
    elif d > 0 and seq < last:
        wraps += 1
    if wraps == 0:
        return delta(seq, e.start_seq)
    return full(seq, wraps) - e.start_seq


@compiled()
def nothing_acked(e: Any) -> Any:
    ack = full(e.ack_seq, e.ack_wraps)
    return ack == 0 or ack == e.start_seq or ack == e.start_seq + 1


@compiled()
def size(e: Any, p: Any) -> Any:
    """Payload bytes of a side by its sequence numbers and what was acknowledged, without SYN and FIN."""
    if e.before == SYN_SENT and e.state == RESET and p.state == INACTIVE and not nothing_acked(e):
        return np.int64(0)  # a half-open connection, found and aborted: the numbers belong to another
    n = max(full(e.last_seq, e.last_wraps), full(e.ack_seq, e.ack_wraps)) - e.start_seq
    if n != 0:
        n -= 1
    if e.fin_count > 0 and n != 0:
        n -= 1
    return n


@compiled()
def set_state(f: Any, e: Any, p: Any, state: Any) -> None:
    if state != e.state:
        if state > SYN_ACK_SENT and e.state <= SYN_ACK_SENT and p.state <= SYN_ACK_SENT:
            f.established = 1
        e.before = e.state
        e.state = state
