"""Community IDs equal those of the specification and of SHA-1 as hashlib computes it."""

from __future__ import annotations

import base64
import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.network.community import community_ids
from collectors.network.layout import FLOW
from tests.unit.collectors.network.craft import address


def record(src: str, dst: str, proto: int, sport: int, dport: int, one_way: bool = False) -> np.ndarray:
    f = np.zeros(1, FLOW)
    for name, text in (("src", src), ("dst", dst)):
        raw = address(text)
        raw = raw if len(raw) == 16 else bytes(10) + b"\xff\xff" + raw
        f[f"{name}_hi"], f[f"{name}_lo"] = struct.unpack(">QQ", raw)
    f["proto"], f["src_port"], f["dst_port"], f["one_way"] = proto, sport, dport, one_way
    return f


def identify(*what: object) -> str:
    return community_ids(record(*what))[0].as_py()  # type: ignore[arg-type]


# From the specification's baseline data.
KNOWN = [
    (("128.232.110.120", "66.35.250.204", 6, 34855, 80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (("66.35.250.204", "128.232.110.120", 6, 80, 34855), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (("192.168.1.52", "8.8.8.8", 17, 54585, 53), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (("192.168.0.89", "192.168.0.1", 1, 8, 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
]


@pytest.mark.parametrize(("flow", "wanted"), KNOWN)
def test_known_flows_have_their_ids(flow: tuple[object, ...], wanted: str) -> None:
    assert identify(*flow) == wanted


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.integers(0, 65535),
       st.integers(0, 65535), st.sampled_from([6, 17, 58, 132, 99]))  # fmt: skip
def test_any_flow_has_the_id_of_its_definition(a: bytes, b: bytes, sport: int, dport: int, proto: int) -> None:
    f = np.zeros(2, FLOW)
    for i, (x, y, p, q) in enumerate(((a, b, sport, dport), (b, a, dport, sport))):
        f["src_hi"][i], f["src_lo"][i] = struct.unpack(">QQ", x)
        f["dst_hi"][i], f["dst_lo"][i] = struct.unpack(">QQ", y)
        f["src_port"][i], f["dst_port"][i], f["proto"][i] = p, q, proto
    (low, p), (high, q) = sorted([(a, sport), (b, dport)])
    four = all(x[:12] == bytes(10) + b"\xff\xff" for x in (a, b))
    low, high = (low[12:], high[12:]) if four else (low, high)
    text = b"\0\0" + low + high + bytes([proto, 0]) + (b"" if proto == 99 else struct.pack(">HH", p, q))
    wanted = "1:" + base64.b64encode(hashlib.sha1(text).digest()).decode()
    assert community_ids(f).to_pylist() == [wanted, wanted]


def test_one_way_messages_keep_their_direction() -> None:
    there = identify("10.0.0.2", "10.0.0.1", 1, 3, 1, True)
    assert there != identify("10.0.0.1", "10.0.0.2", 1, 3, 1, True)
