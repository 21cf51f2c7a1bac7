"""A TCP connection as Zeek follows one: states, history letters, sizes by sequence numbers, gaps, time-outs. Compiled.

The rules are those of Zeek's TCP session adapter, endpoint and reassembler, written anew as functions over fixed-size
records, so that flow rows can be compared with Zeek's conn.log letter by letter. Payload bytes are not touched here:
only their sequence numbers, as at most ``SPANS`` blocks beyond a hole (the two nearest are joined when there are more).

``f`` is a FLOW record, ``e`` the END of the sender, ``p`` that of its peer; relative numbers begin with the SYN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.blocks import acked, sent
from collectors.network.compiled import compiled
from collectors.network.layout import ACK, CLOSE_DELAY, FIN, PARTIAL_CLOSE, RESET_DELAY, RST, SYN
from collectors.network.sides import (
    CLOSED,
    ESTABLISHED,
    FULL,
    INACTIVE,
    INITIAL_WINDOW,
    PARTIAL,
    RESET,
    SEEN_ACK,
    SEEN_DATA,
    SEEN_FIN,
    SEEN_FIN_RST,
    SEEN_MULTI,
    SEEN_RST,
    SEEN_SYN,
    SYN_ACK_SENT,
    SYN_SENT,
    TOO_FAR,
    UNACKED,
    begin,
    delta,
    full,
    letter,
    nothing_acked,
    once,
    relative,
    set_state,
)  # fmt: skip


@compiled()
def start_side(e: Any, p: Any, flags: Any, seq: Any, past: Any) -> None:
    """Set up the numbering when a side is heard first, or starts again with another SYN."""
    syn = flags & SYN
    if e.state == INACTIVE:
        if syn:
            begin(e, seq, past)
        else:  # midstream: as if the SYN had been the byte before
            begin(e, seq - 1, seq)
    elif e.state in (SYN_SENT, SYN_ACK_SENT):
        if syn and seq != e.start_seq:
            begin(e, seq, past)
    elif e.state in (ESTABLISHED, PARTIAL):
        if syn:
            begin(e, seq, past)
    elif e.state == RESET and syn and e.before == INACTIVE:
        begin(e, seq, past)


@compiled()
def write_history(f: Any, e: Any, hist: Any, slot: Any, flags: Any, rel: Any, length: Any, orig: Any) -> None:
    bits = (1 if flags & SYN else 0) + (1 if flags & FIN else 0) + (1 if flags & RST else 0)
    if bits > 1:
        if flags & FIN and flags & RST:
            once(f, e, hist, slot, SEEN_FIN_RST, 73, orig)  # I
        else:
            once(f, e, hist, slot, SEEN_MULTI, 81, orig)  # Q
    elif flags & SYN:
        code = 72 if flags & ACK else 83  # H, S
        if once(f, e, hist, slot, SEEN_SYN, code, orig) and rel != e.last_syn:
            letter(f, hist, slot, code, orig)
        e.last_syn = rel
    elif flags & FIN:
        if once(f, e, hist, slot, SEEN_FIN, 70, orig) and rel + length != e.last_fin:
            letter(f, hist, slot, 70, orig)
        e.last_fin = rel + length
    elif flags & RST:
        if once(f, e, hist, slot, SEEN_RST, 82, orig) and rel != e.last_rst:
            letter(f, hist, slot, 82, orig)
        e.last_rst = rel
    elif length:
        once(f, e, hist, slot, SEEN_DATA, 68, orig)  # D
    elif flags & ACK:
        once(f, e, hist, slot, SEEN_ACK, 65, orig)  # A


@compiled()
def pending(e: Any, p: Any) -> Any:
    """Whether data of a closing side is still missing, so that its close must wait."""
    if e.skip:
        return False
    delivered = e.start_seq + e.next
    last = full(e.last_seq, e.last_wraps)
    if last < delivered:
        return False
    if delivered not in (last - 1, last):
        return True
    return e.state != RESET and (p.next > p.trim or p.spans > 0)


@compiled()
def close(f: Any, e: Any, p: Any, finish: Any, options: Any) -> None:
    """A side closed: the connection goes some seconds later, if that ends it."""
    if pending(e, p):
        f.closing |= 3 if finish else 1
        return
    if f.closing & 2:
        finish = True
    f.closing = 0
    if e.closed:
        return
    e.closed = 1
    if e.state == RESET or p.closed or p.state == INACTIVE:
        if finish and (e.before != INACTIVE or p.state != INACTIVE):
            f.active = 0
        f.partial_at = 0
        f.remove_at = f.last + options[CLOSE_DELAY]
    elif e.before == INACTIVE:
        f.partial_at = f.last + options[PARTIAL_CLOSE]


@compiled()
def check_end(f: Any, e: Any, p: Any, options: Any) -> None:
    """Let a close happen that waited for data of this side."""
    if not e.ended and (e.fin_count > 0 or e.state in (CLOSED, RESET)) and not pending(e, p):
        e.ended = 1
        if f.closing:
            close(f, e, p, bool(f.closing & 2), options)
            f.closing = 0


@compiled()
def machine(f: Any, e: Any, p: Any, flags: Any, seq: Any, length: Any, orig: Any, now: Any, options: Any) -> Any:
    """Move the side's state; returns (whether it closed, whether that may end the connection, whether roles flip)."""
    closes, finish, flip = False, False, False
    syn, fin, rst, ack = flags & SYN, flags & FIN, flags & RST, flags & ACK
    if e.state == INACTIVE:
        if syn:
            if orig:
                set_state(f, e, p, SYN_ACK_SENT if ack else SYN_SENT)
            else:
                if not ack and p.state == SYN_ACK_SENT and seq == e.start_seq:
                    flip = True  # the answer was captured before the SYN
                    f.partial = 0
                    set_state(f, p, e, ESTABLISHED)
                if p.state == SYN_SENT:
                    set_state(f, p, e, ESTABLISHED)
                set_state(f, e, p, ESTABLISHED)
        if fin:
            set_state(f, e, p, CLOSED)
            closes = finish = True
        if rst:
            set_state(f, e, p, RESET)
            reject = p.state == ESTABLISHED if orig else p.state in (SYN_SENT, SYN_ACK_SENT)
            closes, finish = True, not reject
        if e.state == INACTIVE:
            if not orig and length == 0 and p.state == SYN_SENT:
                pass  # an acknowledgement before the SYN's answer is no partial connection
            elif ack and p.state == ESTABLISHED:
                set_state(f, e, p, ESTABLISHED)
                f.partial = 0
                f.seen |= 1 if orig else 2
            else:
                set_state(f, e, p, PARTIAL)
    elif e.state in (SYN_SENT, SYN_ACK_SENT):
        if fin:
            set_state(f, e, p, CLOSED)
            closes = finish = True
        if rst:
            set_state(f, e, p, RESET)
            f.active = 0
            closes = True
    elif e.state in (ESTABLISHED, PARTIAL):
        if syn and e.state == PARTIAL and p.state == INACTIVE and not ack:
            set_state(f, e, p, SYN_SENT)
        if fin and not rst:
            set_state(f, e, p, CLOSED)
            if p.state == RESET and p.before == CLOSED:
                set_state(f, p, e, CLOSED)
            closes = finish = True
        if rst:
            set_state(f, e, p, RESET)
            closes = True
            if p.state != RESET or p.before != ESTABLISHED:
                f.active = 0
    elif e.state == CLOSED and rst and p.state != CLOSED:
        set_state(f, e, p, RESET)
        closes = not e.closed
        at = now + options[RESET_DELAY]
        if f.active and (f.remove_at == 0 or at < f.remove_at):
            f.remove_at = at
    return closes, finish, flip


