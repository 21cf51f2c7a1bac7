from __future__ import annotations

import struct

import pytest

from collectors.network.parsers.dns_answers import MAX_ANSWERS, answers

SOA = b"\x02ns\x03dns\0\x04root\0" + struct.pack(">5I", 1, 2, 3, 4, 5)
CASES: list[tuple[int, bytes, str]] = [
    (1, bytes([10, 0, 0, 1]), "10.0.0.1"),
    (28, bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
    (5, b"\x03WWW\x07example\0", "www.example"),
    (2, b"\0", "<Root>"),
    (12, b"\x04host\xc0\x00", "host.a.b"),
    (6, SOA, "ns.dns"),
    (15, b"\0\x0a\x02mx\0", "mx"),
    (33, struct.pack(">HHH", 1, 2, 5060) + b"\x03sip\0", "sip"),
    (16, b"\x05hello\x02yo", "TXT 5 hello TXT 2 yo"),
    (16, b"\x03a\xffb", "TXT 3 a\\xffb"),
    (99, b"\x06v=spf1", "SPF 6 v=spf1"),
    (13, b"\x03x86\x05linux", "HINFO x86 linux"),
    (257, b"\0\x05issueca.example", "CAA 0 issue ca.example"),
    (43, bytes([0, 1, 8, 2]) + bytes(32), "DS 8 2"),
    (48, bytes([1, 1, 3, 13]) + bytes(32), "DNSKEY 13"),
    (46, struct.pack(">HBBIIIH", 1, 8, 2, 60, 2, 1, 9) + b"\x01a\0" + bytes(8), "RRSIG 1 a"),
    (44, bytes([1, 1]) + b"\xab\xcd", "SSHFP: abcd"),
    (35, struct.pack(">HH", 1, 2) + b"\x01u\x03sip\0\x01a\0", "NAPTR 1 2 u sip  a"),
    (65, b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x01\xbb", "1 . alpn=h2,h3 port=443"),
    (64, b"\0\x00\x03svc\0", "0 svc"),
    (65, b"\0\x01\0\0\x04\0\x04\x01\x02\x03\x04", "1 . ipv4hint=1.2.3.4"),
    (65400, b"anything", "TYPE65400"),
]
PREFIX = b"\x01a\x01b\0"


def record(kind: int, data: bytes) -> bytes:
    return PREFIX + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


@pytest.mark.parametrize(("kind", "data", "expected"), CASES)
def test_a_record_reads_as_zeek_writes_it(kind: int, data: bytes, expected: str) -> None:
    assert answers(record(kind, data), 0, 1) == ([expected], [60])


@pytest.mark.parametrize(
    ("kind", "data"), [(1, b"abc"), (28, b"abc"), (5, b"\x05ab"), (15, b"\0"), (35, b"\0"), (5, b"\xc0")]
)
def test_a_broken_record_ends_the_list(kind: int, data: bytes) -> None:
    good = record(1, bytes([1, 2, 3, 4]))
    assert answers(good + record(kind, data), 0, 2) == (["1.2.3.4"], [60])


def test_the_number_of_answers_is_bounded() -> None:
    assert len(answers(record(1, bytes(4)) * 1000, 0, 65535)[0]) == MAX_ANSWERS
