from __future__ import annotations

from typing import Any

import pytest

from collectors.network.parsers.socks import MAX_TALK, SocksParser

ADDRESS = b"\x01\xc0\x00\x02\x01\x00\x50"
GET = b"GET /inside HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
TALKS = {
    "5 by address": [(True, b"\x05\x01\x00"), (False, b"\x05\x00"), (True, b"\x05\x01\x00" + ADDRESS),
                     (False, b"\x05\x00\x00" + ADDRESS)],
    "5 by name with a password": [
        (True, b"\x05\x02\x00\x02"), (False, b"\x05\x02"), (True, b"\x01\x03bob\x06s3cret"), (False, b"\x01\x00"),
        (True, b"\x05\x01\x00\x03\x05a.exe\x00\x50"), (False, b"\x05\x00\x00\x03\x05a.exe\x00\x50")],
    "5 over IPv6": [(True, b"\x05\x01\x00"), (False, b"\x05\x00"), (True, b"\x05\x01\x00\x04" + bytes(18)),
                    (False, b"\x05\x00\x00\x04" + bytes(18))],
    "4": [(True, b"\x04\x01\x00\x50\xc0\x00\x02\x01me\0"), (False, b"\x00\x5a" + bytes(6))],
    "4a": [(True, b"\x04\x01\x00\x50\0\0\0\x01me\0a.example\0"), (False, b"\x00\x5a" + bytes(6))],
}  # fmt: skip


@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("cut", [1, 1000])
def test_http_through_the_proxy_is_read(converse: Any, talk: str, swapped: bool, cut: int) -> None:
    pieces = [(o is not swapped, d[i : i + cut]) for o, d in [*TALKS[talk], (True, GET), (False, OK)]
              for i in range(0, len(d), cut)]  # fmt: skip
    rows = converse(SocksParser(), pieces)
    assert [(r["uri"], r["status"]) for r in rows if r["kind"] == "http"] == [("/inside", 200)]
    assert "s3cret" not in repr(rows)


@pytest.mark.parametrize(
    "talk",
    [
        [(True, b"\x05\x01\x00"), (False, b"\x05\xff")],
        [(True, b"\x05\x01\x02"), (False, b"\x05\x02"), (True, b"\x01\x01a\x01b"), (False, b"\x01\x01")],
        [(True, b"\x05\x01\x00"), (False, b"\x05\x00"), (True, b"\x05\x01\x00" + ADDRESS), (False, b"\x05\x05\x00")],
        [(True, b"\x04\x01\x00\x50\xc0\x00\x02\x01\0"), (False, b"\x00\x5b" + bytes(6))],
    ],
)
def test_nothing_is_wanted_after_a_refusal(connect: Any, talk: list[tuple[bool, bytes]]) -> None:
    c = connect(SocksParser())
    for orig, data in talk:
        c.send(orig, data)
    assert c.wanted is False
    assert c.close() == []


def test_a_talk_without_end_is_left(connect: Any) -> None:
    c = connect(SocksParser())
    c.send(True, b"\x05\x01\x00").send(False, b"\x05\x00").send(True, bytes(MAX_TALK))
    assert c.wanted is False


@pytest.mark.parametrize(
    ("orig", "resp", "expected"),
    [
        (b"\x05\x01\x00", b"\x05\x00", True),
        (b"", b"\x05\x01\x00", None),
        (b"\x05\x00", b"\x05\x01\x00", True),
        (b"\x05\x01\x00", b"", None),
        (b"\x05\x01\x00", b"HTTP", False),
        (b"\x05\x00\x0b\x03\x10", b"\x05\x00\x0c\x03\x10", False),  # DCE/RPC
        (b"GET / HTTP/1.1", b"", False),
    ],
)
def test_socks_is_known_by_both_sides(orig: bytes, resp: bytes, expected: bool | None) -> None:
    assert SocksParser().probe(orig, resp, 1080) is expected
