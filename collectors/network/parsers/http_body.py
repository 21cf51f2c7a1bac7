"""The body of a message: decoded within bounds, hashed, typed by content, and carved."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from collectors.network.parsers.mime import SNIFF

KEEP_BYTES = 8_000_000  # of one file; a longer one is hashed but not kept
KEEP_ALL = 256_000_000  # of all open files of one decoder
FREE_DECODED = 8_000_000  # what any body may decode to; beyond that, RATIO bytes for each byte sent, then it is cut
RATIO = 64
STEP = 1 << 16
MAX_CODINGS = 3

GZIP = b"\x1f\x8b"
HEADER_CRC, EXTRA, NAME, COMMENT = 2, 4, 8, 16
TRAILER = 8
SURE = 64  # bytes that tell compressed from plain
MAX_HEADER = 4096


@dataclass
class Budget:
    """Bytes of memory that open files of one decoder may still take."""

    left: int = KEEP_ALL

    def take(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


class Inflater:
    """Undoes gzip or deflate as browsers do: by what the data is, whatever it is called, and without its checksums.

    What is not compressed passes as it is; what breaks off gives what came before.
    """

    def __init__(self) -> None:
        self._start = b""
        self._engine: zlib._Decompress | None = None
        self._gzip = False
        self._skip = 0  # bytes of a trailer
        self._plain = False
        self._over = False
        self.cut = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode ``data`` to at most ``room`` bytes; what would give more is not decoded further."""
        if self._plain:
            return data
        out = b""
        while data and not self._over:
            if self._skip:
                dropped = min(self._skip, len(data))
                self._skip -= dropped
                data = data[dropped:]
            elif self._engine is None:
                data = self._begin(self._start + data)
                if self._plain:
                    return out + data
            else:
                piece, data = self._decode(self._engine, data, room - len(out))
                out += piece
        return out

    def finish(self, room: int) -> bytes:
        """What was held back because it was too short to tell."""
        data, self._start = self._start, b""
        if self._engine is not None or self._over or data[:2] == GZIP:
            return b""
        try:
            return zlib.decompressobj(-15).decompress(data, room)
        except zlib.error:
            return data

    def _begin(self, data: bytes) -> bytes:
        """Choose by the first bytes how to decode; returns what follows a header, nothing if more bytes are needed."""
        self._start = b""
        if data[:2] == GZIP:
            at = _gzip_header(data)
            self._gzip = True
        elif self._gzip:
            self._start = data if GZIP.startswith(data) else b""
            self._over = not self._start  # crud behind the last member
            return b""
        elif len(data) < SURE:
            at = 2 if len(data) >= 2 and _is_zlib(data) else 0
        elif _is_zlib(data):
            at = 2
        else:
            try:
                zlib.decompressobj(-15).decompress(data, STEP)
            except zlib.error:
                self._plain = True
                return data
            self._engine = zlib.decompressobj(-15)
            return data
        if at == 0:
            self._start = data
            return b""
        self._engine = zlib.decompressobj(-15)
        return data[at:]

    def _decode(self, engine: zlib._Decompress, data: bytes, room: int) -> tuple[bytes, bytes]:
        """Decode up to ``room`` bytes; returns them, and what follows the end of a member of gzip."""
        out: list[bytes] = []
        while data and room > 0:
            spare = engine.copy()
            try:
                piece = engine.decompress(data, min(room, STEP))
            except zlib.error:
                self._over = True
                out.append(_salvage(spare, data, room))
                break
            out.append(piece)
            room -= len(piece)
            if engine.eof:
                self._engine, self._skip, self._over = None, TRAILER, not self._gzip
                return b"".join(out), engine.unused_data
            data = engine.unconsumed_tail
        if data and not self._over:
            self._over = self.cut = True
        return b"".join(out), b""


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _gzip_header(start: bytes) -> int:
    """Length of the header; 0 if it is not all there. Reserved flags are not minded."""
    if len(start) < 10:
        return 0
    flags, at = start[3], 10
    if flags & EXTRA:
        at += 2 + int.from_bytes(start[10:12], "little")
    for flag in (NAME, COMMENT):
        if flags & flag:
            at = start.find(b"\0", at) + 1
            if at == 0:
                return MAX_HEADER if len(start) > MAX_HEADER else 0
    at += 2 if flags & HEADER_CRC else 0
    return at if at <= len(start) else 0


def _salvage(engine: zlib._Decompress, data: bytes, room: int) -> bytes:
    """Decode up to the fault, byte by byte where it is near."""
    out, step = b"", 256
    while data and len(out) < room:
        spare = engine.copy()
        try:
            out += engine.decompress(data[:step], room - len(out))
            data = data[step:]
        except zlib.error:
            if step == 1:
                break
            engine, step = spare, 1
    return out


_NONE: tuple[hashlib._Hash, ...] = ()


class Body:
    """Takes a body's bytes (already out of their chunks) in order."""

    def __init__(self, budget: Budget, codings: list[str]) -> None:
        self.length = 0
        self.seen = 0
        self.cut = False
        self.head = b""
        self._budget = budget
        self._held = 0
        self._content: bytearray | None = bytearray()
        self._hashes = _NONE
        known = [c for c in codings if c in ("gzip", "x-gzip", "deflate")]
        self._inflaters = [Inflater() for _ in known[:MAX_CODINGS]]

    @property
    def encoded(self) -> bool:
        return bool(self._inflaters)

    def feed(self, data: bytes) -> None:
        self.length += len(data)
        for inflater in self._inflaters:
            data = inflater.feed(data, max(1, FREE_DECODED + RATIO * self.length - self.seen))
            self.cut = self.cut or inflater.cut
        self._take(data)

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self.seen += len(data)
        if not self._hashes:
            self._hashes = (hashlib.sha256(), hashlib.md5(usedforsecurity=False))
        for h in self._hashes:
            h.update(data)
        if len(self.head) < SNIFF:
            self.head += data[: SNIFF - len(self.head)]
        if self._content is None:
            return
        if self.seen <= KEEP_BYTES and self._budget.take(len(data)):
            self._held += len(data)
            self._content += data
        else:
            self._release()

    def _release(self) -> None:
        self._content = None
        self._budget.left += self._held
        self._held = 0

    def finish(self) -> bytes | None:
        """The body is complete: its content, or None if that was too long to keep. Gives its memory back."""
        data = b""
        for inflater in self._inflaters:
            data = inflater.feed(data, FREE_DECODED) + inflater.finish(FREE_DECODED)
        self._take(data)
        content = None if self._content is None else bytes(self._content)
        self._release()
        return content

    def digests(self) -> tuple[str, str]:
        """SHA-256 and MD5 of what was seen; there must be some."""
        sha256, md5 = self._hashes
        return sha256.hexdigest(), md5.hexdigest()