@compiled()
def advance(e: Any, past: Any, flags: Any, length: Any) -> Any:
    """Move the last sequence number of a side; returns whether the segment repeats what was sent."""
    d = delta(past, e.last_seq)
    if flags & (SYN | RST) and (d > TOO_FAR or d < -TOO_FAR):
        return False
    if flags & FIN and e.last_seq == ((e.start_seq + 1) & FULL):
        if past < e.last_seq:
            e.last_wraps += 1
        e.last_seq = past
        return False
    if e.state == RESET:
        return False
    if d > 0:
        if past < e.last_seq:
            e.last_wraps += 1
        e.last_seq = past
        return False
    return length > 0


@compiled()
def segment(
    f: Any, e: Any, p: Any, hist: Any, slot: Any, spans: Any, own: Any, theirs: Any, row: Any, orig: Any, options: Any
) -> Any:  # fmt: skip
    """Take one segment. ``own`` and ``theirs``: rows of ``spans`` of the sender and its peer.

    Returns (relative sequence number of the payload or -1 if it is not part of the stream, whether it continued what
    was there, end of a hole on the peer's side that this segment acknowledged or 0, whether roles flip).
    """
    flags = np.int64(row.flags)
    seq, ack = row.seq, row.ack
    length = np.int64(row.size)
    if orig:
        if not f.seen & 1:
            f.partial = 1 if not flags & SYN or flags & ACK else 0
    elif not f.seen & 2 and not f.partial:
        f.partial = 0 if flags & SYN else 1
    n = (0 if flags & RST else length) + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    past = (seq + n) & FULL
    start_side(e, p, flags, seq, past)
    rel = relative(e, seq, e.last_seq, e.last_wraps)
    write_history(f, e, hist, slot, flags, rel, length, orig)
    if row.window == 0 and not flags & RST and p.state != CLOSED and e.state != RESET:
        e.zero_windows += 1
        if e.zero_windows == max(e.zero_windows_next, 1):
            letter(f, hist, slot, 87, orig)  # W
            e.zero_windows_next = max(e.zero_windows_next, 1) * 10
    if not e.closed or not p.closed:
        f.last = row.ts
    if flags & FIN:
        e.fin_count += 1
        e.fin_seq = rel + n
    told = np.int64(0)
    if flags & ACK:
        if p.state == INACTIVE:
            told = np.int64(1)
            begin(p, ack - 1, ack - 1)
        else:
            told = relative(p, ack, p.ack_seq, p.ack_wraps)
            if told < 0:
                told = np.int64(0)
            elif not flags & RST:
                d = delta(ack, p.ack_seq)
                if d > 0 and not (ack == 0 and d > TOO_FAR):
                    if ack < p.ack_seq:
                        p.ack_wraps += 1
                    p.ack_seq = ack
    if advance(e, past, flags, length):
        e.repeats += 1
        if e.repeats == max(e.repeats_next, 1):
            letter(f, hist, slot, 84, orig)  # T
            e.repeats_next = max(e.repeats_next, 1) * 10
    closes, finish, flip = machine(f, e, p, flags, seq, length, orig, row.ts, options)
    hole = np.int64(0)
    if flags & ACK:
        hole = acked(f, p, e, hist, slot, spans, theirs, told, not orig)
        check_end(f, p, e, options)
    f.seen |= 1 if orig else 2
    data = np.int64(-1)
    in_order = False
    if length > 0 and not flags & RST and rel >= 0:
        data = rel + 1 if flags & SYN else rel
        in_order = data == e.next and e.spans == 0 and not e.skip
        if row.captured >= length:
            sent(e, p, spans, own, data, length)
    check_end(f, e, p, options)
    if closes:
        close(f, e, p, finish, options)
    return data, in_order, hole, flip


