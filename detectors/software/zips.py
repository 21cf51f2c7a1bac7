"""The members of a ZIP by its central directory, and where the file contradicts itself.

Two readers of a ZIP may see different files: one goes by the directory at the end, one by the headers before each
member. Whoever hides something uses that, so what differs is evidence (APPNOTE 6.3.10 sections 4.3 to 4.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from detectors.software.budget import Budget
from detectors.software.streams import Bits, Damaged, Deflate, Stored, Stream, Zstd

_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_FULL, _FULL16 = 0xFFFFFFFF, 0xFFFF
COMMENT = 65_535 + 22
ENCRYPTED, DESCRIPTOR, UTF8 = 1, 8, 0x800
METHODS = {0: "stored", 8: "deflate", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 99: "aes"}


@dataclass(frozen=True)
class Entry:
    """A member as the central directory has it."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    at: int
    mode: int

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & ENCRYPTED) or self.method == 99

    @property
    def folder(self) -> bool:
        return self.name.endswith(("/", "\\")) and not self.size


@dataclass
class Directory:
    """The members, and what is odd about the file: (rule, path, what)."""

    entries: list[Entry]
    odd: list[tuple[str, str, str]]
    start: int
    """Bytes before the first header: a program or another format may stand there."""


def directory(content: memoryview, budget: Budget) -> Directory:
    """Raises Damaged if there is no directory to go by, Spent at a limit."""
    end = _find_end(content)
    odd: list[tuple[str, str, str]] = []
    _, disk, first, here, count, size, at, comment = struct.unpack_from("<4s4H2LH", content, end)
    if disk not in (0, _FULL16) or first not in (0, _FULL16):
        odd.append(("archive.disks", "", "the ZIP says that it is a part of several"))
    behind = len(content) - end - 22 - comment
    if behind > 0:
        odd.append(("archive.trailing", "", f"{behind} bytes behind the end"))
    stop = end
    if _FULL16 in (here, count) or _FULL in (size, at):
        count, size, at, stop = _zip64(content, end, count, size, at, odd)
    budget.describe(size)
    shift = stop - size - at
    if shift < 0 or size > stop:
        raise Damaged("the central directory lies outside the file")
    entries = list(_entries(content, at + shift, stop, shift, budget))
    if len(entries) != count:
        odd.append(("archive.count", "", f"{count} members are declared, {len(entries)} are listed"))
    _compare(content, entries, odd)
    return Directory(entries, odd, min((e.at for e in entries), default=at + shift))


def _find_end(content: memoryview) -> int:
    tail = bytes(content[-min(len(content), COMMENT) :])
    at = tail.rfind(_END)
    while at >= 0:
        where = len(content) - len(tail) + at
        if where + 22 <= len(content):
            (comment,) = struct.unpack_from("<H", content, where + 20)
            if where + 22 + comment <= len(content):
                return where
        at = tail.rfind(_END, 0, at)
    raise Damaged("no end of central directory")


def _zip64(content: memoryview, end: int, count: int, size: int, at: int,
           odd: list[tuple[str, str, str]]) -> tuple[int, int, int, int]:  # fmt: skip
    place = end - 20
    if place < 0 or bytes(content[place : place + 4]) != _LOCATOR:
        return count, size, at, end  # exactly so many
    (where,) = struct.unpack_from("<Q", content, place + 8)
    if where + 56 > place or bytes(content[where : where + 4]) != _END64:
        from_ = max(0, place - COMMENT)  # something may stand before the first member
        where = from_ + bytes(content[from_:place]).rfind(_END64)
        if where < from_:
            raise Damaged("the ZIP64 end is not where its locator says")
    _, whole, size64, at64 = struct.unpack_from("<4Q", content, where + 24)
    said = (("count", count, whole, _FULL16), ("size", size, size64, _FULL), ("at", at, at64, _FULL))
    for name, old, new, full in said:
        if old not in (full, new):
            odd.append(("archive.zip64", "", f"{name}: {old} in the end, {new} in the ZIP64 end"))
    return whole, size64, at64, where


