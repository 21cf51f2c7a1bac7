"""Decompressors that give little at a time, so that a bomb is cut off where a limit lies and not where it ends."""

from __future__ import annotations

import bz2
import lzma
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import zstandard

CHUNK = 1 << 18
"""Bytes that a decompressor gives at a time at most: a limit is passed by no more."""
TAKE = 1 << 15
"""Bytes fed at a time."""
WINDOW = 1 << 27
"""Largest window of zstd (128 MB), and memory of xz: what a header asks for is not granted."""
XZ_MEMORY = 1 << 28


class Damaged(Exception):
    """The content breaks its format. What was read before it is good. ``limit`` is what that is called."""

    limit = "damaged"


class Unread(Damaged):
    """The content may be whole, and is not read: ``limit`` says why (unsupported, encrypted)."""

    def __init__(self, limit: str, detail: str) -> None:
        super().__init__(detail)
        self.limit = limit


class Stream(ABC):
    """What a compressed buffer holds, part by part; ``taken`` bytes were read for it, ``rest`` lie behind it."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self.taken = 0

    @abstractmethod
    def parts(self) -> Iterator[bytes]: ...

    @property
    def rest(self) -> memoryview:
        return self._content[self.taken :]


class Deflate(Stream):
    """``wbits`` as of zlib: -15 raw, 31 gzip. Members of gzip that follow each other are one stream."""

    def __init__(self, content: memoryview, wbits: int) -> None:
        super().__init__(content)
        self._wbits = wbits

    def parts(self) -> Iterator[bytes]:
        many = self._wbits == 31
        while True:
            yield from self._one()
            if not (many and bytes(self.rest[:2]) == b"\x1f\x8b"):
                return

    def _one(self) -> Iterator[bytes]:
        d = zlib.decompressobj(self._wbits)
        while not d.eof:
            fed = self._content[self.taken : self.taken + TAKE]
            try:
                out = d.decompress(fed, CHUNK)
            except zlib.error as e:
                raise Damaged(str(e)) from e
            self.taken += len(fed) - len(d.unconsumed_tail) - len(d.unused_data)
            if out:
                yield out
            elif not len(fed):
                raise Damaged("the compressed data ends too early")


class Bits(Stream):
    """bzip2, xz and lzma: streams that follow each other are one."""

    def __init__(self, content: memoryview, kind: str, filters: Any = None) -> None:
        super().__init__(content)
        self._kind, self._filters = kind, filters

    def _decoder(self) -> Any:
        if self._kind == "bzip2":
            return bz2.BZ2Decompressor()
        if self._filters is not None:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=self._filters)
        shape = lzma.FORMAT_XZ if self._kind == "xz" else lzma.FORMAT_ALONE
        return lzma.LZMADecompressor(shape, memlimit=XZ_MEMORY)

    def parts(self) -> Iterator[bytes]:
        magic = {"bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}.get(self._kind)
        while True:
            yield from self._one()
            if magic is None or bytes(self.rest[: len(magic)]) != magic:
                return

    def _one(self) -> Iterator[bytes]:
        d = self._decoder()
        while not d.eof:
            fed = b""
            if d.needs_input:
                fed = bytes(self._content[self.taken : self.taken + TAKE])
                if not fed:
                    if self._filters is not None:
                        return  # a raw stream need not say where it ends
                    raise Damaged("the compressed data ends too early")
                self.taken += len(fed)
            try:
                out = d.decompress(fed, CHUNK)
            except (OSError, lzma.LZMAError, EOFError, ValueError) as e:
                raise Damaged(str(e)) from e
            if out:
                yield out
        self.taken -= len(d.unused_data)


class Zstd(Stream):
    def parts(self) -> Iterator[bytes]:
        d = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        with d.stream_reader(self._content, read_across_frames=True, read_size=TAKE) as reader:
            while True:
                try:
                    out = reader.read(CHUNK)
                except zstandard.ZstdError as e:
                    raise Damaged(str(e)) from e
                self.taken = min(len(self._content), self.taken + TAKE) if out else len(self._content)
                if not out:
                    return
                yield out


class Stored(Stream):
    """Bytes as they stand."""

    def parts(self) -> Iterator[bytes]:
        while self.taken < len(self._content):
            part = bytes(self._content[self.taken : self.taken + CHUNK])
            self.taken += len(part)
            yield part


def stream(content: memoryview, kind: str) -> Stream:
    """The stream in ``content`` of a format that ``formats`` calls gzip, bzip2, xz, lzma or zstd."""
    if kind == "gzip":
        return Deflate(content, 31)
    return Zstd(content) if kind == "zstd" else Bits(content, kind)
