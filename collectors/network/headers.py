"""Headers into columns: link layer, tags, tunnels, IP and transport of each packet. Compiled; allocates nothing.

One packet gives no row (nothing of ours in it), one, or several: a tunnel over UDP is a flow itself and so is what it
carries. Reads never pass the captured end of the packet; what cannot be parsed ends the packet there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import (
    FRAGMENT,
    ICMP,
    ICMP6,
    OTHER,
    T_AYIYA,
    T_ERSPAN,
    T_GENEVE,
    T_GRE,
    T_GTP,
    T_IP,
    T_TEREDO,
    T_VXLAN,
    TCP,
    UDP,
)  # fmt: skip
from collectors.network.sums import transport_sum_is_bad

MAX_LAYERS = 24
MAX_ROWS = 4  # of one packet

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

# ICMP types that ask and answer each other: Zeek pairs them, so that both sides are one flow.
PAIRS4 = ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18))
PAIRS6 = ((128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145))
COUNTERPARTS = np.full((2, 256), -1, np.int64)
for _k, _pairs in enumerate((PAIRS4, PAIRS6)):
    for _ask, _answer in _pairs:
        COUNTERPARTS[_k, _ask] = _answer
        COUNTERPARTS[_k, _answer] = _ask

V4_PREFIX = np.uint64(0x0000FFFF00000000)


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
def _extensions(b: Any, at: Any, end: Any, proto: Any) -> Any:
    """Step over IPv6 extension headers: (place of the payload, its protocol, place of a fragment header or -1)."""
    fragment = np.int64(-1)
    for _ in range(16):
        if proto in (0, 43, 60, 135):
            if at + 8 > end or proto == 135:
                break
            proto, at = np.int64(b[at]), at + 8 * (np.int64(b[at + 1]) + 1)
        elif proto == 51:
            if at + 8 > end:
                break
            proto, at = np.int64(b[at]), at + 4 * (np.int64(b[at + 1]) + 2)
        elif proto == 44:
            if at + 8 > end:
                break
            if (be16(b, at + 2) & 0xFFF9) != 0:
                fragment = at
                break
            proto, at = np.int64(b[at]), at + 8
        else:
            break
    return at, proto, fragment


@compiled()
def _link(b: Any, at: Any, end: Any, kind: Any) -> Any:
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


@compiled()
def _gre(b: Any, at: Any, end: Any) -> Any:
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
def _udp_tunnel(b: Any, at: Any, end: Any, src: Any, dst: Any) -> Any:
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
        return _gre(b, at, end)
    return nothing


@compiled()
def _transport(b: Any, at: Any, end: Any, size: Any, proto: Any, row: Any, version: Any) -> Any:
    """Fill the row from the transport header; False if it is cut off or impossible. ``size``: IP payload bytes."""
    captured = end - at
    row.proto = proto
    row.flags = 0
    row.one_way = 0
    row.seq = row.ack = 0
    row.window = 0
    head = np.int64(0)
    row.src_port = row.dst_port = 0
    if proto == 6:
        if size < 20 or captured < 20:
            return False
        head = np.int64(b[at + 12] >> 4) * 4
        row.kind = TCP
        row.src_port, row.dst_port = be16(b, at), be16(b, at + 2)
        if head < 20 or head > size or head > captured:
            return False
        row.seq, row.ack = be32(b, at + 4), be32(b, at + 8)
        row.flags = b[at + 13] & 0x3F
        row.window = be16(b, at + 14)
    elif proto == 17:
        if size < 8 or captured < 8:
            return False
        head = np.int64(8)
        row.kind = UDP
        row.src_port, row.dst_port = be16(b, at), be16(b, at + 2)
        told = be16(b, at + 4)
        if told >= 8:
            size = told
    elif (proto == 1 and version == 4) or (proto == 58 and version == 6):
        if size < 8 or captured < 8:
            return False
        head = np.int64(8)
        row.kind = ICMP if proto == 1 else ICMP6
        code = np.int64(b[at])
        other = COUNTERPARTS[0 if proto == 1 else 1, code]
        row.src_port = code
        if other < 0:
            row.one_way = 1
            row.dst_port = np.int64(b[at + 1])
        else:
            row.dst_port = other
    elif proto == 132:
        row.kind = OTHER
        if captured >= 12:
            row.src_port, row.dst_port = be16(b, at), be16(b, at + 2)
            head = np.int64(12)
    else:
        row.kind = OTHER
    row.start = at + head
    row.size = max(size - head, 0)
    row.captured = min(max(captured - head, 0), row.size)
    return True


@compiled()
def _addresses(b: Any, at: Any, row: Any, version: Any) -> None:
    if version == 4:
        row.src_hi = row.dst_hi = np.uint64(0)
        row.src_lo = V4_PREFIX | np.uint64(be32(b, at + 12))
        row.dst_lo = V4_PREFIX | np.uint64(be32(b, at + 16))
    else:
        row.src_hi, row.src_lo = be64(b, at + 8), be64(b, at + 16)
        row.dst_hi, row.dst_lo = be64(b, at + 24), be64(b, at + 32)


@compiled(nogil=True)
def parse(b: Any, packets: Any, first: Any, count: Any, rows: Any, counters: Any, check: Any, links: Any) -> Any:
    """Parse ``packets[first:count]`` (n, 5) int64 of the walk into ``rows`` (ROW); (next packet, rows written).

    Stops early when ``rows`` has no room for another packet. ``counters``: [0] packets with a transport that is cut
    off, [1] packets of a link type that is not known. ``check``: verify checksums of TCP, UDP and ICMP.
    """
    n = 0
    k = first
    while k < count and n + MAX_ROWS <= rows.shape[0]:
        at = packets[k, 0]
        end = at + packets[k, 1]
        wire_end = at + packets[k, 2]
        link = packets[k, 4]
        kind = links[link] if 0 <= link < links.shape[0] else np.int64(0)
        if kind == 0:
            counters[1] += 1
        vlan = np.int64(0)
        tunnel = np.int64(0)
        made = 0
        for _ in range(MAX_LAYERS):
            if kind in (0, END) or at >= end or made >= MAX_ROWS:
                break
            if kind not in (RAW, IP4, IP6):
                at, kind, tag = _link(b, at, end, kind)
                if tag > 0 and vlan == 0:
                    vlan = tag
                continue
            version = np.int64(b[at] >> 4)
            if (kind == IP4 and version != 4) or (kind == IP6 and version != 6):
                break
            fragment = np.int64(-1)
            if version == 4:
                if at + 20 > end:
                    break
                head = np.int64(b[at] & 15) * 4
                told = total = be16(b, at + 2)
                if total == 0:  # segmentation offload leaves the length to the card
                    total = wire_end - at
                proto = np.int64(b[at + 9])
                if be16(b, at + 6) & 0x3FFF:
                    fragment = at
                payload = at + head
                if head < 20:
                    break
            elif version == 6:
                if at + 40 > end:
                    break
                told = total = be16(b, at + 4) + 40
                if total == 40 and (b[at + 6] == 6 or b[at + 6] == 17):
                    total = wire_end - at
                payload, proto, fragment = _extensions(b, at + 40, end, np.int64(b[at + 6]))
                head = payload - at
            else:
                break
            if head > total or payload > end or at + total > wire_end:
                break
            row = rows[n]
            row.ts = packets[k, 3]
            row.packet = k
            row.vlan = vlan
            row.tunnel = tunnel
            row.ip_size = told
            row.bad_sum = 0
            _addresses(b, at, row, version)
            inner_end = min(end, at + total)
            if fragment >= 0 and inner_end == at + total:
                row.kind = FRAGMENT
                row.start, row.size, row.captured = at, total, total
                n += 1
                break
            if fragment >= 0 and version == 4 and (be16(b, at + 6) & 0x1FFF) != 0:
                break
            if fragment >= 0 and version == 6:
                if payload + 8 > end or (be16(b, payload + 2) & 0xFFF8) != 0:
                    break
                proto, payload, head = np.int64(b[payload]), payload + 8, head + 8
            if proto == 4 or (proto == 41 and version in (4, 6)):
                at, end, wire_end = payload, inner_end, at + total
                kind = np.int64(IP4 if proto == 4 else IP6)
                tunnel = np.int64(T_IP)
                continue
            if proto == 47:
                at, kind, gre = _gre(b, payload, inner_end)
                if kind != END:
                    end, wire_end, tunnel = inner_end, max(wire_end, inner_end), gre
                    continue
                at = payload
            if (proto == 59 or proto == 135) and version == 6:
                break
            if not _transport(b, payload, inner_end, total - head, proto, row, version):
                counters[0] += 1
                break
            if check and inner_end == at + total:
                row.bad_sum = transport_sum_is_bad(b, payload, inner_end, proto, row, version)
            n += 1
            made += 1
            if proto != 17 or row.bad_sum:
                break
            kind = np.int64(END)
            start, stop = row.start, row.start + row.captured
            at, kind, over = _udp_tunnel(b, start, stop, np.int64(row.src_port), np.int64(row.dst_port))
            if kind == END:
                break
            end, wire_end, tunnel = stop, max(wire_end, stop), over
        k += 1
    return k, n
