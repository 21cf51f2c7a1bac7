"""7z, RAR, cabinets and ISO images: read by libarchive, one named format at a time and without its filters (for some
of which it would start programs).

The library comes with the package ``archi``, or is the system's; without any these formats are known and not opened.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from detectors.software.budget import Budget
from detectors.software.streams import CHUNK, Damaged, Stream, Unread

FORMATS = {"7z": ("7zip",), "rar": ("rar", "rar5"), "cab": ("cab",), "iso": ("iso9660",)}
"""Ours to libarchive's."""
_VOLUME = 16 * 2048
"""Where an ISO image describes itself (ECMA-119, 6.2)."""
_LOCKED = ("ncrypt", "rypto", "assphrase", "assword")
_UNREAD = ("nsupported", "not supported", "upport for", "unknown method")


@dataclass(frozen=True)
class Member:
    """``mode`` as of stat, ``link`` the target of a link."""

    name: str
    mode: int
    link: str
    content: Stream


@cache
def library() -> Any:
    """The binding, or None where no library is to be had."""
    if "LIBARCHIVE" not in os.environ:
        found = _bundled()
        if found is not None:
            os.environ["LIBARCHIVE"] = str(found)
    try:
        import libarchive.read
    except (ImportError, OSError, TypeError):  # TypeError: it found no library and loads None
        return None
    return libarchive


def _bundled() -> Path | None:
    try:
        import archi  # its libraries are loaded with it
    except ImportError:
        return None
    beside = Path(str(archi.__file__)).parent
    found = (p for d in ("archi.libs", ".dylibs", "archi/.dylibs") for p in sorted((beside / d).glob("libarchive*")))
    return next(found, None)


def warm() -> None:
    """Load the library: a worker that is shut in must have it."""
    library()


class _Part(Stream):
    def __init__(self, content: memoryview, entry: Any) -> None:
        super().__init__(content)
        self._entry = entry
        self.taken = len(content)  # of a solid archive nobody knows what a member took: it is measured on the whole

    def parts(self) -> Iterator[bytes]:
        from libarchive.exception import ArchiveError

        try:
            yield from self._entry.get_blocks(CHUNK)
        except ArchiveError as e:
            raise _told(e) from e


def members(content: memoryview, kind: str, budget: Budget, password: str | None = None) -> Iterator[Member]:
    """Every member; the content of each is good until the next is asked for. Raises Damaged, Unread, Spent."""
    found = library()
    if found is None:
        raise Unread("unsupported", f"{kind}: no libarchive here")
    from libarchive import ffi
    from libarchive.exception import ArchiveError

    _uncut(content, kind)
    whole = np.frombuffer(content, np.uint8)
    first, *others = FORMATS[kind]
    try:
        with found.read.new_archive_read(first, "none", password) as pointer:
            for more in others:
                ffi.get_read_format_function(more)(pointer)
            ffi.read_open_memory(pointer, whole.ctypes.data, len(content))
            for entry in found.read.ArchiveRead(pointer):
                budget.member()
                name = entry.pathname or ""
                budget.describe(len(name) * 2 + 64)
                yield Member(name, entry.mode, entry.linkpath or "", _Part(content, entry))
    except ArchiveError as e:
        raise _told(e) from e


def _uncut(content: memoryview, kind: str) -> None:
    """libarchive takes a cut cabinet or image for a whole one, as long as what it lists is there. Raises Damaged."""
    declared = 0
    if kind == "cab" and len(content) >= 12:
        (declared,) = struct.unpack_from("<I", content, 8)
    elif kind == "iso" and len(content) >= _VOLUME + 132:
        blocks, size = (
            struct.unpack_from("<I", content, _VOLUME + 80)[0],
            struct.unpack_from("<H", content, _VOLUME + 128)[0],
        )
        declared = blocks * size
    if declared > len(content):
        raise Damaged(f"it says that it has {declared:,} bytes and has {len(content):,}")


def _told(e: Any) -> Damaged:
    said = str(e.msg or "libarchive cannot read it")
    if any(word in said for word in _LOCKED):
        return Unread("encrypted", said)
    if any(word in said for word in _UNREAD):
        return Unread("unsupported", said)
    return Damaged(said)
