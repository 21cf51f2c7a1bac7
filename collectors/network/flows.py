"""Packets into flows: finished flows and events for parsers come out. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network import endings, tcp
from collectors.network.compiled import compiled
from collectors.network.layout import (
    BAD_SUMS,
    DATA,
    DATAGRAM,
    DONE,
    EVENTS,
    EVICTED,
    FRAGMENT,
    GAP,
    HIGH,
    LAST_EVICTED,
    NOW,
    REPORT_EVERY,
    REUSED,
    ROWS,
    SEED,
    TCP,
    UDP,
    VLAN_IN_KEY,
)  # fmt: skip
from collectors.network.sides import SEEN_DATA, letter, once
from collectors.network.table import (
    TURN,
    TURN_ROWS,
    create,
    event,
    expires,
    find,
    flip,
    name,
    remove,
    report,
    row_hash,
    turn,
)  # fmt: skip


@compiled()
def _tell(t: Any, slot: Any, row: Any, orig: Any, data: Any, in_order: Any, hole: Any) -> None:
    """Events of a segment for the parsers: a hole that it acknowledged, its payload."""
    f = t.flows[slot]
    if hole > 0 and f.serial >= 0:
        event(t, f.serial, row.ts, 0, hole, 0, GAP, 0 if orig else 1, 0)
    if data >= 0 and row.captured > 0:
        if f.serial < 0:
            name(t, slot)
        whole = row.captured >= row.size
        event(t, f.serial, row.ts, row.start, data, row.captured, DATA, 1 if orig else 0,
               1 if in_order and whole else 0)  # fmt: skip


@compiled()
def _tell_datagram(t: Any, slot: Any, row: Any, orig: Any) -> None:
    f = t.flows[slot]
    if f.serial < 0:
        name(t, slot)
    event(t, f.serial, row.ts, row.start, 0, row.captured, DATAGRAM, 1 if orig else 0, 1)


@compiled()
def _bad_sum(t: Any, slot: Any, orig: Any) -> None:
    """A packet with a wrong checksum leaves a letter and nothing else."""
    f = t.flows[slot]
    t.counters[BAD_SUMS] += 1
    if f.kind in (TCP, UDP):
        e = t.ends[2 * slot + (0 if orig else 1)]
        e.bad_sums += 1
        if e.bad_sums == max(e.bad_sums_next, 1):
            letter(f, t.history, slot, 67, orig)  # C
            e.bad_sums_next = max(e.bad_sums_next, 1) * 10


@compiled(nogil=True)
def track(t: Any, rows: Any, first: Any, count: Any) -> Any:
    """Take ``rows[first:count]`` (ROW); returns the next row, which is before ``count`` when an output is full."""
    # Handing the whole table to a function counts references to all of its arrays: only what is rare is called so.
    c, flows, ends, spans, history, index = t.counters, t.flows, t.ends, t.spans, t.history, t.slots
    options, ports, done, events = t.options, t.ports, t.done, t.events
    every = options[REPORT_EVERY]
    for k in range(first, count):
        if c[DONE] + TURN + 4 > done.shape[0] or c[EVENTS] + TURN + 6 > events.shape[0]:
            return k
        row = rows[k]
        if row.kind == FRAGMENT:
            continue
        c[ROWS] += 1
        c[NOW] = max(c[NOW], row.ts)
        if c[ROWS] % TURN_ROWS == 0:
            turn(t, TURN)
        vlan = np.int64(row.vlan) if options[VLAN_IN_KEY] else np.int64(0)
        h = row_hash(row, vlan, options[SEED])
        slot, orig = find(index, flows, row, h, vlan)
        ordinal = 0
        if slot >= 0:
            f = flows[slot]
            over = expires(f, ends, options, slot) <= row.ts
            if not over and row.kind == TCP and endings.reused(f, ends[2 * slot], ends[2 * slot + 1], row):
                over = True
                c[REUSED] += 1
            if over:
                ordinal = f.ordinal + 1 if f.start == row.ts else 0
                remove(t, slot)
                slot = np.int64(-1)
        if slot < 0:
            if c[LAST_EVICTED] >= row.ts:
                ordinal += c[EVICTED] << 8  # one with these endpoints and this start may have been given up
            slot, orig = create(t, row, h, vlan, ordinal)
        f = flows[slot]
        if every and row.ts - f.reported >= every:
            f.open = 1
            f.reported = row.ts
            report(t, slot)
            f.reports += 1
        mine = 2 * slot + (0 if orig else 1)
        e = ends[mine]
        if row.bad_sum:
            _bad_sum(t, slot, orig)
        else:
            e.packets += 1
            e.ip_bytes += row.ip_size
            if row.kind == TCP:
                other = 4 * slot + 1 - mine
                p = ends[other]
                data = tcp.quick(f, e, p, history, slot, row, orig)
                if data >= 0:
                    if row.size == 0 or f.unwanted:
                        continue
                    in_order, hole, turned = True, np.int64(0), False
                else:
                    data, in_order, hole, turned = tcp.segment(
                        f, e, p, history, slot, spans, mine, other, row, orig, options
                    )
                if not f.unwanted and (data >= 0 or hole > 0):
                    _tell(t, slot, row, orig, data, in_order, hole)
                if turned:
                    flip(t, slot)
            else:
                f.last = row.ts
                e.bytes += row.size
                e.active = 1
                if row.kind == UDP:
                    once(f, e, history, slot, SEEN_DATA, 68, orig)  # D
                    if row.captured > 0 and (ports[f.dst_port] or ports[f.src_port]):
                        _tell_datagram(t, slot, row, orig)
    return count


@compiled(nogil=True)
def drain(t: Any, first: Any) -> Any:
    """Remove flows from slot ``first`` on as far as the outputs have room; returns the next slot."""
    for slot in range(first, t.counters[HIGH]):
        if t.counters[DONE] + 1 > t.done.shape[0] or t.counters[EVENTS] + 1 > t.events.shape[0]:
            return slot
        if t.flows[slot].used:
            remove(t, slot)
    return t.counters[HIGH]
