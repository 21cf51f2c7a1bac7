"""Packets, captures and parsers for the decoder's tests."""

from __future__ import annotations

import ipaddress
import struct
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from collectors.network.decode import DecodeSettings, decode_capture
from fengsui.batch import Batch, Identity

A, B = "10.0.0.1", "192.0.2.7"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SMALL = DecodeSettings(memory=16_000_000)
START = 1_700_000_000.0


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def ip(src: str, dst: str, proto: int, body: bytes, ident: int = 1, offset: int = 0, more: bool = False) -> bytes:
    if ":" in src:
        return struct.pack(">IHBB", 0x60000000, len(body), proto, 64) + address(src) + address(dst) + body
    field = (0x2000 if more else 0) | offset >> 3
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), ident, field, 64, proto, 0)
    return head + address(src) + address(dst) + body


def tcp(sport: int, dport: int, seq: int, ack: int, flags: int, payload: bytes = b"", window: int = 8192) -> bytes:
    return struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, 0x50, flags, window, 0, 0) + payload


def udp(sport: int, dport: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ether(packet: bytes, tags: Iterable[int] = ()) -> bytes:
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    tag = b"".join(struct.pack(">HH", 0x8100, t) for t in tags)
    return bytes(12) + tag + struct.pack(">H", kind) + packet


def pcap(packets: Iterable[tuple[float, bytes]], link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    unit = 10**9 if magic == 0xA1B23C4D else 10**6
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for ts, frame in packets:
        whole = round(ts * 10**6) * (unit // 10**6)
        out.append(struct.pack(order + "IIII", whole // unit, whole % unit, len(frame), len(frame)) + frame)
    return b"".join(out)


class Talk:
    """A TCP connection being written: ``c`` and ``s`` add segments of client and server."""

    def __init__(self, sport: int = 40000, dport: int = 80, src: str = A, dst: str = B, at: float = START) -> None:
        self.ports, self.ends, self.now = (sport, dport), (src, dst), at
        self.seq = [1000, 5000]
        self.packets: list[tuple[float, bytes]] = []

    def _add(self, who: int, flags: int, payload: bytes, **moved: Any) -> Talk:
        other = 1 - who
        seq = self.seq[who] + moved.get("shift", 0)
        ack = self.seq[other] if flags & ACK else 0
        body = tcp(self.ports[who], self.ports[other], seq, ack, flags, payload, moved.get("window", 8192))
        self.packets.append((self.now, ether(ip(self.ends[who], self.ends[other], 6, body))))
        self.now += moved.get("gap", 0.01)
        if not moved.get("shift"):
            self.seq[who] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return self

    def c(self, flags: int, payload: bytes = b"", **moved: Any) -> Talk:
        return self._add(0, flags, payload, **moved)

    def s(self, flags: int, payload: bytes = b"", **moved: Any) -> Talk:
        return self._add(1, flags, payload, **moved)

    def lose(self, who: int, size: int) -> Talk:
        """Bytes were sent that the capture lacks."""
        self.seq[who] += size
        return self

    def open(self) -> Talk:
        return self.c(SYN).s(SYN | ACK).c(ACK)

    def close(self) -> Talk:
        return self.c(FIN | ACK).s(FIN | ACK).c(ACK)


def batches(content: bytes, folder: Path, settings: DecodeSettings = SMALL, name: str = "x.pcap") -> list[Batch]:
    path = folder / name
    path.write_bytes(content)
    return list(decode_capture(path, Identity(), settings, keep=lambda sha256, data: True))


def rows(content: bytes, folder: Path, settings: DecodeSettings = SMALL) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in batches(content, folder, settings):
        out[batch.kind] += batch.rows.to_pylist()
    return out


def flows(
    packets: Iterable[tuple[float, bytes]], folder: Path, settings: DecodeSettings = SMALL
) -> list[dict[str, Any]]:
    """Flow rows, in the order of their first packets."""
    return sorted(rows(pcap(packets), folder, settings)["flow"], key=lambda r: (r["ts"], r["open"]))


def flow(packets: Iterable[tuple[float, bytes]], folder: Path, settings: DecodeSettings = SMALL) -> dict[str, Any]:
    found = flows(packets, folder, settings)
    assert len(found) == 1, found
    return found[0]
