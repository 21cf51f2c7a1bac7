"""Packets of made conversations as a capture file: columns of packets, put together in one compiled pass."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np

GLOBAL = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)  # microseconds, Ethernet
TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SEGMENT = 1400  # payload bytes of a full packet

# ts (microseconds), source and destination address (32 bit), ports, protocol, TCP flags, sequence and acknowledgement
# number, where the payload begins and ends in the pool.
Packet = tuple[int, int, int, int, int, int, int, int, int, int, int]


def write_packets(path: Path, packets: Iterable[tuple[int, bytes]]) -> None:
    """Write whole frames at microseconds as a pcap of link type Ethernet."""
    with path.open("wb") as f:
        f.write(GLOBAL)
        for ts, raw in packets:
            f.write(struct.pack("<IIII", ts // 1_000_000, ts % 1_000_000, len(raw), len(raw)) + raw)


def write_capture(path: Path, packets: list[Packet], pool: bytes) -> int:
    """Write packets in the order of their times, with right checksums; returns the number of bytes."""
    table = np.array(packets, np.int64).reshape(-1, 11)
    table = table[np.argsort(table[:, 0], kind="stable")]
    head = np.where(table[:, 5] == TCP, 20, 8)
    sizes = 16 + 14 + 20 + head + table[:, 10] - table[:, 9]
    at = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    out = np.zeros(int(at[-1]), np.uint8)
    _assemble(table, at, np.frombuffer(pool or b"\0", np.uint8), out)
    with path.open("wb") as f:
        f.write(GLOBAL)
        f.write(out.data)
    return len(GLOBAL) + len(out)


@nb.njit(cache=True)
def _put(out: Any, at: Any, value: Any, size: Any) -> None:
    for i in range(size):
        out[at + i] = (value >> (8 * (size - 1 - i))) & 255


@nb.njit(cache=True)
def _little(out: Any, at: Any, value: Any) -> None:
    for i in range(4):
        out[at + i] = (value >> (8 * i)) & 255


@nb.njit(cache=True)
def _add(out: Any, start: Any, end: Any, total: Any) -> Any:
    for i in range(start, end - 1, 2):
        total += (np.int64(out[i]) << 8) | np.int64(out[i + 1])
    if (end - start) % 2:
        total += np.int64(out[end - 1]) << 8
    return total


@nb.njit(cache=True)
def _checksum(total: Any) -> Any:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total) & 0xFFFF


@nb.njit(cache=True, nogil=True)
def _assemble(table: Any, at: Any, pool: Any, out: Any) -> None:
    for k in range(table.shape[0]):
        ts, src, dst, sport, dport = table[k, 0], table[k, 1], table[k, 2], table[k, 3], table[k, 4]
        proto, flags, seq, ack, a, b = table[k, 5], table[k, 6], table[k, 7], table[k, 8], table[k, 9], table[k, 10]
        p = at[k]
        length = at[k + 1] - p - 16
        _little(out, p, ts // 1_000_000)
        _little(out, p + 4, ts % 1_000_000)
        _little(out, p + 8, length)
        _little(out, p + 12, length)
        e = p + 16
        _put(out, e, 0x020000000000 | (dst & 0xFFFFFF), 6)  # locally administered addresses
        _put(out, e + 6, 0x020000000000 | (src & 0xFFFFFF), 6)
        _put(out, e + 12, 0x0800, 2)
        ip = e + 14
        _put(out, ip, 0x4500, 2)
        _put(out, ip + 2, length - 14, 2)
        _put(out, ip + 4, k & 0xFFFF, 2)
        _put(out, ip + 6, 0x4000, 2)
        out[ip + 8], out[ip + 9] = 64, proto
        _put(out, ip + 12, src, 4)
        _put(out, ip + 16, dst, 4)
        _put(out, ip + 10, _checksum(_add(out, ip, ip + 20, np.int64(0))), 2)
        t, end = ip + 20, at[k + 1]
        if proto == 6:
            _put(out, t, sport, 2)
            _put(out, t + 2, dport, 2)
            _put(out, t + 4, seq, 4)
            _put(out, t + 8, ack, 4)
            out[t + 12], out[t + 13] = 0x50, flags
            _put(out, t + 14, 64_240, 2)
            head = 20
        else:
            _put(out, t, sport, 2)
            _put(out, t + 2, dport, 2)
            _put(out, t + 4, end - t, 2)
            head = 8
        for i in range(b - a):
            out[t + head + i] = pool[a + i]
        pseudo = _add(out, ip + 12, ip + 20, np.int64(0)) + proto + (end - t)
        total = _checksum(_add(out, t, end, pseudo))
        _put(out, t + (16 if proto == 6 else 6), total if total or proto == 6 else 0xFFFF, 2)
