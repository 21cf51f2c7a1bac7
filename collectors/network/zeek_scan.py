"""Where the fields of Zeek's lines lie: compiled scanners that turn a buffer into spans, without an object per line.

Tab-separated and JSON lines both end as the same shape: for each wanted field a row of starts and a row of ends into
the buffer (int64), one column a line; an empty span means absent. What follows need not know which form it was.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

OK, FIELDS, HALF, NOT_JSON, TRAILING, ESCAPE = range(6)
REASONS = {
    FIELDS: "wrong number of fields",
    HALF: "half a JSON object",
    NOT_JSON: "not a JSON object",
    TRAILING: "text after the JSON object",
    ESCAPE: "an escape that JSON does not know",
}
_ESCAPES = (34, 92, 47, 98, 102, 110, 114, 116)
_KEYS = 256  # slots of the key table; the widest log here has 30 wanted fields


@nb.njit(cache=True, nogil=True)
def _equals(data: Any, start: int, end: int, text: Any) -> bool:
    if end - start != text.shape[0]:
        return False
    for i in range(end - start):  # noqa: SIM110 - compiled
        if data[start + i] != text[i]:
            return False
    return True


@nb.njit(cache=True, nogil=True)
def split_tsv(data: Any, lo: int, hi: int, limit: int, separator: int, slots: Any, wanted: int, unset: Any,
              empty: Any) -> Any:  # fmt: skip
    """Whole lines of data[lo:hi], at most ``limit``, up to a line that begins with ``#``.

    slots[i] is the row for field i, or -1. Returns (consumed, lines read, line starts, line ends, starts, ends, status,
    physical line number of each row counted from 0, physical lines consumed). Empty lines are passed over.
    """
    n_fields = slots.shape[0]
    line_start, line_end = np.empty(limit, np.int64), np.empty(limit, np.int64)
    starts, ends = np.zeros((wanted, limit), np.int64), np.zeros((wanted, limit), np.int64)
    status, number = np.zeros(limit, np.uint8), np.zeros(limit, np.int64)
    n, at, physical = 0, lo, 0
    while at < hi and n < limit and data[at] != 35:
        begin, field, count = at, at, 0
        while at < hi and data[at] != 10:
            if data[at] == separator:
                if count < n_fields and slots[count] >= 0:
                    starts[slots[count], n], ends[slots[count], n] = field, at
                count += 1
                field = at + 1
            at += 1
        if at == hi:
            at = begin
            break
        stop = at - 1 if at > begin and data[at - 1] == 13 else at
        at += 1
        physical += 1
        if stop == begin:
            continue
        if count < n_fields and slots[count] >= 0:
            starts[slots[count], n], ends[slots[count], n] = field, stop
        line_start[n], line_end[n], number[n] = begin, stop, physical - 1
        if count + 1 != n_fields:
            status[n] = FIELDS
        for k in range(wanted):
            s, e = starts[k, n], ends[k, n]
            if _equals(data, s, e, unset) or _equals(data, s, e, empty):
                ends[k, n] = s
        n += 1
    return (at, line_start[:n], line_end[:n], starts[:, :n], ends[:, :n], status[:n], number[:n], physical)


@nb.njit(cache=True, nogil=True)
def _fnv(data: Any, start: int, end: int) -> Any:
    h = np.uint64(0xCBF29CE484222325)
    for i in range(start, end):
        h = (h ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
    return h


@nb.njit(cache=True, nogil=True)
def key_table(names: Any, offsets: Any) -> Any:
    """An open-addressed table of the wanted keys: (hashes, slot of each, -1 if free)."""
    hashes, slot = np.zeros(_KEYS, np.uint64), np.full(_KEYS, -1, np.int64)
    for k in range(offsets.shape[0] - 1):
        h = _fnv(names, offsets[k], offsets[k + 1])
        i = np.int64(h & np.uint64(_KEYS - 1))
        while slot[i] >= 0:
            i = (i + 1) % _KEYS
        hashes[i], slot[i] = h, k
    return hashes, slot


@nb.njit(cache=True, nogil=True)
def _find(hashes: Any, slot: Any, h: Any) -> int:
    i = np.int64(h & np.uint64(_KEYS - 1))
    while slot[i] >= 0:
        if hashes[i] == h:
            return int(slot[i])
        i = (i + 1) % _KEYS
    return -1


@nb.njit(cache=True, nogil=True)
def _blank(data: Any, at: int, hi: int) -> int:
    while at < hi and (data[at] == 32 or data[at] == 9 or data[at] == 13):
        at += 1
    return at


@nb.njit(cache=True, nogil=True)
def _hex(c: int) -> bool:
    return 48 <= c <= 57 or 97 <= c <= 102 or 65 <= c <= 70


@nb.njit(cache=True, nogil=True)
def _string(data: Any, at: int, hi: int) -> Any:
    """``at`` is behind the opening quote; (position of the closing quote, status)."""
    while at < hi:
        c = data[at]
        if c == 34:
            return at, OK
        if c == 92:
            at += 1
            if at >= hi:
                break
            c = data[at]
            if c == 117:
                if at + 4 >= hi:
                    break
                for j in range(1, 5):
                    if not _hex(data[at + j]):
                        return at, ESCAPE
                at += 4
            elif c not in _ESCAPES:
                return at, ESCAPE
        at += 1
    return hi, HALF


@nb.njit(cache=True, nogil=True)
def _value(data: Any, at: int, hi: int) -> Any:
    """One value from ``at``: (start and end of its content, where it ends, status). null has an empty span."""
    c = data[at]
    if c == 34:
        close, status = _string(data, at + 1, hi)
        return at + 1, close, close + 1, status
    if c in (91, 123):
        depth, i = 0, at
        while i < hi:
            c = data[i]
            if c == 34:
                i, status = _string(data, i + 1, hi)
                if status != OK:
                    return at, at, hi, status
            elif c in (91, 123):
                depth += 1
            elif c in (93, 125):
                depth -= 1
                if depth == 0:
                    return at, i + 1, i + 1, OK
            i += 1
        return at, at, hi, HALF
    i = at
    while i < hi and data[i] != 44 and data[i] != 125 and data[i] != 32 and data[i] != 93:
        i += 1
    if i == at:
        return at, at, at, NOT_JSON
    if i == hi:
        return at, at, hi, HALF
    if i - at == 4 and data[at] == 110:
        return at, at, i, OK
    return at, i, i, OK


@nb.njit(cache=True, nogil=True)
def _object(data: Any, at: int, hi: int, hashes: Any, slot: Any, starts: Any, ends: Any, n: int) -> int:
    """Read one object of data[at:hi] (a line) into column n of starts and ends; its status."""
    at = _blank(data, at, hi)
    if at >= hi or data[at] != 123:
        return NOT_JSON
    at = _blank(data, at + 1, hi)
    if at < hi and data[at] == 125:
        return OK if _blank(data, at + 1, hi) == hi else TRAILING
    while at < hi:
        if data[at] != 34:
            return NOT_JSON
        close, status = _string(data, at + 1, hi)
        if status != OK:
            return int(status)
        k = _find(hashes, slot, _fnv(data, at + 1, close))
        at = _blank(data, close + 1, hi)
        if at >= hi:
            return HALF
        if data[at] != 58:
            return NOT_JSON
        at = _blank(data, at + 1, hi)
        if at >= hi:
            return HALF
        s, e, at, status = _value(data, at, hi)
        if status != OK:
            return int(status)
        if k >= 0:
            starts[k, n], ends[k, n] = s, e
        at = _blank(data, at, hi)
        if at >= hi:
            return HALF
        if data[at] == 125:
            return OK if _blank(data, at + 1, hi) == hi else TRAILING
        if data[at] != 44:
            return NOT_JSON
        at = _blank(data, at + 1, hi)
    return HALF


@nb.njit(cache=True, nogil=True)
def split_json(data: Any, lo: int, hi: int, limit: int, hashes: Any, slot: Any, wanted: int) -> Any:
    """Like :func:`split_tsv` for JSON lines; the spans of strings are inside their quotes, escapes are kept."""
    line_start, line_end = np.empty(limit, np.int64), np.empty(limit, np.int64)
    starts, ends = np.zeros((wanted, limit), np.int64), np.zeros((wanted, limit), np.int64)
    status, number = np.zeros(limit, np.uint8), np.zeros(limit, np.int64)
    n, at, physical = 0, lo, 0
    while at < hi and n < limit:
        begin = at
        while at < hi and data[at] != 10:
            at += 1
        if at == hi:
            at = begin
            break
        stop = at - 1 if at > begin and data[at - 1] == 13 else at
        at += 1
        physical += 1
        if stop == begin:
            continue
        line_start[n], line_end[n], number[n] = begin, stop, physical - 1
        status[n] = _object(data, begin, stop, hashes, slot, starts, ends, n)
        n += 1
    return (at, line_start[:n], line_end[:n], starts[:, :n], ends[:, :n], status[:n], number[:n], physical)


@nb.njit(cache=True, nogil=True)
def split_lists(data: Any, starts: Any, ends: Any, separator: int, json: bool) -> Any:
    """The elements of a set or vector in each span: (offsets int32 of n + 1, element starts, element ends)."""
    n, room = starts.shape[0], 0
    for i in range(n):
        if ends[i] > starts[i]:
            room += 1
            for j in range(starts[i], ends[i]):
                if data[j] == separator:
                    room += 1
    offsets = np.zeros(n + 1, np.int32)
    s, e = np.empty(room, np.int64), np.empty(room, np.int64)
    k = 0
    for i in range(n):
        at, hi = starts[i], ends[i]
        if json and hi > at and data[at] != 91:  # one value where a list was expected
            s[k], e[k] = at, hi
            k += 1
        elif json:
            at, hi = at + 1, hi - 1
            while at < hi:
                at = _blank(data, at, hi)
                if at >= hi:
                    break
                a, b, at, status = _value(data, at, hi)
                if status == HALF and at == hi:  # the last number ends where the array does
                    b, status = hi, OK
                if status != OK:
                    break
                s[k], e[k] = a, b
                k += 1
                at = _blank(data, at, hi)
                if at < hi and data[at] != 44:  # not a list: what room was counted by are its commas
                    break
                at += 1
        elif hi > at:
            field = at
            while at < hi:
                if data[at] == separator:
                    s[k], e[k] = field, at
                    k += 1
                    field = at + 1
                at += 1
            s[k], e[k] = field, hi
            k += 1
        offsets[i + 1] = k
    return offsets, s[:k], e[:k]
