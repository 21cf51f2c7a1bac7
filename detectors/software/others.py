"""ar (deb, static libraries), cpio and rpm: few fields, walked here."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detectors.software.budget import Budget
from detectors.software.streams import Damaged

Part = tuple[str, int, memoryview]
"""Name, mode, content."""

RPM_HEADER = b"\x8e\xad\xe8\x01"


def ar(content: memoryview, budget: Budget) -> Iterator[Part]:
    """Members of a common or GNU ar. Raises Damaged, Spent."""
    at, long_names = 8, b""
    while at + 60 <= len(content):
        head = bytes(content[at : at + 60])
        if head[58:60] != b"`\n":
            raise Damaged(f"the ar header at {at} is none")
        size, mode = _digits(head[48:58], 10), _digits(head[40:48], 8)
        data = content[at + 60 : at + 60 + size]
        if len(data) < size:
            raise Damaged(f"the ar member at {at} goes beyond the end")
        at += 60 + size + (size & 1)
        name = head[:16].rstrip()
        if name == b"//":
            budget.describe(size)
            long_names = bytes(data)
            continue
        if name in (b"/", b"/SYM64/"):
            continue
        budget.member()
        if name.startswith(b"/") and name[1:].isdigit():
            name = long_names[int(name[1:]) :].split(b"\n", 1)[0]
        elif name.startswith(b"#1/") and name[3:].isdigit():
            n = int(name[3:])
            name, data = bytes(data[:n]).rstrip(b"\0"), data[n:]
        yield name.removesuffix(b"/").decode("utf-8", "surrogateescape"), mode, data


def _digits(field: bytes, base: int) -> int:
    text = field.strip()
    try:
        n = int(text, base) if text else 0
    except ValueError as e:
        raise Damaged(f"no number: {text!r}") from e
    if n < 0:
        raise Damaged(f"no size: {text!r}")
    return n


def cpio(content: memoryview, budget: Budget) -> Iterator[Part]:
    """Members of a new (070701, 070702) or old (070707) ASCII cpio. Raises Damaged, Spent."""
    at = 0
    while at + 76 <= len(content):
        magic = bytes(content[at : at + 6])
        if magic in (b"070701", b"070702"):
            head, pad = 110, 4
            fields = bytes(content[at + 6 : at + head])
            words = [_digits(fields[i : i + 8], 16) for i in range(0, len(fields) - 7, 8)]
            if len(words) < 13:
                raise Damaged("the cpio ends within a header")
            mode, size, named = words[1], words[6], words[11]
        elif magic == b"070707":
            head, pad = 76, 1
            fields = bytes(content[at : at + head])
            mode, named, size = _digits(fields[18:24], 8), _digits(fields[59:65], 8), _digits(fields[65:76], 8)
        else:
            raise Damaged(f"the cpio header at {at} is none")
        name = bytes(content[at + head : at + head + named]).rstrip(b"\0")
        start = at + -(-(head + named) // pad) * pad
        data = content[start : start + size]
        if len(data) < size:
            raise Damaged(f"the cpio member at {at} goes beyond the end")
        at = start + -(-size // pad) * pad
        if name == b"TRAILER!!!":
            return
        budget.member()
        yield name.decode("utf-8", "surrogateescape"), mode, data
    raise Damaged("the cpio has no trailer")


def rpm(content: memoryview, budget: Budget) -> memoryview:
    """The compressed payload of an RPM: behind the lead, the signature and the header. Raises Damaged, Spent."""
    at = 96
    for aligned in (True, False):
        if bytes(content[at : at + 4]) != RPM_HEADER or at + 16 > len(content):
            raise Damaged("no RPM header where one must be")
        entries, size = struct.unpack_from(">2L", content, at + 8)
        budget.describe(entries * 16 + size)
        at += 16 + entries * 16 + size
        if aligned:
            at += -at % 8
    if at >= len(content):
        raise Damaged("the RPM has no payload")
    return content[at:]
