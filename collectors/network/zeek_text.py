"""Spans to text: gathered in one pass, escapes decoded where there are any."""

from __future__ import annotations

from typing import Any

import msgspec
import numba as nb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@nb.njit(cache=True, nogil=True)
def _gather(data: Any, starts: Any, ends: Any) -> Any:
    n = starts.shape[0]
    offsets = np.zeros(n + 1, np.int32)
    for i in range(n):
        offsets[i + 1] = offsets[i] + (ends[i] - starts[i])
    out = np.empty(offsets[n], np.uint8)
    seen = np.uint8(0)
    slash = False
    for i in range(n):
        at = offsets[i]
        for j in range(starts[i], ends[i]):
            c = data[j]
            out[at] = c
            seen |= c
            slash |= c == 92
            at += 1
    return offsets, out, slash, seen >= 128


def texts(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], json: bool) -> pa.StringArray:
    """The spans as text, with escapes decoded; bytes that are not UTF-8 stay as ``\\xNN``."""
    offsets, out, slash, high = _gather(data, starts, ends)
    n = len(starts)
    array = pa.Array.from_buffers(pa.string(), n, [None, pa.py_buffer(offsets), pa.py_buffer(out)])
    if not slash and (not high or _valid(array)):
        return array
    known: dict[bytes, str] = {}
    raws = array.view(pa.binary()).to_pylist()
    return pa.array([known.get(r) or known.setdefault(r, _plain(r, json)) for r in raws], pa.string())


def _valid(array: pa.Array) -> bool:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _plain(raw: bytes, json: bool) -> str:
    if b"\\" in raw:
        raw = _unescape_json(raw) if json else _unescape_tsv(raw)
    return raw.decode("utf-8", "backslashreplace")


def _unescape_json(raw: bytes) -> bytes:
    try:
        return msgspec.json.decode(b'"' + raw + b'"', type=str).encode()
    except (msgspec.DecodeError, UnicodeError):  # half a surrogate pair, or bytes that are not UTF-8
        text = raw.decode("utf-8", "backslashreplace")
        return text.encode()


def _unescape_tsv(raw: bytes) -> bytes:
    r"""Zeek writes ``\xNN`` for bytes that it will not print, and ``\\`` for a backslash."""
    first, *rest = raw.split(b"\\")
    out = [first]
    parts = iter(rest)
    for part in parts:
        if not part:  # a doubled backslash: the text up to the next one is as it is
            out.append(b"\\" + next(parts, b""))
        elif part[:1] == b"x" and len(part) >= 3 and _is_hex(part[1:3]):
            out.append(bytes([int(part[1:3], 16)]) + part[3:])
        else:
            out.append(b"\\" + part)
    return b"".join(out)


def _is_hex(raw: bytes) -> bool:
    return all(c in b"0123456789abcdefABCDEF" for c in raw)
