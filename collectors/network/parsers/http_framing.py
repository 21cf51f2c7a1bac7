"""Where messages of one direction begin and end. Knows nothing of rows: it calls a :class:`Sink`.

HTTP/1.x as senders really write it: bare LF, folded lines, lengths with leading zeros, several codings, cruft.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Protocol

MAX_HEAD = 1 << 16
MAX_CHUNK_LINE = 1 << 12
BLANKS = 64  # of an empty line that may have been searched in part
NEWLINE = 10

_HEAD_END = re.compile(rb"\n[ \t\r]*\n")  # an empty line, or one of blanks
_REST_END = re.compile(rb"(?:^|\n)\r?\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CHUNK_SIZE = re.compile(rb"[ \t]*(?:0x)?([0-9a-f]{1,15})", re.I)


class Frame(Enum):
    """How the body of a message is delimited."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()
    STOP = auto()  # nothing more of this side is understood


class Sink(Protocol):
    def head(self, orig: bool, lines: list[bytes], ts: int, complete: bool) -> tuple[Frame, int]:
        """A message begins; returns how its body is delimited, and its length."""
        ...

    def body(self, orig: bool, data: bytes) -> None: ...

    def lost(self, orig: bool) -> None:
        """A part of the body is missing."""
        ...

    def end(self, orig: bool, ts: int, complete: bool) -> None: ...

    def begins(self, orig: bool, data: bytes, at: int) -> int:
        """Where in ``data[at:]`` a head begins or may; -1 if nowhere: ``head`` is called with the first line alone."""
        ...

    def resumes(self, orig: bool, data: bytes) -> bool:
        """After bytes were lost: does a message surely begin here?"""
        ...


class _State(Enum):
    HEAD = auto()
    REST = auto()  # of a head of which the first lines were taken early
    LENGTH = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    CLOSE = auto()
    LOST = auto()
    STOP = auto()


