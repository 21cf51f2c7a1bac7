"""Identities: the hash is SipHash-2-4-128 as published, and the same in every replay."""

from __future__ import annotations

import numpy as np
import pytest

from fengsui import ids

# Aumasson & Bernstein, vectors of the 128-bit variant: key 00..0f, message of n bytes 00, 01, …
VECTORS = {
    0: "a3817f04ba25a8e66df67214c7550293",
}
KEY = np.frombuffer(bytes(range(16)), "<u8")


def reference(message: bytes, k0: int, k1: int) -> bytes:
    """SipHash-2-4-128 as the paper says it, slowly."""
    mask = (1 << 64) - 1

    def rotl(x: int, b: int) -> int:
        return (x << b | x >> (64 - b)) & mask

    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(n: int) -> None:
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotl(v[1], 13) ^ v[0]
            v[0] = rotl(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotl(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotl(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotl(v[1], 17) ^ v[2]
            v[2] = rotl(v[2], 32)

    whole = len(message) // 8 * 8
    last = message[whole:].ljust(7, b"\0") + bytes([len(message) & 255])
    for i in range(0, whole + 8, 8):
        m = int.from_bytes((message[:whole] + last)[i : i + 8], "little")
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xEE
    rounds(4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return (first | (v[0] ^ v[1] ^ v[2] ^ v[3]) << 64).to_bytes(16, "little")


@pytest.mark.parametrize("n", range(24))
def test_the_hash_is_siphash_2_4_128(n: int):
    message = np.arange(n, dtype=np.uint8)
    out = np.zeros(16, np.uint8)
    ids._siphash(message, 0, n, out, KEY[0], KEY[1])
    assert out.tobytes() == reference(message.tobytes(), int(KEY[0]), int(KEY[1]))
    if n in VECTORS:
        assert out.tobytes().hex() == VECTORS[n]


def test_rows_and_spans_hash_alike_under_the_fixed_key():
    rows = np.arange(60, dtype=np.uint8).reshape(3, 20)
    by_row = ids.hash_matrix(rows)
    starts = np.array([0, 20, 40])
    assert (ids.hash_spans(rows.reshape(-1), starts, starts + 20) == by_row).all()
    assert by_row[1].tobytes() == reference(bytes(range(20, 40)), int(ids._K0), int(ids._K1))


def test_event_ids_differ_by_flow_kind_and_ordinal_and_come_out_the_same_again():
    uids = np.repeat(np.arange(1000, dtype="<u8"), 2).view(np.uint8).reshape(1000, 16)
    all_ids = [ids.event_ids(uids, kind, np.full(1000, o, np.uint32)) for kind in ("flow", "dns") for o in range(3)]
    distinct = {i.tobytes() for a in all_ids for i in a}
    assert len(distinct) == 6000
    assert (ids.event_ids(uids, "dns", np.full(1000, 2, np.uint32)) == all_ids[-1]).all()


def test_no_rows_have_no_ids():
    none = np.empty((0, 16), np.uint8)
    assert ids.event_ids(none, "flow", np.empty(0, np.uint32)).shape == (0, 16)
    assert ids.hash_matrix(none).shape == (0, 16)
    assert ids.stack(np.empty(0, np.uint32), none).shape[0] == 0


def test_columns_are_stacked_little_endian_in_their_order():
    got = ids.stack(np.array([1, 2], np.uint16), np.array([[7, 8], [9, 10]], np.uint8))
    assert got.tolist() == [[1, 0, 7, 8], [2, 0, 9, 10]]


def test_texts_of_an_id_do_not_run_into_each_other():
    assert ids.text_id("ab", "c") != ids.text_id("a", "bc") != ids.text_id("abc")
    assert ids.text_id("ab", "c") == ids.text_id("ab", "c")
