"""Compile the decoder once, at set-up, so that the first capture need not wait for it.

A capture of a few packets goes through every compiled function; numba keeps the results on disk.
"""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fengsui.batch import Identity


def warm(say: Callable[[str], None] = lambda text: None) -> float:
    """Compile what is not compiled yet and tell ``say`` about it; returns the seconds that it took."""
    from collectors.network.decode import DecodeSettings, decode_capture

    say("Compiling the packet decoder (once; up to a minute) …")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("a.pcap", pcap()), ("a.pcapng", pcapng())):
            path = Path(folder, name)
            path.write_bytes(content)
            for checksums in ("ignore", "check"):
                settings = DecodeSettings(memory=16_000_000, checksums=checksums)
                for _ in decode_capture(path, Identity(), settings, keep=lambda sha256, content: False):
                    pass
    took = time.monotonic() - began
    say(f"Packet decoder ready ({took:.1f} s).")
    return took


def pcap() -> bytes:
    """A capture with one connection that asks over HTTP, and one DNS question with its answer."""
    records = b"".join(
        struct.pack("<IIII", 1_700_000_000 + i, 0, len(frame), len(frame)) + frame for i, frame in enumerate(frames())
    )
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + records


def pcapng() -> bytes:
    """The first frame of it as pcapng."""
    frame = frames()[0]
    padded = frame + bytes(-len(frame) % 4)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)
    size = 32 + len(padded)
    packet = struct.pack("<IIIIIII", 6, size, 0, 0, 1, len(frame), len(frame)) + padded + struct.pack("<I", size)
    return section + interface + packet


def frames() -> list[bytes]:
    """Ethernet frames; their checksums are left out."""
    request, answer = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2600\r\n\r\n"
    question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x01a\x07example\x00\x00\x01\x00\x01"
    record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07"
    body = answer + bytes(1400)
    out = [
        _tcp(True, 100, 0, 0x02), _tcp(False, 500, 101, 0x12), _tcp(True, 101, 501, 0x10),
        _tcp(True, 101, 501, 0x18, request), _tcp(False, 501, 101 + len(request), 0x18, body),
        _tcp(False, 501 + len(body), 101 + len(request), 0x18, bytes(1200)),
        _tcp(True, 101 + len(request), 501 + len(body) + 1200, 0x11), _udp(True, question),
        _udp(False, question[:2] + b"\x81\x80\x00\x01\x00\x01" + question[8:] + record),
    ]  # fmt: skip
    return [bytes(12) + b"\x08\x00" + packet for packet in out]


def _ip(client: bool, proto: int, body: bytes) -> bytes:
    ends = (b"\x0a\x00\x00\x01", b"\xc0\x00\x02\x01")
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0)
    return head + ends[not client] + ends[client] + body


def _tcp(client: bool, seq: int, ack: int, flags: int, payload: bytes = b"") -> bytes:
    ports = (40000, 80) if client else (80, 40000)
    return _ip(client, 6, struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 8192, 0, 0) + payload)


def _udp(client: bool, payload: bytes) -> bytes:
    ports = (40001, 53) if client else (53, 40001)
    return _ip(client, 17, struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload)