class Framing:
    """One direction. Keeps at most ``MAX_HEAD`` bytes."""

    def __init__(self, orig: bool, sink: Sink) -> None:
        self._orig = orig
        self._sink = sink
        self._state = _State.HEAD
        self._buffer = b""
        self._left = 0
        self._frame = Frame.NONE
        self._start = 0  # time at which the head began
        self._searched = 0  # bytes of the head in which its end is not

    @property
    def stopped(self) -> bool:
        return self._state is _State.STOP

    @property
    def in_body(self) -> bool:
        return self._state not in (_State.HEAD, _State.STOP, _State.LOST)

    def stop(self) -> None:
        self._state = _State.STOP
        self._buffer = b""

    def feed(self, data: bytes, ts: int) -> None:
        if self._state is _State.STOP:
            return
        if self._state is _State.LOST:
            if not self._sink.resumes(self._orig, data):
                return
            self._state = _State.HEAD
        if not self._buffer:
            self._start, self._searched = ts, 0
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        at = 0
        while 0 <= at < len(data):
            at, before = getattr(self, _STEPS[self._state])(data, at, ts), at
            if at < 0:
                self._buffer = data[before:] if before else data

    def gap(self, size: int, ts: int) -> None:
        """``size`` bytes are missing."""
        if self._state in (_State.STOP, _State.LOST):
            return
        if self._state is _State.CLOSE:
            self._sink.lost(self._orig)
        elif self._state in (_State.LENGTH, _State.CHUNK) and size <= self._left:
            self._sink.lost(self._orig)
            self._left -= size
            self._after(ts)
        else:
            if self.in_body:
                self._sink.lost(self._orig)
                self._sink.end(self._orig, ts, False)
            else:
                self.take_partial(ts)
            self._state = _State.LOST
            self._buffer = b""

    def close(self, ts: int) -> None:
        """No more bytes: a body until the close is complete, others are not."""
        if self._state is _State.HEAD:
            self.take_partial(ts)
        if self._state is _State.CHUNK_SIZE and self._buffer:
            self._sink.body(self._orig, self._buffer)
        if self.in_body:
            if self._state not in (_State.CLOSE, _State.TRAILER):
                self._sink.lost(self._orig)
            self._sink.end(self._orig, ts, True)
        self.stop()

    def take_partial(self, ts: int) -> None:
        """Take the complete lines of an unfinished head as the head; what follows up to the empty line is skipped."""
        if self._state is not _State.HEAD or not self._buffer:
            return
        lines = _lines(self._buffer.lstrip(b"\r\n"))
        lines, self._buffer = lines[:-1] or lines, b""
        if lines:
            self._begin(lines, ts, False)
            if self._state not in (_State.STOP, _State.HEAD):
                self._state = _State.REST

    # Each step takes what begins ``data[at:]``; it returns where the rest begins, or -1 if more bytes are needed.

    def _head(self, data: bytes, at: int, ts: int) -> int:
        while at < len(data) and data[at] in b"\r\n":
            at += 1
        if at == len(data):
            return at
        begins = self._sink.begins(self._orig, data, at)
        if begins < 0:
            self._begin(_lines(data[at : at + MAX_HEAD])[:1], ts, False)
            return at if self._state is not _State.STOP else len(data)
        found = _HEAD_END.search(data, max(begins, self._searched))
        if found is None:
            self._searched = max(0, len(data) - at - BLANKS)
            if len(data) - at <= MAX_HEAD:
                return -1
            self.stop()
            return len(data)
        self._searched = 0
        lines, start = _lines(data[begins : found.start()]), self._start or ts
        self._start = ts
        self._begin(lines, start, True)
        return len(data) if self._state is _State.STOP else found.end()

    def _begin(self, lines: list[bytes], ts: int, complete: bool) -> None:
        self._frame, self._left = self._sink.head(self._orig, lines, ts, complete)
        if self._frame is Frame.STOP:
            self.stop()
        elif self._frame is Frame.CHUNKED:
            self._state = _State.CHUNK_SIZE
        elif self._frame is Frame.CLOSE:
            self._state = _State.CLOSE
        else:
            self._state = _State.LENGTH
            self._after(ts)

    def _after(self, ts: int) -> None:
        """A counted part may be complete."""
        if self._left > 0:
            return
        if self._state is _State.CHUNK:
            self._state = _State.CHUNK_END
        elif self._state is _State.LENGTH:
            self._state = _State.HEAD
            self._sink.end(self._orig, ts, True)

    def _rest(self, data: bytes, at: int, ts: int) -> int:
        found = _REST_END.search(data, at)
        if found is None:
            return len(data) - 2 if len(data) - at > MAX_HEAD else -1
        self._state = {Frame.CHUNKED: _State.CHUNK_SIZE, Frame.CLOSE: _State.CLOSE}.get(self._frame, _State.LENGTH)
        self._after(ts)
        return found.end()

    def _counted(self, data: bytes, at: int, ts: int) -> int:
        part = data[at : at + self._left]
        self._sink.body(self._orig, part)
        self._left -= len(part)
        self._after(ts)
        return at + len(part)

    def _until_close(self, data: bytes, at: int, ts: int) -> int:
        self._sink.body(self._orig, data[at:])
        return len(data)

    def _chunk_size(self, data: bytes, at: int, ts: int) -> int:
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else at + MAX_CHUNK_LINE + 1]
        size = _CHUNK_SIZE.match(line)
        if (size is None and line.strip()) or len(line) > MAX_CHUNK_LINE:  # not chunked after all
            self._state = _State.CLOSE
            return at
        if end < 0:
            return -1
        if size is not None:
            self._left = int(size[1], 16)
            self._state = _State.CHUNK if self._left else _State.TRAILER
        return end + 1

    def _chunk_end(self, data: bytes, at: int, ts: int) -> int:
        if data[at:] == b"\r":
            return -1
        self._state = _State.CHUNK_SIZE
        return at + 2 if data.startswith(b"\r\n", at) else at + (data[at] == NEWLINE)

    def _trailer(self, data: bytes, at: int, ts: int) -> int:
        end = data.find(b"\n", at)
        if end < 0:
            if len(data) - at <= MAX_HEAD:
                return -1
            self._state, end = _State.LOST, len(data)
        if not data[at:end].strip(b"\r"):
            self._state = _State.HEAD
            self._start = ts
        if self._state is not _State.TRAILER:
            self._sink.end(self._orig, ts, True)
        return end + 1

    def _none(self, data: bytes, at: int, ts: int) -> int:
        return len(data)


_STEPS = {
    _State.HEAD: "_head", _State.REST: "_rest", _State.LENGTH: "_counted", _State.CHUNK: "_counted",
    _State.CHUNK_SIZE: "_chunk_size", _State.CHUNK_END: "_chunk_end", _State.TRAILER: "_trailer",
    _State.CLOSE: "_until_close", _State.LOST: "_none", _State.STOP: "_none",
}  # fmt: skip


def _lines(block: bytes) -> list[bytes]:
    """Lines, also where only CR ends them. What was folded behind the first line belongs to it."""
    lines = _LINE_END.split(block)
    folded = 1
    while folded < len(lines) and lines[folded][:1] in (b" ", b"\t"):
        folded += 1
    return [b"".join(lines[:folded]), *lines[folded:]]
