"""Captures of every form give the same packets; what is none, or is broken, says where and why."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from collectors.network.capture import Capture
from collectors.network.decode import decode_capture
from fengsui.batch import Identity
from fengsui.errors import BadInput
from tests.unit.collectors.network.craft import SMALL, START, A, B, ether, flows, ip, pcap, rows, udp

FRAMES = [(START + i + 0.25, ether(ip(A, B, 17, udp(40000 + i, 9999, b"x" * i)))) for i in range(5)]


def block(order: str, kind: int, body: bytes) -> bytes:
    size = 12 + len(body) + -len(body) % 4
    return struct.pack(order + "II", kind, size) + body + bytes(-len(body) % 4) + struct.pack(order + "I", size)


def pcapng(order: str = "<", resolution: bytes = b"", units: int = 10**6, shift: int = 0, sections: int = 1) -> bytes:
    out = b""
    for part in range(sections):
        out += block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
        out += block(order, 5, bytes(12))  # statistics: stepped over
        out += block(order, 1, struct.pack(order + "HHI", 101, 0, 0))  # an interface that sees nothing
        out += block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + resolution)
        for ts, frame in FRAMES[part::sections]:
            t = round((ts - shift) * 1000) * units // 1000
            head = struct.pack(order + "IIIII", 1, t >> 32, t & 0xFFFFFFFF, len(frame), len(frame))
            out += block(order, 6, head + frame)
    return out


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


FORMS = {
    "pcap": pcap(FRAMES), "big-endian": pcap(FRAMES, order=">"), "nanoseconds": pcap(FRAMES, magic=0xA1B23C4D),
    "gzip": gzip.compress(pcap(FRAMES)), "pcapng": pcapng(), "pcapng big-endian": pcapng(">"),
    "pcapng nanoseconds": pcapng(resolution=option("<", 9, b"\x09"), units=10**9),
    "pcapng milliseconds": pcapng(resolution=option("<", 9, b"\x03"), units=10**3),
    "pcapng powers of two": pcapng(resolution=option("<", 9, b"\x94"), units=2**20),
    "pcapng with an offset": pcapng(resolution=option("<", 14, struct.pack("<q", 1000)), shift=1000),
    "pcapng in sections": pcapng(sections=2), "pcapng gzip": gzip.compress(pcapng(">", sections=3)),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_flows(form: str, tmp_path: Path) -> None:
    want = sorted((r["uid"], r["ts"], r["orig_bytes"]) for r in flows(FRAMES, tmp_path))
    found = sorted((r["uid"], r["ts"], r["orig_bytes"]) for r in rows(FORMS[form], tmp_path)["flow"])
    assert len(want) == 5
    assert found == want


def test_the_modified_format_has_longer_records(tmp_path: Path) -> None:
    plain = pcap(FRAMES)
    out = struct.pack("<I", 0xA1B2CD34) + plain[4:24]
    at = 24
    for _, frame in FRAMES:
        out += plain[at : at + 16] + bytes(8) + frame
        at += 16 + len(frame)
    assert len(rows(out, tmp_path)["flow"]) == 5


@pytest.mark.parametrize(
    ("content", "reason", "at"),
    [(b"", "empty", 0), (b"a text, not a capture\n" * 9, "not a capture", 0), (pcap([])[:20], "inside its header", 20)],
)
def test_what_is_no_capture_is_refused_at_once(content: bytes, reason: str, at: int, tmp_path: Path) -> None:
    path = tmp_path / "odd.pcap"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=reason) as e:
        next(iter(decode_capture(path, Identity(), SMALL, keep=lambda sha256, data: True)))
    assert (e.value.place, e.value.at) == ("odd.pcap", at)


BROKEN = {
    "cut off in a packet": (pcap(FRAMES)[:-3], 4, "cut off"),
    "cut off in a record's header": (pcap(FRAMES) + b"1234567", 5, "cut off"),
    "an impossible length": (pcap(FRAMES) + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30) + bytes(99), 5, "longer"),
    "gzip cut off": (gzip.compress(pcap(FRAMES * 50))[:-20], 1, "unpacked"),
    "a pcapng block of no length": (pcapng() + struct.pack("<II", 6, 4) + bytes(40), 5, "impossible length"),
    "a pcapng packet of no interface": (pcapng() + block("<", 6, struct.pack("<IIIII", 9, 0, 0, 0, 0)), 5, "interface"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_came_before_a_fault_is_kept_and_the_fault_names_its_place(what: str, tmp_path: Path) -> None:
    content, least, reason = BROKEN[what]
    path = tmp_path / "broken.pcap"
    path.write_bytes(content)
    seen = 0
    with pytest.raises(BadInput, match=reason) as e:
        for batch in decode_capture(path, Identity(), SMALL, keep=lambda sha256, data: True):
            seen += len(batch)
    assert seen >= least
    assert e.value.place == "broken.pcap"
    assert e.value.at is not None
    assert e.value.at > 0


def test_an_unknown_link_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="link type 147"):
        rows(pcap(FRAMES, link=147), tmp_path)


def test_a_record_across_the_end_of_the_buffer_is_read_whole(tmp_path: Path) -> None:
    frames = [(START + i, ether(ip(A, B, 17, udp(1024 + i, 9999, bytes(1000 + i))))) for i in range(300)]
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(frames))
    out = np.zeros((7, 5), np.int64)
    sizes = []
    with Capture(path, 1 << 16) as capture:
        while True:
            n = capture.packets(out)
            sizes += out[:n, 1].tolist()
            if n < len(out) and not capture.read() and not capture.fill():
                break
    assert sizes == [len(f) for _, f in frames]


def test_a_record_longer_than_the_buffer_ends_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "giant.pcap"
    path.write_bytes(pcap([*FRAMES, (START, bytes(200_000))]))
    with Capture(path, 1 << 16) as capture:
        out = np.zeros((9, 5), np.int64)
        assert capture.packets(out) == 5
        while capture.read() or capture.fill():
            assert capture.packets(out) == 0
        assert capture.fault is not None
        assert "longer than 65536" in capture.fault.reason
