"""Answer records as text, as Zeek's dns.log writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv6Address

from collectors.network.parsers.dns_names import SVCB_KEYS, type_name

MAX_ANSWERS = 256
MAX_JUMPS = 32

_RECORD = struct.Struct(">HHIH")
_U16 = struct.Struct(">H")
_PLAIN = bytes(range(32, 127)).translate(None, b".\\")
_TEXT = {c: chr(c).lower() if c in _PLAIN else f"\\x{c:02x}" for c in range(256)} | {92: "\\\\"}
_LOWER = bytes(c + 32 if 65 <= c <= 90 else c for c in range(256))


class MalformedError(ValueError):
    """The record does not parse; those after it are not looked at."""


def name(message: bytes, pos: int) -> tuple[str, int]:
    """The name at ``pos`` as text (the root is ``<Root>``) and the position behind it."""
    labels: list[str] = []
    after = -1
    jumps = total = 0
    while True:
        if pos >= len(message):
            raise MalformedError
        n = message[pos]
        if n == 0:
            return ".".join(labels) or "<Root>", after if after >= 0 else pos + 1
        if n >= 192:
            jumps += 1
            if jumps > MAX_JUMPS or pos + 1 >= len(message):
                raise MalformedError
            if after < 0:
                after = pos + 2
            pos = (n & 63) << 8 | message[pos + 1]
            continue
        label = message[pos + 1 : pos + 1 + n]
        total += n + 1
        if n >= 64 or len(label) < n or total > 255:
            raise MalformedError
        labels.append(printable(label))
        pos += n + 1


def printable(label: bytes) -> str:
    """A label as lower-case text, odd bytes escaped."""
    if not label.translate(None, _PLAIN):
        return label.translate(_LOWER).decode("ascii")
    return "".join(_TEXT[c] for c in label)


def text(raw: bytes) -> str:
    """Text of a record: UTF-8 where it is, other bytes escaped."""
    return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def _a(m: bytes, p: int, n: int) -> str:
    if n != 4:
        raise MalformedError
    return f"{m[p]}.{m[p + 1]}.{m[p + 2]}.{m[p + 3]}"


def _aaaa(m: bytes, p: int, n: int) -> str:
    if n != 16:
        raise MalformedError
    return str(IPv6Address(m[p : p + 16]))


def _name(m: bytes, p: int, n: int) -> str:
    return name(m, p)[0]


def _strings(m: bytes, p: int, n: int) -> list[bytes]:
    out, end = [], p + n
    while p < end:
        out.append(m[p + 1 : min(p + 1 + m[p], end)])
        p += 1 + m[p]
    return out


def _txt(m: bytes, p: int, n: int) -> str:
    return " ".join(f"TXT {len(s)} {text(s)}" for s in _strings(m, p, n))


def _spf(m: bytes, p: int, n: int) -> str:
    return " ".join(f"SPF {len(s)} {text(s)}" for s in _strings(m, p, n))


def _hinfo(m: bytes, p: int, n: int) -> str:
    return "HINFO " + " ".join(text(s) for s in _strings(m, p, n)[:2])


def _caa(m: bytes, p: int, n: int) -> str:
    tag = m[p + 2 : p + 2 + m[p + 1]]
    return f"CAA {m[p]} {text(tag)} {text(m[p + 2 + m[p + 1] : p + n])}"


def _ds(m: bytes, p: int, n: int) -> str:
    return f"DS {m[p + 2]} {m[p + 3]}"


def _dnskey(m: bytes, p: int, n: int) -> str:
    return f"DNSKEY {m[p + 3]}"


def _rrsig(m: bytes, p: int, n: int) -> str:
    return f"RRSIG {_U16.unpack_from(m, p)[0]} {name(m, p + 18)[0]}"


def _sshfp(m: bytes, p: int, n: int) -> str:
    return f"SSHFP: {m[p + 2 : p + n].hex()}"


def _naptr(m: bytes, p: int, n: int) -> str:
    order, preference = struct.unpack_from(">HH", m, p)
    end, at, parts = p + n, p + 4, []
    for _ in range(3):
        parts.append(text(m[at + 1 : min(at + 1 + m[at], end)]))
        at += 1 + m[at]
    return f"NAPTR {order} {preference} {' '.join(parts)} {name(m, at)[0]}"


def _svcb(m: bytes, p: int, n: int) -> str:
    target, at = name(m, p + 2)
    parts = [str(_U16.unpack_from(m, p)[0]), "." if target == "<Root>" else target]
    while at + 4 <= p + n:
        key, size = struct.unpack_from(">HH", m, at)
        value = m[at + 4 : min(at + 4 + size, p + n)]
        parts.append(_svcb_param(key, value))
        at += 4 + size
    return " ".join(parts)


def _svcb_param(key: int, value: bytes) -> str:
    label = SVCB_KEYS.get(key) or f"key{key}"
    if key == 1:
        return f"{label}={','.join(text(s) for s in _strings(value, 0, len(value)))}"
    if key == 3 and len(value) == 2:
        return f"{label}={_U16.unpack(value)[0]}"
    if key == 4:
        return f"{label}={','.join(_a(value, i, 4) for i in range(0, len(value) - 3, 4))}"
    if key == 6:
        return f"{label}={','.join(_aaaa(value, i, 16) for i in range(0, len(value) - 15, 16))}"
    return f"{label}={value.hex()}" if value else label


def _offset_name(skip: int) -> Callable[[bytes, int, int], str]:
    return lambda m, p, n: name(m, p + skip)[0]


def _nsec(m: bytes, p: int, n: int) -> str:
    return f"NSEC {name(m, p)[0]}"


def _netbios(m: bytes, p: int, n: int) -> str:
    return ",".join(_a(m, i, 4) for i in range(p + 2, p + n - 3, 6))


READERS: dict[int, Callable[[bytes, int, int], str]] = {
    1: _a, 2: _name, 5: _name, 6: _name, 7: _name, 8: _name, 9: _name, 12: _name, 13: _hinfo, 15: _offset_name(2),
    16: _txt, 17: _name, 18: _offset_name(2), 28: _aaaa, 32: _netbios, 33: _offset_name(6), 35: _naptr, 39: _name,
    43: _ds, 44: _sshfp, 46: _rrsig, 47: _nsec, 48: _dnskey, 59: _ds, 60: _dnskey, 64: _svcb, 65: _svcb, 99: _spf,
    257: _caa,
}  # fmt: skip
NETBIOS_STATUS = 33


def answers(message: bytes, pos: int, count: int) -> tuple[list[str], list[int]]:
    """Up to ``MAX_ANSWERS`` records from ``pos`` as text, and their TTLs; stops at the first that does not parse."""
    out: list[str] = []
    ttls: list[int] = []
    size = len(message)
    try:
        for _ in range(min(count, MAX_ANSWERS)):
            pos = pos + 2 if pos + 1 < size and message[pos] >= 192 else name(message, pos)[1]
            kind, _, ttl, length = _RECORD.unpack_from(message, pos)
            pos += 10
            if pos + length > size:
                break
            reader = READERS.get(kind)
            if reader is not None:
                out.append(reader(message, pos, length))
            else:
                out.append(type_name(kind))
            ttls.append(ttl)
            pos += length
    except (MalformedError, struct.error, IndexError):
        del out[len(ttls) :]
    return out, ttls
