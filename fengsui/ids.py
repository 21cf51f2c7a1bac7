"""Identities: 16-byte hashes that come out the same in every replay.

SipHash-2-4 with 128-bit output (Aumasson & Bernstein), under a fixed public key: fast on short rows, well spread even
when an attacker chooses ports and addresses. Compiled, so that a column of identities costs no Python per row.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_K0 = np.uint64(0x66656E677375692D)  # "fengsui-"
_K1 = np.uint64(0x7369702D31323821)  # "sip-128!"


@nb.njit(cache=True, inline="always")
def _rotl(x: Any, b: int) -> Any:
    return (x << np.uint64(b)) | (x >> np.uint64(64 - b))


@nb.njit(cache=True, inline="always")
def _round(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v0 += v1
    v1 = _rotl(v1, 13) ^ v0
    v0 = _rotl(v0, 32)
    v2 += v3
    v3 = _rotl(v3, 16) ^ v2
    v0 += v3
    v3 = _rotl(v3, 21) ^ v0
    v2 += v1
    v1 = _rotl(v1, 17) ^ v2
    v2 = _rotl(v2, 32)
    return v0, v1, v2, v3


@nb.njit(cache=True)
def _siphash(data: Any, start: int, end: int, out: Any, k0: Any, k1: Any) -> None:
    v0 = k0 ^ np.uint64(0x736F6D6570736575)
    v1 = k1 ^ np.uint64(0x646F72616E646F6D) ^ np.uint64(0xEE)
    v2 = k0 ^ np.uint64(0x6C7967656E657261)
    v3 = k1 ^ np.uint64(0x7465646279746573)
    n = end - start
    whole = start + (n & ~7)
    i = start
    while i < whole:
        m = np.uint64(0)
        for j in range(8):
            m |= np.uint64(data[i + j]) << np.uint64(8 * j)
        v3 ^= m
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= m
        i += 8
    m = np.uint64(n & 0xFF) << np.uint64(56)
    for j in range(n & 7):
        m |= np.uint64(data[whole + j]) << np.uint64(8 * j)
    v3 ^= m
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= m
    v2 ^= np.uint64(0xEE)
    for half in range(2):
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        h = v0 ^ v1 ^ v2 ^ v3
        for j in range(8):
            out[8 * half + j] = np.uint8((h >> np.uint64(8 * j)) & np.uint64(0xFF))
        v1 ^= np.uint64(0xDD)


@nb.njit(cache=True, nogil=True)
def hash_matrix(rows: Any) -> Any:
    """Hash each row of ``rows`` (n, w) uint8, C-contiguous; (n, 16) uint8."""
    n, w = rows.shape
    out = np.empty((n, 16), np.uint8)
    flat = rows.reshape(n * w)
    for i in range(n):
        _siphash(flat, i * w, (i + 1) * w, out[i], _K0, _K1)
    return out


@nb.njit(cache=True, nogil=True)
def hash_spans(data: Any, starts: Any, ends: Any) -> Any:
    """Hash ``data[starts[i]:ends[i]]`` for each i; data uint8, starts and ends int64; (n, 16) uint8."""
    n = starts.shape[0]
    out = np.empty((n, 16), np.uint8)
    for i in range(n):
        _siphash(data, starts[i], ends[i], out[i], _K0, _K1)
    return out


def stack(*columns: NDArray[Any]) -> Bytes:
    """Join fixed-width columns of n rows into an (n, w) uint8 matrix, little-endian, in the order given."""
    parts = []
    for c in columns:
        a = np.ascontiguousarray(c)
        parts.append(a.view(np.uint8).reshape(len(a), a.itemsize * int(np.prod(a.shape[1:]))))
    return np.ascontiguousarray(np.hstack(parts))


def text_id(*parts: str) -> bytes:
    """16 bytes that identify a sequence of texts; for the few: findings, alerts, prefixes of a column of hashes."""
    h = hashlib.blake2b(digest_size=16)
    for p in parts:
        raw = p.encode()
        h.update(len(raw).to_bytes(4, "little"))
        h.update(raw)
    return h.digest()


def event_ids(uids: Bytes, kind: str, ordinals: NDArray[np.uint32]) -> Bytes:
    """hash(uid, kind, ordinal): uids (n, 16), ordinals (n,) of the row among those of its uid and kind; (n, 16)."""
    tag = np.frombuffer(text_id("kind", kind), np.uint8)
    rows = np.empty((len(uids), 36), np.uint8)
    rows[:, :16] = uids
    rows[:, 16:32] = tag
    rows[:, 32:] = np.ascontiguousarray(ordinals, dtype="<u4").view(np.uint8).reshape(-1, 4)
    result: Bytes = hash_matrix(rows)
    return result
