"""What lies below IP: link layers, tags, labels and frames within frames, one step at a time. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled

# What comes next in a packet: an EtherType, or one of these.
ETHERNET, NULL, RAW, SLL, SLL2, MPLS, PPP, RADIOTAP, WIFI, NFLOG, HDLC, PPPOE, \
    PPI, LOOP, LLC, END = range(1, 17)  # fmt: skip
IP4, IP6 = 0x0800, 0x86DD

# LINKTYPE_ values of libpcap.
LINKS = {
    0: NULL, 108: LOOP, 1: ETHERNET, 12: RAW, 14: RAW, 101: RAW, 228: RAW, 229: RAW, 113: SLL, 276: SLL2, 9: PPP,
    50: PPP, 51: PPPOE, 104: HDLC, 105: WIFI, 127: RADIOTAP, 239: NFLOG, 219: MPLS, 192: PPI,
}  # fmt: skip
LINK_TABLE = np.zeros(512, np.int64)
for _code, _next in LINKS.items():
    LINK_TABLE[_code] = _next


@compiled(inline="always")
def be16(b: Any, i: Any) -> Any:
    return (np.int64(b[i]) << 8) | np.int64(b[i + 1])


@compiled(inline="always")
def be32(b: Any, i: Any) -> Any:
    return (np.int64(b[i]) << 24) | (np.int64(b[i + 1]) << 16) | (np.int64(b[i + 2]) << 8) | np.int64(b[i + 3])


@compiled(inline="always")
def be64(b: Any, i: Any) -> Any:
    return (np.uint64(be32(b, i)) << np.uint64(32)) | np.uint64(be32(b, i + 4))


@compiled()
def link(b: Any, at: Any, end: Any, kind: Any) -> Any:
    """One step through the layers below IP: (place, what is next, VLAN id or -1); END if nothing of ours follows."""
    vlan = np.int64(-1)
    nothing = np.int64(END)
    if kind == ETHERNET:
        if at + 14 > end:
            return at, nothing, vlan
        if b[at] == 0x01 and b[at + 1] == 0x00 and b[at + 2] == 0x0C and b[at + 3] == 0x00:
            return at + 26, np.int64(ETHERNET), vlan  # Cisco ISL
        t = be16(b, at + 12)
        if t == 0x8903:  # Cisco FabricPath: 16 bytes before the frame
            return at + 16, np.int64(ETHERNET), vlan
        if t < 0x600:
            return at + 14, np.int64(LLC), vlan
        return at + 14, t, vlan
    if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
        if at + 4 > end:
            return at, nothing, vlan
        t = be16(b, at + 2)
        return at + 4, t if t >= 0x600 else np.int64(LLC), be16(b, at) & 0xFFF
    if kind == 0x88E7:  # provider backbone bridging: 4 bytes of service tag, then a frame
        return at + 4, np.int64(ETHERNET), vlan
    if kind == LLC:
        if at + 8 > end or b[at] != 0xAA or b[at + 1] != 0xAA:
            return at, nothing, vlan
        return at + 8, be16(b, at + 6), vlan
    if kind in (0x8847, 0x8848, MPLS):
        while at + 4 <= end:
            bottom = b[at + 2] & 1
            at += 4
            if bottom:
                if at >= end:
                    return at, nothing, vlan
                if (b[at] >> 4) in (4, 6):
                    return at, np.int64(RAW), vlan
                if (b[at] >> 4) == 0:  # a pseudowire's control word before a frame
                    return at + 4, np.int64(ETHERNET), vlan
                return at, nothing, vlan
        return at, nothing, vlan
    if kind == 0x8864 or kind == PPPOE:
        if at + 8 > end or be16(b, at) != 0x1100:
            return at, nothing, vlan
        return at + 6, np.int64(PPP), vlan
    if kind == PPP:
        if at + 4 > end:
            return at, nothing, vlan
        if b[at] == 0xFF and b[at + 1] == 0x03:
            at += 2
        p = be16(b, at)
        at += 2
        if p == 0x0021:
            return at, np.int64(IP4), vlan
        if p == 0x0057:
            return at, np.int64(IP6), vlan
        if p == 0x0281:
            return at, np.int64(MPLS), vlan
        return at, nothing, vlan
    if kind == HDLC:
        return (at + 4, be16(b, at + 2), vlan) if at + 4 <= end else (at, nothing, vlan)
    if kind in (NULL, LOOP):
        return at + 4, np.int64(RAW), vlan
    if kind == SLL:
        return (at + 16, be16(b, at + 14), vlan) if at + 16 <= end else (at, nothing, vlan)
    if kind == SLL2:
        return (at + 20, be16(b, at), vlan) if at + 20 <= end else (at, nothing, vlan)
    if kind == RADIOTAP:
        if at + 4 > end:
            return at, nothing, vlan
        return at + (np.int64(b[at + 2]) | (np.int64(b[at + 3]) << 8)), np.int64(WIFI), vlan
    if kind == PPI:
        if at + 8 > end or (np.int64(b[at + 4]) | (np.int64(b[at + 5]) << 8)) != 105:
            return at, nothing, vlan
        return at + (np.int64(b[at + 2]) | (np.int64(b[at + 3]) << 8)), np.int64(WIFI), vlan
    if kind == WIFI:
        return _wifi(b, at, end)
    if kind == NFLOG:
        return _nflog(b, at, end)
    return at, nothing, vlan


@compiled()
def _wifi(b: Any, at: Any, end: Any) -> Any:
    """IEEE 802.11 data frames that are not encrypted; their payload begins with LLC/SNAP."""
    nothing = (at, np.int64(END), np.int64(-1))
    if at + 24 > end or (b[at] & 0x0C) != 0x08 or (b[at] & 0x40) != 0 or (b[at + 1] & 0x40) != 0:
        return nothing
    size = np.int64(24)
    if (b[at + 1] & 3) == 3:
        size += 6
    if b[at] & 0x80:
        size += 2
        if at + size <= end and (b[at + size - 2] & 0x80) != 0:
            return at + size, np.int64(ETHERNET), np.int64(-1)  # an aggregate: its first frame, with its own length
    return at + size, np.int64(LLC), np.int64(-1)


@compiled()
def _nflog(b: Any, at: Any, end: Any) -> Any:
    """Linux netfilter log: family, version, resource id, then TLVs in host order of which type 9 is the packet."""
    nothing = (at, np.int64(END), np.int64(-1))
    if at + 4 > end or b[at + 1] != 0:
        return nothing
    i = at + 4
    while i + 4 <= end:
        size = np.int64(b[i]) | (np.int64(b[i + 1]) << 8)
        code = np.int64(b[i + 2]) | (np.int64(b[i + 3]) << 8)
        if code == 9:
            return i + 4, np.int64(RAW), np.int64(-1)
        if size < 4:
            break
        i += (size + 3) & ~3
    return nothing
