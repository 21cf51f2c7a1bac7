"""Reads captures: pcap and pcapng, either byte order, plain or gzipped, in chunks of a fixed size.

The bytes go into one buffer; the record walk, compiled, gives the place of every packet in it. Nothing here looks
inside a packet.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from collectors.network import walk
from fengsui.errors import BadInput

GZIP = b"\x1f\x8b"
PCAP_HEADER = 24
READ = 1 << 20
UNPACK = 1 << 16
SPARE = 64  # bytes after the chunk that compiled code may read past a packet


@dataclass(frozen=True)
class Format:
    """What the first bytes of a capture say. ``unit``: a record's fraction of a second in nanoseconds (pcap)."""

    name: str
    swapped: bool = False
    unit: int = 1000
    link: int = 0
    record: int = 16


MAGIC = {
    b"\xd4\xc3\xb2\xa1": (False, 1000, 16),
    b"\xa1\xb2\xc3\xd4": (True, 1000, 16),
    b"\x4d\x3c\xb2\xa1": (False, 1, 16),
    b"\xa1\xb2\x3c\x4d": (True, 1, 16),
    b"\x34\xcd\xb2\xa1": (False, 1000, 24),  # the "modified" format of old Linux patches
    b"\xa1\xb2\xcd\x34": (True, 1000, 24),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"


def recognise(head: bytes, place: str) -> Format:
    """The format by its first 24 bytes; raises BadInput if it is no capture."""
    if not head:
        raise BadInput("an empty file, not a capture", place, 0)
    if head[:4] == PCAPNG:
        return Format("pcapng")
    known = MAGIC.get(head[:4])
    if known is None:
        raise BadInput(f"not a capture: it begins with {head[:4].hex(' ')}", place, 0, head)
    if len(head) < PCAP_HEADER:
        raise BadInput("the capture ends inside its header", place, len(head), head)
    swapped, unit, record = known
    link = int.from_bytes(head[20:24], "big" if swapped else "little") & 0xFFFF
    return Format("pcap", swapped, unit, link, record)


class Gunzip:
    """Gzip members unpacked one after the other. Unlike the standard library's, it gives all bytes before a fault."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._left = raw, b""
        self._unpack = zlib.decompressobj(31)

    def readinto(self, view: memoryview) -> int:
        """Fill some of ``view``; 0 at the end. Raises EOFError or zlib.error if the file is cut off or damaged."""
        while True:
            if self._unpack.eof:
                rest = self._unpack.unused_data or self._raw.read(UNPACK)
                if not rest.strip(b"\0"):
                    return 0
                self._unpack, self._left = zlib.decompressobj(31), rest
            packed = self._left or self._raw.read(UNPACK)
            if not packed:
                raise EOFError("the compressed file is cut off")
            out = self._unpack.decompress(packed, len(view))
            self._left = self._unpack.unconsumed_tail
            if out:
                view[: len(out)] = out
                return len(out)


class Capture:
    """One capture being read: :meth:`read` and :meth:`fill` bring bytes into ``buffer``, :meth:`packets` walks them.

    ``buffer`` (chunk + annex + SPARE,) uint8: ``[0, end)`` are bytes of the capture, of which ``[0, at)`` were walked;
    the ``annex`` bytes after ``chunk`` are the decoder's own. After ``fill`` earlier places in the buffer are void.
    """

    def __init__(self, path: Path, chunk: int, annex: int = 0) -> None:
        self.place = path.name
        self.chunk = chunk
        self.buffer: NDArray[np.uint8] = np.zeros(chunk + annex + SPARE, np.uint8)
        self.size = path.stat().st_size
        self._raw = path.open("rb")  # may be a pipe: nothing here seeks
        zipped = self._raw.peek(2)[:2] == GZIP
        self._file: Gunzip | IO[bytes] = Gunzip(self._raw) if zipped else self._raw
        self.at = self.end = self.base = 0  # base: offset in the (unpacked) capture of buffer[0]
        self.ended = False
        self.fault: BadInput | None = None
        self._state = np.zeros(walk.STATE, np.int64)
        self._links = np.zeros((walk.MAX_INTERFACES, 3), np.int64)
        try:
            self.read()
            self.format = recognise(self.buffer[: min(self.end, PCAP_HEADER)].tobytes(), self.place)
        except BaseException:
            self.close()
            raise
        if self.format.name == "pcap":
            self.at = PCAP_HEADER

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._raw.close()

    @property
    def done(self) -> int:
        """Bytes of the file read so far, for progress."""
        return self._raw.tell() if self._raw.seekable() else self.base + self.end

    def read(self) -> bool:
        """Read on behind ``end``: not much, so that it is still in the cache when it is walked. False if it is full
        or the capture is over."""
        if self.end == self.chunk or self.ended:
            return False
        view = self.buffer[: min(self.chunk, self.end + READ)].data
        while self.end < len(view) and not self.ended:
            try:
                n = self._file.readinto(view[self.end :])  # type: ignore[union-attr]
            except (EOFError, zlib.error, OSError) as e:
                self.fault = BadInput(f"cannot be unpacked further: {e}", self.place, self.base + self.end)
                n = 0
            if not n:
                self.ended = True
            self.end += n
        return True

    def fill(self) -> bool:
        """Move what is left to the front and read on; False if nothing is left to walk."""
        rest = self.end - self.at
        if self.ended and not rest:
            return False
        if rest == self.chunk:
            self.fault = BadInput(f"a record is longer than {self.chunk} bytes", self.place, self.base + self.at)
            return False
        self.buffer[:rest] = self.buffer[self.at : self.end].copy()
        self.base += self.at
        self.at, self.end = 0, rest
        self.read()
        return self.end > 0

    def packets(self, out: NDArray[np.int64]) -> int:
        """Walk on: fill ``out`` (n, 5) with offset, captured, wire size, microseconds and link type of packets.

        Returns how many; fewer than ``len(out)`` means: :meth:`read`, and if that gives nothing, :meth:`fill`.
        """
        if self.fault is not None and not self.ended:
            return 0
        f = self.format
        s = self._state
        if f.name == "pcap":
            n = walk.pcap(self.buffer, self.at, self.end, f.swapped, f.unit, f.link, f.record, out, s)
        else:
            n = walk.pcapng(self.buffer, self.at, self.end, self._links, out, s)
        self.at = int(s[walk.AT])
        status = int(s[walk.STATUS])
        if status == walk.BAD:
            self.fault = BadInput(walk.REASONS[int(s[walk.REASON])], self.place, self.base + self.at,
                                  self.buffer[self.at : min(self.end, self.at + 64)].tobytes())  # fmt: skip
            self.at, self.end, self.ended = 0, 0, True
        elif n < len(out) and self.ended and self.at < self.end:
            self.fault = self.fault or BadInput(f"cut off: {self.end - self.at} bytes of an unfinished record",
                                                self.place, self.base + self.at)  # fmt: skip
            self.at = self.end
        return int(n)

