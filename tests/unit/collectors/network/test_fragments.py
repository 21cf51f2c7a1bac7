"""Fragments become the datagram that was cut, in any order and number, or nothing."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from collectors.network.fragments import TIMEOUT, Fragments
from tests.unit.collectors.network.craft import START, A, B, ether, flow, flows, ip, udp

DATAGRAM = udp(40000, 9999, bytes(range(256)) * 12)


def cut(size: int, ident: int = 7) -> list[bytes]:
    return [
        ip(A, B, 17, DATAGRAM[i : i + size], ident, i, more=i + size < len(DATAGRAM))
        for i in range(0, len(DATAGRAM), size)
    ]


def cut6(size: int) -> list[bytes]:
    out = []
    for i in range(0, len(DATAGRAM), size):
        more = 1 if i + size < len(DATAGRAM) else 0
        header = struct.pack(">BBHI", 17, 0, i | more, 99)
        out.append(ip("2001:db8::1", "2001:db8::2", 44, header + DATAGRAM[i : i + size]))
    return out


@pytest.mark.parametrize("make", [cut, cut6], ids=["IPv4", "IPv6"])
def test_fragments_in_any_order_are_one_datagram(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    parts = make(800)
    assert len(parts) == 4
    random.Random(4).shuffle(parts)
    f = flow([(START + i, ether(p)) for i, p in enumerate(parts)], tmp_path)
    head = 20 if make is cut else 40
    assert (f["orig_pkts"], f["orig_bytes"], f["orig_ip_bytes"]) == (1, len(DATAGRAM) - 8, len(DATAGRAM) + head)
    assert (f["src_port"], f["dst_port"]) == (40000, 9999)


def test_packets_around_a_datagram_keep_their_order(tmp_path: Path) -> None:
    parts = cut(800)
    single = [ip(A, B, 17, udp(40000 + i, 9999, b"x")) for i in range(1, 4)]
    packets = [single[0], parts[0], single[1], *parts[1:], single[2]]
    found = flows([(START + i, ether(p)) for i, p in enumerate(packets)], tmp_path)
    assert [f["src_port"] for f in found] == [40001, 40002, 40000, 40003]


def test_a_missing_fragment_gives_nothing(tmp_path: Path) -> None:
    parts = cut(800)
    assert flows([(START, ether(p)) for p in parts[:1] + parts[2:]], tmp_path) == []


def test_fragments_of_different_datagrams_are_not_mixed() -> None:
    f = Fragments(1 << 20)
    one, two = cut(1600, 1), cut(1600, 2)
    assert f.add(one[0], 0) is None
    assert f.add(two[1], 0) is None
    whole = f.add(one[1], 0)
    assert whole is not None
    assert whole[20:] == DATAGRAM


def test_the_first_copy_of_a_byte_wins() -> None:
    f = Fragments(1 << 20)
    first = ip(A, B, 17, b"a" * 16, 1, 0, more=True)
    over = ip(A, B, 17, b"b" * 16, 1, 8)
    f.add(first, 0)
    whole = f.add(over, 0)
    assert whole is not None
    assert whole[20:] == b"a" * 16 + b"b" * 8


def test_late_fragments_begin_anew() -> None:
    f = Fragments(1 << 20)
    parts = cut(1600)
    assert f.add(parts[0], 0) is None
    assert f.add(parts[1], TIMEOUT + 1) is None
    assert f.lost == 1


def test_memory_is_bounded() -> None:
    f = Fragments(10_000)
    for ident in range(1000):
        f.add(ip(A, B, 17, bytes(1480), ident, 0, more=True), 0)
    assert f.size <= 10_000
    assert f.lost >= 990
