"""Headers into columns: link layer, tags, tunnels, IP and transport of each packet. Compiled; allocates nothing.

One packet gives no row (nothing of ours in it), one, or several: a tunnel over UDP is a flow itself and so is what it
carries. Reads never pass the captured end of the packet; what cannot be parsed ends the packet there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled
from collectors.network.layout import FRAGMENT, ICMP, ICMP6, OTHER, T_IP, TCP, UDP
from collectors.network.links import END, IP4, IP6, RAW, be16, be32, be64, link
from collectors.network.sums import transport_sum_is_bad
from collectors.network.tunnels import gre, udp_tunnel

MAX_LAYERS = 24
MAX_ROWS = 4  # of one packet

# ICMP types that ask and answer each other: Zeek pairs them, so that both sides are one flow.
PAIRS4 = ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18))
PAIRS6 = ((128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145))
COUNTERPARTS = np.full((2, 256), -1, np.int64)
for _k, _pairs in enumerate((PAIRS4, PAIRS6)):
    for _ask, _answer in _pairs:
        COUNTERPARTS[_k, _ask] = _answer
        COUNTERPARTS[_k, _answer] = _ask

V4_PREFIX = np.uint64(0x0000FFFF00000000)


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
        first_link = packets[k, 4]
        kind = links[first_link] if 0 <= first_link < links.shape[0] else np.int64(0)
        if kind == 0:
            counters[1] += 1
        vlan = np.int64(0)
        tunnel = np.int64(0)
        made = 0
        for _ in range(MAX_LAYERS):
            if kind in (0, END) or at >= end or made >= MAX_ROWS:
                break
            if kind not in (RAW, IP4, IP6):
                at, kind, tag = link(b, at, end, kind)
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
                at, kind, over = gre(b, payload, inner_end)
                if kind != END:
                    end, wire_end, tunnel = inner_end, max(wire_end, inner_end), over
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
            at, kind, over = udp_tunnel(b, start, stop, np.int64(row.src_port), np.int64(row.dst_port))
            if kind == END:
                break
            end, wire_end, tunnel = stop, max(wire_end, stop), over
        k += 1
    return k, n
