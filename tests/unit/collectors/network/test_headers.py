"""Whatever carries IP: the same flow comes out."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.unit.collectors.network.craft import SMALL, START, A, B, ether, flow, flows, ip, pcap, rows, udp

PACKET = ip(A, B, 17, udp(40000, 9999, b"hello"))
SIX = ip("2001:db8::1", "2001:db8::2", 17, udp(40000, 9999, b"hello"))
MAC = bytes(12)
SNAP = bytes.fromhex("aaaa030000000800")


def gre(kind: int, body: bytes, flags: int = 0, extra: bytes = b"") -> bytes:
    return ip("10.9.9.1", "10.9.9.2", 47, struct.pack(">HH", flags, kind) + extra + body)


LINKS = {
    "ethernet": (1, ether(PACKET)), "vlan": (1, ether(PACKET, [5])), "vlans": (1, ether(PACKET, [5, 6, 7])),
    "mpls": (1, MAC + b"\x88\x47" + bytes.fromhex("000010ff") + bytes.fromhex("000021ff") + PACKET),
    "pppoe": (1, MAC + b"\x88\x64" + struct.pack(">HHHH", 0x1100, 1, len(PACKET) + 2, 0x21) + PACKET),
    "llc": (1, MAC + struct.pack(">H", len(PACKET) + 8) + SNAP + PACKET),
    "backbone": (1, MAC + b"\x88\xe7" + bytes(4) + ether(PACKET)),
    "raw": (101, PACKET), "ipv4": (228, PACKET),
    "null": (0, b"\x02\0\0\0" + PACKET), "loop": (108, b"\0\0\0\x02" + PACKET),
    "cooked": (113, bytes(14) + b"\x08\x00" + PACKET), "cooked 2": (276, b"\x08\x00" + bytes(18) + PACKET),
    "ppp": (9, bytes.fromhex("ff030021") + PACKET), "hdlc": (104, bytes.fromhex("0f000800") + PACKET),
    "wifi": (105, b"\x08\x00" + bytes(22) + SNAP + PACKET),
    "radiotap": (127, bytes.fromhex("0000080000000000") + b"\x88\x00" + bytes(24) + SNAP + PACKET),
    "nflog": (239, bytes.fromhex("020000000800010000000000") + struct.pack("<HH", 4 + len(PACKET), 9) + PACKET),
    "ip in ip": (101, ip("10.9.9.1", "10.9.9.2", 4, PACKET)), "gre": (101, gre(0x0800, PACKET)),
    "gre with a key": (101, gre(0x0800, PACKET, 0x2000, bytes(4))), "gre of frames": (101, gre(0x6558, ether(PACKET))),
    "erspan": (101, gre(0x88BE, bytes(8) + ether(PACKET), 0x1000, bytes(4))),
}  # fmt: skip


@pytest.mark.parametrize("kind", LINKS)
def test_each_way_to_carry_ip_is_understood(kind: str, tmp_path: Path) -> None:
    link, frame = LINKS[kind]
    found = rows(pcap([(START, frame)], link), tmp_path)["flow"]
    assert [(r["src_port"], r["dst_port"], r["orig_bytes"], r["orig_ip_bytes"]) for r in found] == [
        (40000, 9999, 5, 33)
    ]
    assert found[0]["src_ip"] == bytes(10) + b"\xff\xff\x0a\x00\x00\x01"
    assert found[0]["vlan"] == (5 if kind.startswith("vlan") else 0)


TUNNELS = {
    "vxlan": (4789, bytes.fromhex("0800000000000100") + ether(PACKET)),
    "geneve": (6081, bytes.fromhex("0000655800000100") + ether(PACKET)),
    "gtpv1": (2152, struct.pack(">BBHI", 0x30, 0xFF, len(PACKET), 7) + PACKET),
    "teredo": (3544, SIX),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_a_tunnel_over_udp_and_what_it_carries_are_two_flows(name: str, tmp_path: Path) -> None:
    port, body = TUNNELS[name]
    found = flows([(START, ether(ip("10.9.9.1", "10.9.9.2", 17, udp(50000, port, body))))], tmp_path)
    assert sorted((r["dst_port"], r["tunnel"]) for r in found) == sorted([(port, ""), (9999, name)])


def extension(kind: int, following: int, body: bytes) -> bytes:
    return struct.pack(">IHBB", 0x60000000, len(body) + 8, kind, 64) + SIX[8:40] + bytes([following]) + bytes(7) + body


@pytest.mark.parametrize("kind", [0, 43, 60])
def test_extension_headers_are_stepped_over(kind: int, tmp_path: Path) -> None:
    f = flow([(START, ether(extension(kind, 17, SIX[40:])))], tmp_path)
    assert (f["proto"], f["dst_port"], f["orig_bytes"], f["orig_ip_bytes"]) == ("udp", 9999, 5, 61)


def test_other_protocols_are_flows_by_number_and_sctp_has_ports(tmp_path: Path) -> None:
    packets = [(START, ether(ip(A, B, 99, b"x" * 30))), (START + 1, ether(ip(A, B, 132, udp(7, 9, bytes(20)))))]
    assert [(f["proto"], f["src_port"], f["dst_port"]) for f in flows(packets, tmp_path)] == [
        ("99", 0, 0),
        ("sctp", 7, 9),
    ]


@pytest.mark.parametrize("cut", range(0, 47))
def test_a_packet_cut_anywhere_is_read_as_far_as_it_goes(cut: int, tmp_path: Path) -> None:
    frame = ether(PACKET)[:cut]
    record = struct.pack("<IIII", 1700000000, 0, len(frame), 47) + frame
    found = rows(pcap([]) + record, tmp_path)["flow"]
    assert len(found) == (1 if cut >= 14 + 28 else 0)


def test_a_length_of_zero_from_segmentation_offload_is_taken_from_the_frame(tmp_path: Path) -> None:
    frame = ether(PACKET[:2] + b"\0\0" + PACKET[4:])
    f = flow([(START, frame)], tmp_path)
    assert (f["orig_bytes"], f["orig_ip_bytes"]) == (5, 0)


def test_padding_of_a_short_frame_is_no_payload(tmp_path: Path) -> None:
    assert flow([(START, ether(PACKET) + bytes(20))], tmp_path)["orig_bytes"] == 5


def test_nothing_of_ours_makes_no_flow(tmp_path: Path) -> None:
    arp = MAC + b"\x08\x06" + bytes(28)
    assert rows(pcap([(START, arp), (START, b""), (START, bytes(5))]), tmp_path, SMALL) == {}
