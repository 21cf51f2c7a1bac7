"""How TCP connections end: when they are given up, whether another begins, what state they ended in. Compiled.

``f`` is a FLOW record, ``o`` and ``r`` the END of originator and responder.
"""

from __future__ import annotations

from typing import Any

from collectors.network.compiled import compiled
from collectors.network.layout import (
    ACK,
    ATTEMPT,
    LINGER,
    SESSION_TIMER,
    SYN,
    SYN_TIMER,
    TCP_IDLE,
    UDP_IDLE,
)  # fmt: skip
from collectors.network.sides import CLOSED, ESTABLISHED, INACTIVE, PARTIAL, RESET, SYN_ACK_SENT, SYN_SENT

CONN_STATES = ("S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH")


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
