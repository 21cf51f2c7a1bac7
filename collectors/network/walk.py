"""The record walk: where each packet of a capture lies in the buffer. Compiled; allocates nothing.

pcap: the 16-byte record header of libpcap's savefile format. pcapng: draft-ietf-opsawg-pcapng, blocks of sections,
interfaces and packets; other blocks are stepped over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import PACKET_WORDS

MAX_CAPTURED = 1 << 18  # libpcap refuses longer packets too
MAX_BLOCK = 16 << 20
MAX_INTERFACES = 4096

# The state between calls: where it stopped and why, then pcapng's section.
AT, STATUS, REASON, SWAPPED, INTERFACES, SECTION = range(6)
STATE = 6
MORE, BAD = 0, 1
REASONS = (
    "", "a packet longer than any capture allows", "a block with an impossible length",
    "a section header that is none", "a packet of an interface that was not described",
    "more interfaces than are sensible",
)  # fmt: skip
LINK, UNITS, OFFSET = range(3)  # of an interface; UNITS: exponent of ten, or 256 + exponent of two

SECTION_HEADER, INTERFACE, OLD_PACKET, SIMPLE_PACKET, PACKET = 0x0A0D0D0A, 1, 2, 3, 6


@compiled(inline="always")
def u16(b: Any, i: Any, swapped: Any) -> Any:
    if swapped:
        return (np.int64(b[i]) << 8) | np.int64(b[i + 1])
    return np.int64(b[i]) | (np.int64(b[i + 1]) << 8)


@compiled(inline="always")
def u32(b: Any, i: Any, swapped: Any) -> Any:
    if swapped:
        return (
            (np.int64(b[i]) << 24) | (np.int64(b[i + 1]) << 16) | (np.int64(b[i + 2]) << 8) | np.int64(b[i + 3])
        )
    return np.int64(b[i]) | (np.int64(b[i + 1]) << 8) | (np.int64(b[i + 2]) << 16) | (np.int64(b[i + 3]) << 24)


@compiled(nogil=True)
def pcap(
    b: Any, at: Any, end: Any, swapped: Any, unit: Any, link: Any, record: Any, out: Any, state: Any
) -> Any:
    """Walk pcap records in ``b[at:end]``; returns the packets written to ``out``, state[AT] is where it stopped."""
    n = 0
    state[STATUS] = MORE
    while n < out.shape[0] and at + record <= end:
        captured = u32(b, at + 8, swapped)
        if captured > MAX_CAPTURED:
            state[STATUS], state[REASON] = BAD, 1
            break
        if at + record + captured > end:
            break
        out[n, 0] = at + record
        out[n, 1] = captured
        out[n, 2] = u32(b, at + 12, swapped)
        # unit is nanoseconds of the fraction: 1000 in microsecond files, 1 in nanosecond files.
        out[n, 3] = u32(b, at, swapped) * 1000000 + u32(b, at + 4, swapped) * unit // 1000
        out[n, 4] = link
        n += 1
        at += record + captured
    state[AT] = at
    return n


@compiled()
def _micros(high: Any, low: Any, units: Any, offset: Any) -> Any:
    """A pcapng time stamp in microseconds: units of 10**-e seconds (e < 128) or 2**-(e - 256) seconds."""
    t = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
    if units >= 256:
        e = units - 256
        if e > 63:
            return np.int64(0)
        whole = t >> np.uint64(e)
        part = t - (whole << np.uint64(e))
        if e > 40:
            part >>= np.uint64(e - 40)
            e = 40
        us = whole * np.uint64(1000000) + ((part * np.uint64(1000000)) >> np.uint64(e))
    elif units <= 6:
        us = t
        for _ in range(6 - units):
            us *= np.uint64(10)
    else:
        us = t
        for _ in range(min(units - 6, 20)):
            us //= np.uint64(10)
    return np.int64(us & np.uint64(0x7FFFFFFFFFFFFFFF)) + offset * np.int64(1000000)


@compiled()
def _interface(b: Any, at: Any, end: Any, swapped: Any, links: Any, k: Any) -> None:
    links[k, LINK] = u16(b, at + 8, swapped)
    links[k, UNITS] = 6
    links[k, OFFSET] = 0
    i = at + 16
    while i + 4 <= end:
        code = u16(b, i, swapped)
        size = u16(b, i + 2, swapped)
        if code == 0 or i + 4 + size > end:
            break
        if code == 9 and size >= 1:
            v = np.int64(b[i + 4])
            links[k, UNITS] = 256 + (v & 127) if v & 128 else v
        if code == 14 and size >= 8:
            first = u32(b, i + 4, swapped)
            second = u32(b, i + 8, swapped)
            links[k, OFFSET] = (first << 32) | second if swapped else (second << 32) | first
        i += 4 + ((size + 3) & ~3)


@compiled(nogil=True)
def pcapng(b: Any, at: Any, end: Any, links: Any, out: Any, state: Any) -> Any:
    """Walk pcapng blocks in ``b[at:end]``; sections and interfaces are remembered in ``state`` and ``links``."""
    n = 0
    state[STATUS] = MORE
    swapped = state[SWAPPED] != 0
    while n < out.shape[0] and at + 12 <= end:
        kind = u32(b, at, swapped)
        if kind == SECTION_HEADER:
            order = u32(b, at + 8, False)
            if order == 0x1A2B3C4D:
                swapped = False
            elif order == 0x4D3C2B1A:
                swapped = True
            else:
                state[STATUS], state[REASON] = BAD, 3
                break
            state[SWAPPED] = 1 if swapped else 0
        elif state[SECTION] == 0:
            state[STATUS], state[REASON] = BAD, 3
            break
        size = u32(b, at + 4, swapped)
        if size < 12 or size > MAX_BLOCK:
            state[STATUS], state[REASON] = BAD, 2
            break
        size = (size + 3) & ~3
        if at + size > end:
            break
        if kind == SECTION_HEADER:
            state[SECTION] += 1
            state[INTERFACES] = 0
        elif kind == INTERFACE and size >= 20:
            if state[INTERFACES] >= links.shape[0]:
                state[STATUS], state[REASON] = BAD, 5
                break
            _interface(b, at, at + size - 4, swapped, links, state[INTERFACES])
            state[INTERFACES] += 1
        elif (kind in (PACKET, OLD_PACKET) and size >= 32) or (kind == SIMPLE_PACKET and size >= 16):
            k = np.int64(0)
            if kind == PACKET:
                k = u32(b, at + 8, swapped)
            elif kind == OLD_PACKET:
                k = u16(b, at + 8, swapped)
            if k >= state[INTERFACES]:
                state[STATUS], state[REASON] = BAD, 4
                break
            if kind == SIMPLE_PACKET:
                wire = u32(b, at + 8, swapped)
                head = np.int64(12)
                captured = min(wire, size - 16)
                out[n, 3] = 0
            else:
                captured = u32(b, at + 20, swapped)
                wire = u32(b, at + 24, swapped)
                head = np.int64(28)
                out[n, 3] = _micros(u32(b, at + 12, swapped), u32(b, at + 16, swapped), links[k, UNITS],
                                    links[k, OFFSET])  # fmt: skip
            if captured > size - head - 4:
                state[STATUS], state[REASON] = BAD, 1
                break
            out[n, 0] = at + head
            out[n, 1] = captured
            out[n, 2] = wire
            out[n, 4] = links[k, LINK]
            n += 1
        at += size
    state[AT] = at
    return n


assert PACKET_WORDS == 5
