"""The body of a message: decoded within bounds, hashed, typed by content, and carved."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from collectors.network.parsers.mime import SNIFF

KEEP_BYTES = 8_000_000  # of one file; a longer one is hashed but not kept
KEEP_ALL = 256_000_000  # of all open files of one decoder
MAX_DECODED = 256_000_000  # after decompression; a longer body is cut there
STEP = 1 << 16
MAX_CODINGS = 3

GZIP = b"\x1f\x8b"
HEADER_CRC, EXTRA, NAME, COMMENT = 2, 4, 8, 16
TRAILER = 8
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
        self._plain = False
        self._over = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode ``data`` to at most ``room`` bytes (what is beyond is dropped)."""
        if self._plain:
            return data[:room]
        out = b""
        while data and not self._over and len(out) < room:
            if self._engine is None:
                self._start += data
                at = self._header()
                if at == 0:
                    return out
                if at < 0:
                    return out + self._unknown(room - len(out))
                data, self._start = self._start[at:], b""
                self._engine = zlib.decompressobj(-15)
                continue
            piece, data = self._decode(self._engine, data, room - len(out))
            out += piece
        return out

    def finish(self) -> bytes:
        """What was held back because it was too short to tell."""
        return self._start if self._engine is None and not self._over and self._start[:2] != GZIP else b""

    def _header(self) -> int:
        """Bytes of the header of gzip or zlib that ``_start`` begins with; 0: more are needed, -1: it has none."""
        start = self._start
        if len(start) < 2:
            return 0
        if start[:2] == GZIP:
            return _gzip_header(start)
        return 2 if start[0] & 0x0F == 8 and (start[0] << 8 | start[1]) % 31 == 0 else -1

    def _unknown(self, room: int) -> bytes:
        """No header: raw deflate, or no compression."""
        data, self._start = self._start, b""
        engine = zlib.decompressobj(-15)
        try:
            out = engine.decompress(data, min(room, STEP))
        except zlib.error:
            self._plain = True
            return data[:room]
        self._engine = engine
        rest, _ = self._decode(engine, engine.unconsumed_tail, room - len(out))
        return out + rest

    def _decode(self, engine: zlib._Decompress, data: bytes, room: int) -> tuple[bytes, bytes]:
        """Decode up to ``room`` bytes; returns them, and what begins another member of gzip."""
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
                self._engine = None
                rest = engine.unused_data[TRAILER:]
                self._over = rest[:2] != GZIP
                return b"".join(out), rest
            data = engine.unconsumed_tail
        return b"".join(out), b""


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
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        known = [c for c in codings if c in ("gzip", "x-gzip", "deflate")]
        self._inflaters = [Inflater() for _ in known[:MAX_CODINGS]]

    @property
    def encoded(self) -> bool:
        return bool(self._inflaters)

    def feed(self, data: bytes) -> None:
        self.length += len(data)
        for inflater in self._inflaters:
            data = inflater.feed(data, MAX_DECODED - self.seen)
        self._take(data)

    def _take(self, data: bytes) -> None:
        if not data:
            return
        if self.seen + len(data) > MAX_DECODED:
            self.cut = True
            data = data[: MAX_DECODED - self.seen]
        self.seen += len(data)
        self._sha256.update(data)
        self._md5.update(data)
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
        if len(self._inflaters) == 1:
            self._take(self._inflaters[0].finish())
        content = None if self._content is None else bytes(self._content)
        self._release()
        return content

    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def md5(self) -> str:
        return self._md5.hexdigest()
