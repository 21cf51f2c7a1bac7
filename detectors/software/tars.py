"""The members of a tar as slices of it: nothing is copied, and no header is believed for more bytes than are there.

Formats: POSIX ustar and pax (IEEE 1003.1), GNU long names. The standard library's reader is not used here: one long pax
header cost it a gigabyte before the first member.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from detectors.software.budget import Budget
from detectors.software.streams import Damaged

BLOCK = 512
FILE, LINK, SYMLINK, DEVICE, FOLDER, FIFO, SPARSE = "file", "link", "symlink", "device", "folder", "fifo", "sparse"
_TYPES = {b"0": FILE, b"\0": FILE, b"7": FILE, b"1": LINK, b"2": SYMLINK, b"3": DEVICE, b"4": DEVICE, b"5": FOLDER,
          b"6": FIFO, b"S": SPARSE}  # fmt: skip
SETUID, SETGID = 0o4000, 0o2000


@dataclass(frozen=True)
class Entry:
    name: str
    kind: str
    content: memoryview
    mode: int = 0
    target: str = ""


@dataclass
class _Said:
    """What extended headers say of the next member."""

    values: dict[str, str] = field(default_factory=dict)


def entries(content: memoryview, budget: Budget) -> Iterator[Entry]:
    """Raises Damaged where the tar breaks off, Spent at a limit."""
    at, every, next_one = 0, _Said(), _Said()
    while at + BLOCK <= len(content):
        head = bytes(content[at : at + BLOCK])
        if not any(head):
            return
        if not _checks(head):
            raise Damaged(f"the header at {at} does not check")
        kind = head[156:157]
        size = _number(head[124:136])
        if kind not in b"xgLK" and "size" in next_one.values:
            size = _decimal(next_one.values["size"])
        start = at + BLOCK
        if size < 0 or start + size > len(content):
            raise Damaged(f"the member at {at} goes beyond the end")
        data = content[start : start + size]
        at = start + -(-size // BLOCK) * BLOCK
        if kind in b"xgLK":
            budget.describe(size)
            said = every if kind == b"g" else next_one
            said.values.update(_pax(bytes(data)) if kind in b"xg" else {_LONG[kind]: _text(bytes(data))})
            continue
        budget.member()
        yield _entry(head, kind, data, {**every.values, **next_one.values})
        next_one = _Said()
    if at < len(content) or next_one.values:
        raise Damaged("the tar ends within a header")


_LONG = {b"L": "path", b"K": "linkpath"}


def _entry(head: bytes, kind: bytes, data: memoryview, said: dict[str, str]) -> Entry:
    posix = head[257:262] == b"ustar" and head[263:265] == b"00"
    name, prefix = _text(head[:100]), _text(head[345:500]) if posix else ""
    name = said.get("path") or (f"{prefix}/{name}" if prefix else name)
    shape = _TYPES.get(kind, "unknown")
    if shape == FILE and name.endswith("/"):
        shape = FOLDER
    if any(k.startswith("GNU.sparse") for k in said):
        shape = SPARSE
    return Entry(name, shape, data, _number(head[100:108]) & 0o7777, said.get("linkpath") or _text(head[157:257]))


def _checks(head: bytes) -> bool:
    try:
        said = int(head[148:156].strip(b"\0 ") or b"0", 8)
    except ValueError:
        return False
    return said == sum(head) - sum(head[148:156]) + 8 * 32


def _number(field: bytes) -> int:
    """Octal text, or a big-endian number with the first bit set (GNU)."""
    if field[0] & 0x80:
        return int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(
            bytes([field[0] & 0x7F]) + field[1:], "big")  # fmt: skip
    digits = field.strip(b"\0 ")
    try:
        return int(digits, 8) if digits else 0
    except ValueError as e:
        raise Damaged(f"no number: {digits[:16]!r}") from e


def _decimal(text: str) -> int:
    if not text.isdecimal() or len(text) > 20:
        raise Damaged(f"no size: {text[:30]!r}")
    return int(text)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> dict[str, str]:
    """``length key=value\\n`` records."""
    out, at = {}, 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        if space < 0 or not data[at:space].isdigit():
            break
        length = int(data[at:space])
        record = data[space + 1 : at + length - 1]
        if length < 5 or at + length > len(data) or b"=" not in record:
            raise Damaged("a pax record is broken")
        key, value = record.split(b"=", 1)
        out[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at += length
    return out
