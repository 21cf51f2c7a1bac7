"""Community ID 1.0 of flows: "1:" and base64(SHA-1(seed, addresses, protocol, ports)), compiled, for whole columns.

The specification is Corelight's (community-id-spec); SHA-1 is FIPS 180-4. The input is at most 40 bytes, so one block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.network.compiled import compiled

LENGTH = 30  # "1:" and 28 letters
ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)
M32 = np.uint32(0xFFFFFFFF)
V4 = np.uint64(0x0000FFFF)


@compiled(inline="always")
def _rotate(x: Any, n: Any) -> Any:
    return np.uint32((x << np.uint32(n)) | (x >> np.uint32(32 - n)))


@compiled()
def _sha1_block(message: Any, size: Any, w: Any, out: Any) -> None:
    """SHA-1 of ``message[:size]``, size < 56; ``w`` (80,) uint32 is scratch, ``out`` (20,) uint8."""
    for i in range(16):
        w[i] = np.uint32(0)
    for i in range(size):
        w[i >> 2] |= np.uint32(message[i]) << np.uint32(24 - 8 * (i & 3))
    w[size >> 2] |= np.uint32(0x80) << np.uint32(24 - 8 * (size & 3))
    w[15] = np.uint32(8 * size)
    for i in range(16, 80):
        w[i] = _rotate(np.uint32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]), 1)
    a, b, c = np.uint32(0x67452301), np.uint32(0xEFCDAB89), np.uint32(0x98BADCFE)
    d, e = np.uint32(0x10325476), np.uint32(0xC3D2E1F0)
    for i in range(80):
        if i < 20:
            f, k = (b & c) | (~b & d), np.uint32(0x5A827999)
        elif i < 40:
            f, k = b ^ c ^ d, np.uint32(0x6ED9EBA1)
        elif i < 60:
            f, k = (b & c) | (b & d) | (c & d), np.uint32(0x8F1BBCDC)
        else:
            f, k = b ^ c ^ d, np.uint32(0xCA62C1D6)
        t = np.uint32(_rotate(a, 5) + np.uint32(f) + e + k + w[i])
        e, d, c, b, a = d, c, _rotate(b, 30), a, t
    a = np.uint32(a + np.uint32(0x67452301))
    b = np.uint32(b + np.uint32(0xEFCDAB89))
    c = np.uint32(c + np.uint32(0x98BADCFE))
    d = np.uint32(d + np.uint32(0x10325476))
    e = np.uint32(e + np.uint32(0xC3D2E1F0))
    for i in range(4):
        s = np.uint32(24 - 8 * i)
        out[i], out[4 + i], out[8 + i] = np.uint8(a >> s), np.uint8(b >> s), np.uint8(c >> s)
        out[12 + i], out[16 + i] = np.uint8(d >> s), np.uint8(e >> s)


@compiled()
def _put(message: Any, at: Any, high: Any, low: Any, four: Any) -> Any:
    if not four:
        for i in range(8):
            message[at + i] = np.uint8(high >> np.uint64(56 - 8 * i))
        at += 8
    first = 4 if four else 0
    for i in range(first, 8):
        message[at + i - first] = np.uint8(low >> np.uint64(56 - 8 * i))
    return at + 8 - first


@compiled(nogil=True)
def texts(flows: Any, seed: Any, alphabet: Any) -> Any:
    """The ids of ``flows`` (n,), records with addresses, ports, proto and one_way; (n, LENGTH) uint8 of ASCII."""
    n = flows.shape[0]
    out = np.empty((n, 30), np.uint8)
    message, digest, w = np.empty(48, np.uint8), np.empty(21, np.uint8), np.empty(80, np.uint32)
    digest[20] = 0
    for k in range(n):
        f = flows[k]
        four = f.src_hi == 0 and f.dst_hi == 0 and (f.src_lo >> np.uint64(32)) == V4 and (
            f.dst_lo >> np.uint64(32)
        ) == V4
        ports = f.proto in (1, 6, 17, 58, 132)
        swap = not f.one_way and (
            f.src_hi > f.dst_hi
            or (f.src_hi == f.dst_hi and f.src_lo > f.dst_lo)
            or (ports and f.src_hi == f.dst_hi and f.src_lo == f.dst_lo and f.src_port > f.dst_port)
        )
        message[0], message[1] = np.uint8(seed >> 8), np.uint8(seed & 255)
        if swap:
            at = _put(message, _put(message, 2, f.dst_hi, f.dst_lo, four), f.src_hi, f.src_lo, four)
        else:
            at = _put(message, _put(message, 2, f.src_hi, f.src_lo, four), f.dst_hi, f.dst_lo, four)
        message[at], message[at + 1] = f.proto, 0
        at += 2
        if ports:
            a, b = (f.dst_port, f.src_port) if swap else (f.src_port, f.dst_port)
            message[at], message[at + 1] = np.uint8(a >> 8), np.uint8(a & 255)
            message[at + 2], message[at + 3] = np.uint8(b >> 8), np.uint8(b & 255)
            at += 4
        _sha1_block(message, at, w, digest)
        out[k, 0], out[k, 1] = 49, 58
        for i in range(7):
            v = (np.int64(digest[3 * i]) << 16) | (np.int64(digest[3 * i + 1]) << 8) | (
                np.int64(digest[3 * i + 2]) if i < 6 else 0
            )
            for j in range(4):
                out[k, 2 + 4 * i + j] = alphabet[(v >> (18 - 6 * j)) & 63]
        out[k, 29] = 61  # 20 bytes leave one letter of padding
    return out


def community_ids(flows: NDArray[Any], seed: int = 0) -> pa.Array:
    """Community IDs as an Arrow string column of records like FLOW or IDENT."""
    n = len(flows)
    raw = texts(flows, seed, ALPHABET)
    offsets = np.arange(0, LENGTH * (n + 1), LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets.tobytes()), pa.py_buffer(raw.tobytes()))
