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
    """Undoes gzip or deflate, as they are sent and not only as they are named. What is no compressed data passes."""

    def __init__(self) -> None:
        self._start = b""
        self._engine: zlib._Decompress | None = None
        self._plain = False
        self._broken = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode ``data`` to at most ``room`` bytes (what is beyond is dropped)."""
        if self._plain:
            return data[:room]
        if self._broken:
            return b""
        if self._engine is None:
            self._start += data
            if len(self._start) < 2:
                return b""
            data, self._start = self._start, b""
            self._engine = self._choose(data)
            if self._engine is None:
                self._plain = True
                return data[:room]
        return self._decode(data, room)

    def finish(self) -> bytes:
        """What was held back because it was too short to tell."""
        return self._start if self._engine is None else b""

    def _choose(self, data: bytes) -> zlib._Decompress | None:
        if data[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31)
        if data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0:
            return zlib.decompressobj(15)
        try:
            zlib.decompressobj(-15).decompress(data[:STEP], STEP)
        except zlib.error:
            return None
        return zlib.decompressobj(-15)

    def _decode(self, data: bytes, room: int) -> bytes:
        out: list[bytes] = []
        while data and room > 0 and self._engine is not None:
            try:
                piece = self._engine.decompress(data, min(room, STEP))
            except zlib.error:
                self._broken = True
                break
            out.append(piece)
            room -= len(piece)
            data = self._engine.unconsumed_tail
            if self._engine.eof:
                data = self._engine.unused_data
                if data[:2] != b"\x1f\x8b":
                    self._broken = True  # crud behind the end
                    break
                self._engine = zlib.decompressobj(31)
            elif not piece and not data:
                break
        return b"".join(out)


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
