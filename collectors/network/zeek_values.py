"""Spans of text to values: times, numbers and addresses, whole columns at a time.

Each reader returns the values and a mask of the spans that are not what they should be. An empty span is absent: zero,
and never bad.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

LATEST_US = 10_382_256_000_000_000  # 2299-01-01, where the store's times end
MILLIS_FROM = 100_000_000_000  # a whole number beyond this many seconds (year 5138) is milliseconds
_POWERS = 10.0 ** np.arange(23)
_WHOLE = 10 ** np.arange(19, dtype=np.int64)


@nb.njit(cache=True, nogil=True)
def _decimal(data: Any, at: int, end: int) -> Any:
    """(ok, negative, mantissa int64, exponent of ten); digits past the eighteenth are dropped."""
    negative = at < end and data[at] == 45
    if negative:
        at += 1
    mantissa, exponent, digits, seen = np.int64(0), 0, 0, False
    point = False
    while at < end:
        c = np.int64(data[at])
        if 48 <= c <= 57:
            seen = True
            if digits < 18:
                mantissa = mantissa * 10 + (c - 48)
                if mantissa:
                    digits += 1
                if point:
                    exponent -= 1
            elif not point:
                exponent += 1
        elif c == 46 and not point:
            point = True
        else:
            break
        at += 1
    if at < end and seen and (data[at] == 101 or data[at] == 69):
        at += 1
        minus = at < end and data[at] == 45
        if at < end and (data[at] == 45 or data[at] == 43):
            at += 1
        power: Any = 0
        seen = False
        while at < end and 48 <= data[at] <= 57 and power < 1000:
            power = power * 10 + (np.int64(data[at]) - 48)
            seen = True
            at += 1
        exponent += -power if minus else power
    return seen and at == end, negative, mantissa, exponent


@nb.njit(cache=True, nogil=True)
def _digits(data: Any, at: int, count: int) -> int:
    value: Any = 0
    for i in range(at, at + count):
        c = np.int64(data[i])
        if c < 48 or c > 57:
            return -1
        value = value * 10 + (c - 48)
    return value  # type: ignore[no-any-return]


@nb.njit(cache=True, nogil=True)
def _iso(data: Any, at: int, end: int) -> int:
    """Microseconds of ``2024-01-31T17:32:32.422947Z``, or -1."""
    if end - at < 20 or data[end - 1] != 90 or data[at + 10] != 84 or data[at + 4] != 45 or data[at + 7] != 45:
        return -1
    if data[at + 13] != 58 or data[at + 16] != 58:
        return -1
    y, m, d = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    h, mi, s = _digits(data, at + 11, 2), _digits(data, at + 14, 2), _digits(data, at + 17, 2)
    if min(y, m, d, h, mi, s) < 0 or m < 1 or m > 12 or d < 1 or d > 31 or h > 23 or mi > 59 or s > 60:
        return -1
    fraction, places = 0, end - 1 - (at + 20)
    if places > 0:
        fraction = _digits(data, at + 20, min(places, 6))
        if fraction < 0 or data[at + 19] != 46:
            return -1
        for _ in range(6 - min(places, 6)):
            fraction *= 10
    elif end - at != 20:
        return -1
    y -= m <= 2  # days from civil, with years that begin in March
    era_day = (153 * (m + (-3 if m > 2 else 9)) + 2) // 5 + d - 1
    days = 365 * y + y // 4 - y // 100 + y // 400 + era_day - 719468
    return ((days * 24 + h) * 60 + mi) * 60_000_000 + s * 1_000_000 + fraction


@nb.njit(cache=True, nogil=True)
def times(data: Any, starts: Any, ends: Any) -> Any:
    """Microseconds, exact for six decimals (rounded beyond); (int64, bad). Absent is bad: a row has a time."""
    n = starts.shape[0]
    out, bad = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    for i in range(n):
        s, e = starts[i], ends[i]
        ok, negative, mantissa, exponent = _decimal(data, s, e)
        if not ok:
            out[i] = _iso(data, s, e)
            bad[i] = out[i] < 0 or out[i] >= LATEST_US
            continue
        shift = exponent + (3 if exponent >= 0 and mantissa >= MILLIS_FROM else 6)
        if shift >= 0:
            bad[i] = shift > 18 or mantissa > LATEST_US // _WHOLE[min(shift, 18)]
            value = np.int64(0) if bad[i] else mantissa * _WHOLE[shift]
        elif shift >= -18:
            value = (mantissa + _WHOLE[-shift] // 2) // _WHOLE[-shift]
        else:
            value = np.int64(0)
        out[i] = value
        bad[i] |= value >= LATEST_US or (negative and value > 0)
    return out, bad


@nb.njit(cache=True, nogil=True)
def seconds(data: Any, starts: Any, ends: Any) -> Any:
    """Seconds; (float64, bad)."""
    n = starts.shape[0]
    out, bad = np.zeros(n, np.float64), np.zeros(n, np.bool_)
    for i in range(n):
        if ends[i] == starts[i]:
            continue
        ok, negative, mantissa, exponent = _decimal(data, starts[i], ends[i])
        if not ok or exponent > 22:
            bad[i] = True
            continue
        value = float(mantissa)
        if exponent >= 0:
            value *= _POWERS[exponent]
        elif exponent >= -22:
            value /= _POWERS[-exponent]
        else:
            value *= 10.0**exponent
        out[i] = -value if negative else value
    return out, bad


@nb.njit(cache=True, nogil=True)
def counts(data: Any, starts: Any, ends: Any, most: Any) -> Any:
    """Whole numbers up to ``most``; (uint64, bad)."""
    n = starts.shape[0]
    out, bad = np.zeros(n, np.uint64), np.zeros(n, np.bool_)
    for i in range(n):
        s, e = starts[i], ends[i]
        value = np.uint64(0)
        if e - s > 20:
            bad[i] = True
            continue
        for j in range(s, e):
            c = np.uint64(data[j]) - np.uint64(48)
            if c > 9 or value > (most - c) // np.uint64(10):
                bad[i] = True
                break
            value = value * np.uint64(10) + c
        out[i] = value
    return out, bad


@nb.njit(cache=True, nogil=True)
def flags(data: Any, starts: Any, ends: Any) -> Any:
    """T, F, true or false; (bool, bad)."""
    n = starts.shape[0]
    out, bad = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for i in range(n):
        size = ends[i] - starts[i]
        if size == 0:
            continue
        c = data[starts[i]]
        yes = (c == 84 and size == 1) or (c == 116 and size == 4)
        no = (c == 70 and size == 1) or (c == 102 and size == 5)
        out[i], bad[i] = yes, not (yes or no)
    return out, bad


@nb.njit(cache=True, nogil=True)
def _v4(data: Any, at: int, end: int, out: Any, place: int) -> bool:
    value: Any = 0
    part, digits = 0, 0
    for i in range(at, end + 1):
        c = np.int64(data[i]) if i < end else 46
        if c == 46:
            if digits == 0 or value > 255 or part > 3:
                return False
            out[place + part] = value
            part, value, digits = part + 1, 0, 0
        elif 48 <= c <= 57 and digits < 3:
            value, digits = value * 10 + (c - 48), digits + 1
        else:
            return False
    return part == 4


@nb.njit(cache=True, nogil=True)
def _v6(data: Any, at: int, end: int, out: Any) -> bool:
    value: Any = 0
    groups, gap, digits = 0, -1, 0
    i = at
    if data[i] == 58:
        if i + 1 == end or data[i + 1] != 58:
            return False
        gap, i = 0, i + 2
    begin = i
    while i <= end:
        c = np.int64(data[i]) if i < end else 58
        if c == 58:
            if i == end and digits == 0:
                if groups in (0, gap):
                    break
                return False
            if digits == 0:
                if gap >= 0:
                    return False
                gap = groups
            else:
                if groups >= 8:
                    return False
                out[2 * groups], out[2 * groups + 1] = value >> 8, value & 255
                groups += 1
            value, digits, begin = 0, 0, i + 1
        elif c == 46:
            if groups > 6 or not _v4(data, begin, end, out, 2 * groups):
                return False
            groups += 2
            break
        elif digits < 4 and (48 <= c <= 57 or 97 <= c <= 102 or 65 <= c <= 70):
            value = value * 16 + (c - 48 if c <= 57 else (c | 32) - 87)
            digits += 1
        else:
            return False
        i += 1
    if gap < 0:
        return groups == 8
    if groups >= 8:
        return False
    for k in range(groups - gap):  # move what follows the gap to the end
        j, to = 2 * (groups - 1 - k), 2 * (7 - k)
        out[to], out[to + 1] = out[j], out[j + 1]
    for k in range(2 * gap, 2 * (8 - (groups - gap))):
        out[k] = 0
    return True


@nb.njit(cache=True, nogil=True)
def addresses(data: Any, starts: Any, ends: Any) -> Any:
    """16-byte addresses, IPv4 mapped; ((n, 16) uint8, bad). Absent is all zero."""
    n = starts.shape[0]
    out, bad = np.zeros((n, 16), np.uint8), np.zeros(n, np.bool_)
    for i in range(n):
        s, e = starts[i], ends[i]
        if s == e:
            continue
        six = False
        for j in range(s, e):
            if data[j] == 58:
                six = True
                break
        if six:
            bad[i] = not _v6(data, s, e, out[i])
        else:
            out[i, 10] = out[i, 11] = 255
            bad[i] = not _v4(data, s, e, out[i], 12)
    return out, bad