@compiled()
def quick(f: Any, e: Any, p: Any, hist: Any, slot: Any, row: Any, orig: Any) -> Any:
    """The common case of :func:`segment`, with the same effect: in order, between established sides, nothing unusual.

    Returns the relative sequence number of the payload (or of where it would be), -1 if it is not the common case; then
    nothing was changed.
    """
    length, seq, ack = np.int64(row.size), row.seq, row.ack
    if (
        row.flags & (SYN | FIN | RST | ACK) != ACK or e.state != ESTABLISHED or p.state != ESTABLISHED
        or row.window == 0 or seq != e.last_seq or seq + length > FULL or ack < p.ack_seq
        or ack - p.ack_seq > TOO_FAR or row.captured < length or e.spans or e.skip or f.closing or f.seen != 3
        or e.fin_count or p.fin_count or e.ended or p.ended
    ):  # fmt: skip
        return np.int64(-1)
    rel = full(seq, e.last_wraps) - e.start_seq
    told = full(ack, p.ack_wraps) - p.start_seq
    if (
        rel != e.next or told > p.next or rel + length - e.trim > UNACKED
        or (rel + length > INITIAL_WINDOW and nothing_acked(e))
    ):  # fmt: skip
        return np.int64(-1)
    once(f, e, hist, slot, SEEN_DATA if length else SEEN_ACK, 68 if length else 65, orig)
    f.last = row.ts
    p.ack_seq = ack
    p.trim = max(p.trim, told)
    e.last_seq = seq + length
    e.next = rel + length
    return rel