def _entries(content: memoryview, at: int, stop: int, shift: int, budget: Budget) -> Iterator[Entry]:
    while at + _ENTRY.size <= stop:
        head = _ENTRY.unpack_from(content, at)
        (sign, _, system, _, _, flags, method, _, _, crc, packed, size, n, m, k, _, _, attributes, where) = head
        if sign != b"PK\x01\x02":
            raise Damaged(f"entry at {at} is none")
        budget.member()
        raw = bytes(content[at + _ENTRY.size : at + _ENTRY.size + n])
        extra = content[at + _ENTRY.size + n : at + _ENTRY.size + n + m]
        size, packed, where = _large(extra, size, packed, where)
        mode = attributes >> 16 if system == 3 else 0
        yield Entry(_name(raw, flags), method, flags, crc, packed, size, where + shift, mode)
        at += _ENTRY.size + n + m + k


def _large(extra: memoryview, size: int, packed: int, where: int) -> tuple[int, int, int]:
    """Values of the ZIP64 extra field in place of those that do not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, n = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            there = range(at + 4, at + 4 + min(n, len(extra) - at - 4) - 7, 8)
            words = [struct.unpack_from("<Q", extra, i)[0] for i in there]
            values = [size, packed, where]
            for i, v in enumerate(values):
                if v == _FULL and words:
                    values[i] = words.pop(0)
            return values[0], values[1], values[2]
        at += 4 + n
    return size, packed, where


def _name(raw: bytes, flags: int) -> str:
    if flags & UTF8:
        return raw.decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _compare(content: memoryview, entries: list[Entry], odd: list[tuple[str, str, str]]) -> None:
    """Local headers against the directory, names that come twice, members that lie in each other."""
    seen: set[str] = set()
    for e in entries:
        if e.name in seen:
            odd.append(("archive.twice", e.name, "two members have this name"))
        seen.add(e.name)
        if e.at + _LOCAL.size > len(content) or bytes(content[e.at : e.at + 4]) != b"PK\x03\x04":
            odd.append(("archive.local", e.name, "no local header where the directory says"))
            continue
        _, _, _, flags, method, _, _, _, packed, size, n, _ = _LOCAL.unpack_from(content, e.at)
        local = _name(bytes(content[e.at + _LOCAL.size : e.at + _LOCAL.size + n]), flags)
        if local != e.name:
            odd.append(("archive.mismatch", e.name, f"its local header says {local}"))
        elif method != e.method:
            odd.append(("archive.mismatch", e.name, f"method {e.method} in the directory, {method} before the member"))
        elif not flags & DESCRIPTOR and _FULL not in (packed, size) and (packed, size) != (e.packed, e.size):
            odd.append(("archive.mismatch", e.name, f"size {e.size} in the directory, {size} before the member"))
    end = -1
    for e in sorted(entries, key=lambda e: e.at):
        if e.at < end:
            odd.append(("archive.overlap", e.name, "it shares bytes with the member before it"))
        end = max(end, e.at + _LOCAL.size + e.packed)


def member(content: memoryview, e: Entry) -> Stream:
    """What a member holds. Raises Damaged, or ValueError for a method that cannot be read."""
    if e.at + _LOCAL.size > len(content) or bytes(content[e.at : e.at + 4]) != b"PK\x03\x04":
        raise Damaged("no local header")
    n, m = struct.unpack_from("<2H", content, e.at + 26)
    start = e.at + _LOCAL.size + n + m
    data = content[start : start + e.packed]
    if len(data) < e.packed:
        raise Damaged("the member goes beyond the file")
    if e.method == 0:
        return Stored(data)
    if e.method == 8:
        return Deflate(data, -15)
    if e.method == 12:
        return Bits(data, "bzip2")
    if e.method == 14:
        return _lzma(data)
    if e.method == 93:
        return Zstd(data)
    if e.method == 95:
        return Bits(data, "xz")
    raise ValueError(METHODS.get(e.method, f"method {e.method}"))


def _lzma(data: memoryview) -> Stream:
    """Two bytes of version, two of length, five of properties, the stream."""
    import lzma

    if len(data) < 9:
        raise Damaged("no LZMA properties")
    code, size = data[4], struct.unpack_from("<L", data, 5)[0]
    lc, rest = code % 9, code // 9
    lp, pb = rest % 5, rest // 5
    if lc + lp > 4 or size > 1 << 26:
        raise Damaged("LZMA properties out of range")
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(size, 4096), "lc": lc, "lp": lp, "pb": pb}]
    return Bits(data[9:], "lzma", filters)
