"""Compound files (Office before 2007, MSI, macros of any Office): their streams, and the source of macros in them.

Source: Microsoft, [MS-CFB] (read by ``olefile``) and [MS-OVBA] 2.4.1 (the compression of macros, read here).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from io import BytesIO

from detectors.software.budget import Budget, Spent
from detectors.software.streams import Damaged

_SOURCE = re.compile(rb"\x01..\x00Attribut[^e]", re.DOTALL)
"""How the compressed source of a macro begins: signature, header of a chunk, flags, ``Attribute``."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
"""What an MSI's names are written in, two to a character."""
_CHUNK = 4096


def streams(content: memoryview, budget: Budget) -> Iterator[tuple[str, memoryview]]:
    """Name and content of every stream, and of every macro (``….bas``). Raises Damaged, Spent."""
    import olefile

    if len(content) > budget.profile.held:
        raise Spent("bytes", f"{budget.profile.held:,} bytes of a compound file")
    try:
        with olefile.OleFileIO(BytesIO(content)) as ole:
            if not ole.listdir():  # what lies about its own tables shows nothing, and would be clean
                raise Damaged("compound file: no stream can be found in it")
            for path in ole.listdir():
                budget.member()
                name = "/".join(plain(part) for part in path)
                data = ole.openstream(path).read()
                budget.give(len(data), len(data), len(data))
                yield name, memoryview(data)
                for n, at in enumerate(m.start() for m in _SOURCE.finditer(data)):
                    source = macro(data[at:])
                    budget.give(len(source), len(source), len(data))
                    yield f"{name}{n or ''}.bas", memoryview(source)
    except (OSError, ValueError, struct.error, IndexError, RecursionError, OverflowError) as e:
        raise Damaged(f"compound file: {e}") from e


def plain(name: str) -> str:
    """An MSI's name as it was before it was packed; others as they are."""
    out = []
    for c in name:
        code = ord(c) - 0x3800
        if 0 <= code < 0x1000:
            out += [_ALPHABET[code & 63], _ALPHABET[code >> 6]]
        elif 0x1000 <= code < 0x1040:
            out.append(_ALPHABET[code - 0x1000])
        else:
            out.append("!" if code == 0x1040 else c)
    return "".join(out)


def macro(content: bytes) -> bytes:
    """The source of a macro as far as it can be read ([MS-OVBA] 2.4.1.3)."""
    out = bytearray()
    at = 1
    while at + 2 <= len(content):
        (header,) = struct.unpack_from("<H", content, at)
        if header >> 12 & 7 != 3:
            break
        end = min(len(content), at + (header & 0xFFF) + 3)
        at += 2
        if not header >> 15:
            out += content[at : at + _CHUNK]
            at = end
            continue
        start = len(out)
        while at < end:
            flags = content[at]
            at += 1
            for bit in range(8):
                if at >= end:
                    break
                if not flags >> bit & 1:
                    out.append(content[at])
                    at += 1
                    continue
                if at + 2 > end or not _copied(out, start, struct.unpack_from("<H", content, at)[0]):
                    return bytes(out)
                at += 2
    return bytes(out)


def _copied(out: bytearray, start: int, token: int) -> bool:
    """What a token says to copy from what came before, within its chunk; False if it says what cannot be."""
    done = len(out) - start
    bits = max(4, (done - 1).bit_length()) if done > 0 else 4
    length, back = (token & (0xFFFF >> bits)) + 3, (token >> (16 - bits)) + 1
    if back > done or done + length > _CHUNK:
        return False
    for _ in range(length):
        out.append(out[-back])
    return True
