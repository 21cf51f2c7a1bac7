"""The table of flows: places, hashes, identities; how flows come into it and leave it. Compiled.

Flows are removed by packet time: when a later packet of the same endpoints finds them out of date, or when the hand
passes over them. The hand looks at TURN places of the table after each TURN_ROWS rows, so that the order of what comes
out depends on the packets, not on how they were cut into chunks. A full table gives up the longest silent of the next
flows under the hand and counts it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from collectors.network import endings
from collectors.network.compiled import compiled
from collectors.network.layout import (
    ACK,
    CLOSE,
    COUNTERS,
    DONE,
    END,
    EVENT,
    EVENTS,
    EVICTED,
    FLOW,
    FREE,
    HAND,
    HIGH,
    HISTORY,
    ICMP,
    ICMP6,
    ICMP_IDLE,
    IDENT,
    LAST_EVICTED,
    LIVE,
    NOW,
    OTHER_IDLE,
    SERIAL,
    SPANS,
    SYN,
    TCP,
    UDP,
    UDP_IDLE,
)  # fmt: skip
from collectors.network.sides import letter

Array = NDArray[Any]
GIVE_UP = 64  # flows compared when the table is full
TURN, TURN_ROWS = 16, 64  # places that the hand looks at, after so many rows
NONE = -1
# Of one flow: itself, two sides, letters, spans, two to four places of hashes, one to two and a half identities.
BYTES = FLOW.itemsize + 2 * END.itemsize + HISTORY + 32 * SPANS + 16 + 2 * IDENT.itemsize


class Table(NamedTuple):
    """All state of the compiled part. Sizes: n flows, at least 2 n slots and more than n identities, powers of two."""

    slots: Array  # int32, of hashes, -1 free; linear probing
    free: Array  # int32 stack of free slots
    flows: Array  # FLOW (n,)
    ends: Array  # END (2 n,): originator and responder of slot i at 2 i and 2 i + 1
    history: Array  # uint8 (n, HISTORY)
    spans: Array  # int64 (2 n, 2 SPANS)
    idents: Array  # IDENT
    counters: Array  # int64 (COUNTERS,)
    options: Array  # int64 (OPTIONS,)
    servers: Array  # uint8 (2, 65536): likely server ports of TCP and UDP
    ports: Array  # uint8 (65536,): UDP ports that a parser wants
    done: Array  # FLOW: finished or reported flows
    done_ends: Array  # END (2 x done,)
    done_history: Array  # uint8 (done, HISTORY)
    events: Array  # EVENT


def make(flows: int, done: int, events: int, options: Array, servers: Array, ports: Array) -> Table:
    """A table for ``flows`` flows at a time; memory is touched only as it fills."""
    slots = 1 << max(flows * 2 - 1, 15).bit_length()
    idents = 1 << max(flows * 5 // 4, 15).bit_length()
    return Table(
        slots=np.full(slots, NONE, np.int32), free=np.arange(flows - 1, -1, -1, dtype=np.int32),
        flows=np.zeros(flows, FLOW), ends=np.zeros(2 * flows, END), history=np.zeros((flows, HISTORY), np.uint8),
        spans=np.zeros((2 * flows, 2 * SPANS), np.int64), idents=np.zeros(idents, IDENT),
        counters=_counters(flows), options=options, servers=servers, ports=ports, done=np.zeros(done, FLOW),
        done_ends=np.zeros(2 * done, END), done_history=np.zeros((done, HISTORY), np.uint8),
        events=np.zeros(events, EVENT),
    )  # fmt: skip


def _counters(flows: int) -> Array:
    c = np.zeros(COUNTERS, np.int64)
    c[FREE] = flows
    c[LAST_EVICTED] = np.iinfo(np.int64).min
    return c


@compiled(inline="always")
def _mix(x: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea, Flood)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@compiled()
def row_hash(row: Any, vlan: Any, seed: Any) -> Any:
    """The same for both directions."""
    a = _mix(row.src_lo ^ np.uint64(seed)) ^ _mix(row.src_hi + np.uint64(row.src_port))
    b = _mix(row.dst_lo ^ np.uint64(seed)) ^ _mix(row.dst_hi + np.uint64(row.dst_port))
    return _mix(_mix(a) + _mix(b) + (np.uint64(row.proto) << np.uint64(16)) + np.uint64(vlan))


@compiled()
def find(index: Any, flows: Any, row: Any, h: Any, vlan: Any) -> Any:
    """(slot or -1, whether the row comes from the originator)."""
    mask = np.uint64(index.shape[0] - 1)
    i = h & mask
    while True:
        slot = index[i]
        if slot < 0:
            return np.int64(-1), True
        f = flows[slot]
        if f.hash == h and f.proto == row.proto and f.key_vlan == vlan:
            if (
                f.src_lo == row.src_lo and f.dst_lo == row.dst_lo and f.src_port == row.src_port
                and f.dst_port == row.dst_port and f.src_hi == row.src_hi and f.dst_hi == row.dst_hi
            ):  # fmt: skip
                return np.int64(slot), True
            if (
                f.src_lo == row.dst_lo and f.dst_lo == row.src_lo and f.src_port == row.dst_port
                and f.dst_port == row.src_port and f.src_hi == row.dst_hi and f.dst_hi == row.src_hi
                and not row.one_way
            ):  # fmt: skip
                return np.int64(slot), False
        i = (i + np.uint64(1)) & mask


@compiled()
def forget(t: Any, slot: Any) -> None:
    """Take a slot out of the index, closing the run behind it (Knuth, 6.4 algorithm R)."""
    mask = np.uint64(t.slots.shape[0] - 1)
    i = t.flows[slot].hash & mask
    while t.slots[i] != slot:
        i = (i + np.uint64(1)) & mask
    j = i
    while True:
        j = (j + np.uint64(1)) & mask
        other = t.slots[j]
        if other < 0:
            break
        home = t.flows[other].hash & mask
        if ((j - home) & mask) >= ((j - i) & mask):
            t.slots[i] = other
            i = j
    t.slots[i] = NONE


@compiled()
def report(t: Any, slot: Any) -> None:
    k = t.counters[DONE]
    t.done[k] = t.flows[slot]
    t.done_ends[2 * k] = t.ends[2 * slot]
    t.done_ends[2 * k + 1] = t.ends[2 * slot + 1]
    for i in range(t.flows[slot].history):
        t.done_history[k, i] = t.history[slot, i]
    t.counters[DONE] = k + 1


@compiled()
def remove(t: Any, slot: Any) -> None:
    """Report a flow as finished and free its place."""
    f = t.flows[slot]
    f.open = 0
    report(t, slot)
    forget(t, slot)
    if f.serial >= 0:
        ident = t.idents[f.serial & (t.idents.shape[0] - 1)]
        ident.live = 0
        if f.kind == TCP:
            event(t, f.serial, f.last, 0, 0, 0, CLOSE, 1, 0)
    f.used = 0
    t.free[t.counters[FREE]] = slot
    t.counters[FREE] += 1
    t.counters[LIVE] -= 1


@compiled()
def event(t: Any, serial: Any, ts: Any, start: Any, seq: Any, size: Any, kind: Any, orig: Any, in_order: Any) -> None:
    k = t.counters[EVENTS]
    e = t.events[k]
    e.serial, e.ts, e.start, e.seq, e.size, e.kind, e.orig, e.in_order = (
        serial, ts, start, seq, size, kind, orig, in_order,
    )  # fmt: skip
    t.counters[EVENTS] = k + 1


@compiled()
def expires(f: Any, ends: Any, options: Any, slot: Any) -> Any:
    """When the flow goes if nothing more is heard of it, in microseconds."""
    if f.kind == TCP:
        return endings.expires(f, ends[2 * slot], ends[2 * slot + 1], options)
    if f.kind == UDP:
        return f.last + options[UDP_IDLE]
    if f.kind in (ICMP, ICMP6):
        return f.last + options[ICMP_IDLE]
    return f.last + options[OTHER_IDLE]


@compiled()
def evict(t: Any) -> None:
    """Give up the longest silent of the next flows under the hand."""
    best = np.int64(-1)
    n = t.counters[HIGH]
    for k in range(min(GIVE_UP, n)):
        slot = (t.counters[HAND] + k) % n
        if t.flows[slot].used and (best < 0 or t.flows[slot].last < t.flows[best].last):
            best = slot
    if expires(t.flows[best], t.ends, t.options, best) > t.counters[NOW]:
        t.counters[EVICTED] += 1
        t.counters[LAST_EVICTED] = max(t.counters[LAST_EVICTED], t.flows[best].start)
    remove(t, best)


@compiled()
def turn(t: Any, steps: Any) -> None:
    """Let the hand look at the next places of the table."""
    flows, ends, options = t.flows, t.ends, t.options
    n = t.counters[HIGH]
    now = t.counters[NOW]
    hand = t.counters[HAND]
    for _ in range(min(steps, n)):
        hand += 1
        if hand >= n:
            hand = 0
        f = flows[hand]
        if f.used and expires(f, ends, options, hand) <= now:
            remove(t, hand)
    t.counters[HAND] = hand


@compiled()
def flip(t: Any, slot: Any) -> None:
    """The originator becomes the responder."""
    f = t.flows[slot]
    f.src_hi, f.dst_hi = f.dst_hi, f.src_hi
    f.src_lo, f.dst_lo = f.dst_lo, f.src_lo
    f.src_port, f.dst_port = f.dst_port, f.src_port
    f.flipped ^= 1
    f.seen = ((f.seen & 1) << 1) | (f.seen >> 1)
    f.partial = 0
    if f.serial >= 0:
        copy_ident(f, t.idents[f.serial & (t.idents.shape[0] - 1)])
    letter(f, t.history, slot, 94, True)
    kept = np.empty(1, END)
    kept[0] = t.ends[2 * slot]
    t.ends[2 * slot] = t.ends[2 * slot + 1]
    t.ends[2 * slot + 1] = kept[0]
    for k in range(2 * SPANS):
        x = t.spans[2 * slot, k]
        t.spans[2 * slot, k] = t.spans[2 * slot + 1, k]
        t.spans[2 * slot + 1, k] = x


@compiled()
def _server_first(t: Any, row: Any) -> Any:
    """Whether the sender of a first packet is probably the server: by its port, as Zeek guesses."""
    if row.kind == UDP:
        if row.dst_hi == 0 and row.dst_lo == np.uint64(0x0000FFFFFFFFFFFF):  # to everybody
            return False
        return t.servers[1, row.src_port] != 0 and t.servers[1, row.dst_port] == 0
    if row.kind != TCP or (row.flags & SYN and not row.flags & ACK) or not t.servers[0, row.src_port]:
        return False
    if t.servers[0, row.dst_port]:
        return not row.flags & SYN and row.src_port < row.dst_port
    return True


@compiled()
def _clear(t: Any, slot: Any) -> None:
    for k in range(2):
        e = t.ends[2 * slot + k]
        e.start_seq = e.last_seq = e.last_wraps = e.ack_seq = e.ack_wraps = e.fin_seq = 0
        e.last_syn = e.last_fin = e.last_rst = 0
        e.next = e.trim = 1
        e.packets = e.ip_bytes = e.bytes = 0
        e.fin_count = e.repeats = e.repeats_next = e.zero_windows = e.zero_windows_next = 0
        e.gaps = e.gaps_next = e.bad_sums = e.bad_sums_next = e.spans = 0
        e.state = e.before = e.closed = e.seen = e.skip = e.ended = e.active = 0


@compiled()
def create(t: Any, row: Any, h: Any, vlan: Any, ordinal: Any) -> Any:
    """A new flow for a row; returns (slot, whether the row comes from its originator)."""
    c = t.counters
    if c[FREE] == 0:
        evict(t)
    c[FREE] -= 1
    slot = np.int64(t.free[c[FREE]])
    c[HIGH] = max(c[HIGH], slot + 1)
    c[LIVE] += 1
    f = t.flows[slot]
    f.src_hi, f.src_lo, f.dst_hi, f.dst_lo = row.src_hi, row.src_lo, row.dst_hi, row.dst_lo
    f.src_port, f.dst_port, f.proto, f.kind = row.src_port, row.dst_port, row.proto, row.kind
    f.hash, f.vlan, f.key_vlan, f.tunnel, f.one_way = h, row.vlan, vlan, row.tunnel, row.one_way
    f.start = f.last = f.reported = row.ts
    f.remove_at = f.partial_at = 0
    f.serial = -1
    f.missed = 0
    f.ordinal, f.reports, f.history = ordinal, 0, 0
    f.used, f.active = 1, 1
    f.open = f.flipped = f.partial = f.established = f.seen = f.closing = f.unwanted = 0
    _clear(t, slot)
    mask = np.uint64(t.slots.shape[0] - 1)
    i = h & mask
    while t.slots[i] >= 0:
        i = (i + np.uint64(1)) & mask
    t.slots[i] = slot
    if _server_first(t, row):
        flip(t, slot)
        return slot, False
    return slot, True


@compiled()
def name(t: Any, slot: Any) -> None:
    """Give the flow a serial: a place among the identities, of which those of living flows are passed over."""
    f = t.flows[slot]
    mask = t.idents.shape[0] - 1
    serial = t.counters[SERIAL]
    while t.idents[serial & mask].live:
        serial += 1
    t.counters[SERIAL] = serial + 1
    f.serial = serial
    d = t.idents[serial & mask]
    d.serial = serial
    d.labels = 0
    d.live = 1
    d.slot = slot
    copy_ident(f, d)


@compiled()
def copy_ident(f: Any, d: Any) -> None:
    d.src_hi, d.src_lo, d.dst_hi, d.dst_lo = f.src_hi, f.src_lo, f.dst_hi, f.dst_lo
    d.src_port, d.dst_port, d.vlan, d.start, d.ordinal = f.src_port, f.dst_port, f.vlan, f.start, f.ordinal
    d.proto, d.kind, d.one_way, d.flipped = f.proto, f.kind, f.one_way, f.flipped
