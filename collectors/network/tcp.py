"""A TCP connection as Zeek follows one: states, history letters, sizes by sequence numbers, gaps, time-outs. Compiled.

The rules are those of Zeek's TCP session adapter, endpoint and reassembler, written anew as functions over fixed-size
records, so that flow rows can be compared with Zeek's conn.log letter by letter. Payload bytes are not touched here:
only their sequence numbers, as at most ``SPANS`` blocks beyond a hole (the two nearest are joined when there are more).

``f`` is a FLOW record, ``e`` the END of the sender, ``p`` that of its peer; relative numbers begin with the SYN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import (
    ACK,
    ATTEMPT,
    CLOSE_DELAY,
    FIN,
    HISTORY,
    LINGER,
    PARTIAL_CLOSE,
    RESET_DELAY,
    RST,
    SESSION_TIMER,
    SPANS,
    SYN,
    SYN_TIMER,
    TCP_IDLE,
    UDP_IDLE,
)  # fmt: skip

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


@compiled()
def reused(f: Any, o: Any, r: Any, row: Any) -> Any:
    """Whether a segment begins another connection between the same endpoints. ``o``, ``r``: originator, responder."""
    if not row.flags & SYN:
        return False
    e = o
    if row.flags & ACK:
        if o.state != INACTIVE:
            return False
        e = r
    if o.closed and r.closed:
        return True
    if row.seq == e.start_seq:
        return False
    early = not row.flags & ACK and o.state == SYN_ACK_SENT and r.state == INACTIVE and row.seq == r.start_seq
    return not early


@compiled()
def expires(f: Any, o: Any, r: Any, options: Any) -> Any:
    """When the connection is removed if nothing more is heard of it, in microseconds."""
    at = f.last + (options[TCP_IDLE] if f.established else options[UDP_IDLE])
    if f.remove_at:
        at = min(at, f.remove_at)
    if not f.active:
        return at
    if o.state in (SYN_SENT, SYN_ACK_SENT) and r.state == INACTIVE:
        at = min(at, f.start + options[ATTEMPT])
    if f.partial_at and o.state not in (INACTIVE, RESET) and r.state not in (INACTIVE, RESET):
        at = min(at, max(f.partial_at, f.last))
    half = o.closed or r.closed
    if (half and (o.closed & r.closed or RESET in (o.state, r.state) or INACTIVE in (o.state, r.state))) or (
        o.state == INACTIVE and r.state == INACTIVE
    ):
        # Looked at every SESSION_TIMER from SYN_TIMER after the start, and removed once quiet for LINGER.
        first = f.start + options[SYN_TIMER]
        quiet = f.last + options[LINGER] + 1
        if quiet > first:
            first += (quiet - first + options[SESSION_TIMER] - 1) // options[SESSION_TIMER] * options[SESSION_TIMER]
        at = min(at, first)
    return at


@compiled()
def conn_state(o: Any, r: Any, orig_size: Any, resp_size: Any, aborted: Any) -> Any:
    """Index into CONN_STATES. ``aborted``: the history begins with S, then R, without H, A, F, G, I or Q between."""
    quiet_o = o.state in (INACTIVE, PARTIAL)
    quiet_r = r.state in (INACTIVE, PARTIAL)
    if r.state == RESET:
        if o.state in (SYN_SENT, SYN_ACK_SENT) or (o.state == RESET and orig_size == 0 and resp_size == 0):
            return 3  # REJ
        return 9 if quiet_o else 7  # RSTRH, RSTR
    if o.state == RESET:
        if quiet_r:
            return 8 if aborted else 12  # RSTOS0, OTH
        return 6  # RSTO
    if o.state == CLOSED:
        if r.state == CLOSED:
            return 2  # SF
        return 10 if quiet_r else 4  # SH, S2
    if r.state == CLOSED:
        return 11 if quiet_o else 5  # SHR, S3
    if o.state == SYN_SENT and r.state == INACTIVE:
        return 0
    if o.state == ESTABLISHED and r.state == ESTABLISHED:
        return 1
    return 12


CONN_STATES = ("S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH")
