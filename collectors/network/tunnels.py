"""Tunnels over IP and over UDP: where what they carry begins, and what it is. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import T_AYIYA, T_ERSPAN, T_GENEVE, T_GRE, T_GTP, T_TEREDO, T_VXLAN
from collectors.network.links import END, ETHERNET, IP4, IP6, PPP, RAW, WIFI, be16


@compiled()
def gre(b: Any, at: Any, end: Any) -> Any:
    """Generic routing encapsulation, versions 0 and 1 (RFC 2784, 2890, 2637), ERSPAN and Aruba inside it."""
    nothing = (at, np.int64(END), np.int64(0))
    if at + 4 > end:
        return nothing
    flags = be16(b, at)
    t = be16(b, at + 2)
    version = flags & 7
    size = np.int64(4)
    if flags & 0xC000:
        size += 4
    if flags & 0x2000:
        size += 4
    if flags & 0x1000:
        size += 4
    if version == 1 and flags & 0x80:
        size += 4
    if version > 1 or flags & 0x4000:
        return nothing
    at += size
    if t == 0x88BE:  # ERSPAN type II has a header, type I (no sequence number) none
        return at + (8 if flags & 0x1000 else 0), np.int64(ETHERNET), np.int64(T_ERSPAN)
    if t == 0x22EB:
        if at + 12 > end:
            return nothing
        return at + (20 if b[at + 11] & 1 else 12), np.int64(ETHERNET), np.int64(T_ERSPAN)
    if t == 0x6558:
        return at, np.int64(ETHERNET), np.int64(T_GRE)
    if t == 0x880B:
        return at, np.int64(PPP), np.int64(T_GRE)
    if t in (0x8200, 0x8210, 0x8220, 0x8230, 0x8240, 0x8250, 0x8260, 0x8270, 0x8280, 0x8290, 0x82A0, 0x82B0, 0x82C0,
             0x82D0, 0x82E0, 0x82F0):  # fmt: skip
        return at, np.int64(WIFI), np.int64(T_GRE)
    if t in (IP4, IP6, 0x8847, 0x8848, 0x8100, 0x88A8):
        return at, t, np.int64(T_GRE)
    return nothing


@compiled()
def udp_tunnel(b: Any, at: Any, end: Any, src: Any, dst: Any) -> Any:
    """Tunnels over UDP by port and by what they must look like: (place, next, tunnel) or END."""
    nothing = (at, np.int64(END), np.int64(0))
    size = end - at
    if (dst == 4789 or src == 4789) and size >= 22 and (b[at] & 0x08) and b[at + 7] == 0:
        return at + 8, np.int64(ETHERNET), np.int64(T_VXLAN)
    if (dst == 6081 or src == 6081) and size >= 8 and (b[at] >> 6) == 0:
        return at + 8 + 4 * np.int64(b[at] & 0x3F), be16(b, at + 2) if be16(b, at + 2) != 0x6558 else np.int64(
            ETHERNET
        ), np.int64(T_GENEVE)
    if (dst in (2152, 2123) or src in (2152, 2123)) and size >= 28 and (b[at] >> 4) == 3 and b[at + 1] == 0xFF:
        head = np.int64(12 if b[at] & 7 else 8)
        if b[at] & 4:  # extension headers, each in units of four bytes
            kind = np.int64(b[at + 11])
            for _ in range(8):
                if kind == 0 or at + head + 4 > end:
                    break
                n = np.int64(b[at + head]) * 4
                if n == 0 or at + head + n > end:
                    return nothing
                kind = np.int64(b[at + head + n - 1])
                head += n
        return at + head, np.int64(RAW), np.int64(T_GTP)
    if (dst == 3544 or src == 3544) and size >= 40:
        i = at
        if b[i] == 0 and b[i + 1] == 1 and i + 4 <= end:  # authentication
            i += 13 + np.int64(b[i + 2]) + np.int64(b[i + 3])
        if i + 8 <= end and b[i] == 0 and b[i + 1] == 0:  # origin
            i += 8
        if i + 40 <= end and (b[i] >> 4) == 6 and be16(b, i + 4) + 40 == end - i:
            return i, np.int64(IP6), np.int64(T_TEREDO)
        return nothing
    if (dst == 5072 or src == 5072) and size >= 8 and (b[at + 2] & 0x0F) == 1:
        head = 8 + (4 << (np.int64(b[at] >> 4) - 2 if (b[at] >> 4) >= 2 else 0)) + 4 * np.int64(b[at + 1] >> 4)
        if b[at + 3] in (4, 41) and at + head < end:
            return at + head, np.int64(RAW), np.int64(T_AYIYA)
        return nothing
    if dst == 4754:
        return gre(b, at, end)
    return nothing
