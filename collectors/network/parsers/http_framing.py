"""Where messages of one direction begin and end. Knows nothing of rows: it calls a :class:`Sink`.

HTTP/1.x as senders really write it: bare LF, folded lines, lengths with leading zeros, several codings, cruft.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Protocol

MAX_HEAD = 1 << 16
MAX_CHUNK_LINE = 1 << 12

_HEAD_END = re.compile(rb"\n[ \t\r]*\n")  # an empty line, or one of blanks
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

    def begins(self, orig: bool, data: bytes) -> int:
        """Where in ``data`` a head begins or may begin; -1 if nowhere: ``head`` is called with the first line alone."""
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
        if self._state is _State.HEAD and not self._buffer:
            self._start = ts
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        while data:
            rest = self._step(data, ts)
            if rest is None:
                self._buffer = data
                break
            data = rest

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

    def _step(self, data: bytes, ts: int) -> bytes | None:
        """Take what begins ``data``; returns the rest, or None if more bytes are needed."""
        return getattr(self, _STEPS[self._state])(data, ts)  # type: ignore[no-any-return]

    def _head(self, data: bytes, ts: int) -> bytes | None:
        data = data.lstrip(b"\r\n")
        if not data:
            return b""
        begins = self._sink.begins(self._orig, data)
        if begins < 0:
            self._begin(_lines(data[:MAX_HEAD])[:1], ts, False)
            return data if self._state is not _State.STOP else b""
        data = data[begins:]
        found = _HEAD_END.search(data)
        if found is None:
            if len(data) <= MAX_HEAD:
                return None
            self.stop()
            return b""
        lines, self._start = _lines(data[: found.start()]), self._start or ts
        self._begin(lines, self._start, True)
        self._start = ts
        return b"" if self._state is _State.STOP else data[found.end() :]

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

    def _rest(self, data: bytes, ts: int) -> bytes | None:
        found = re.search(rb"(?:^|\n)\r?\n", data)
        if found is None:
            return data[-2:] if len(data) > MAX_HEAD else None
        self._state = {Frame.CHUNKED: _State.CHUNK_SIZE, Frame.CLOSE: _State.CLOSE}.get(self._frame, _State.LENGTH)
        self._after(ts)
        return data[found.end() :]

    def _counted(self, data: bytes, ts: int) -> bytes | None:
        part = data[: self._left]
        self._sink.body(self._orig, part)
        self._left -= len(part)
        self._after(ts)
        return data[len(part) :]

    def _until_close(self, data: bytes, ts: int) -> bytes | None:
        self._sink.body(self._orig, data)
        return b""

    def _chunk_size(self, data: bytes, ts: int) -> bytes | None:
        line, newline, rest = data.partition(b"\n")
        size = _CHUNK_SIZE.match(line)
        if (size is None and line.strip()) or len(line) > MAX_CHUNK_LINE:  # not chunked after all
            self._state = _State.CLOSE
            return data
        if not newline:
            return None
        if size is None:
            return rest
        self._left = int(size[1], 16)
        self._state = _State.CHUNK if self._left else _State.TRAILER
        return rest

    def _chunk_end(self, data: bytes, ts: int) -> bytes | None:
        if data[:1] == b"\r" and len(data) == 1:
            return None
        self._state = _State.CHUNK_SIZE
        return data[2:] if data[:2] == b"\r\n" else data[1:] if data[:1] == b"\n" else data

    def _trailer(self, data: bytes, ts: int) -> bytes | None:
        line, newline, rest = data.partition(b"\n")
        if not newline:
            if len(data) <= MAX_HEAD:
                return None
            self._state = _State.LOST
        if not line.strip(b"\r"):
            self._state = _State.HEAD
            self._start = ts
        if self._state is not _State.TRAILER:
            self._sink.end(self._orig, ts, True)
        return rest

    def _none(self, data: bytes, ts: int) -> bytes | None:
        return b""


_STEPS = {
    _State.HEAD: "_head", _State.REST: "_rest", _State.LENGTH: "_counted", _State.CHUNK: "_counted",
    _State.CHUNK_SIZE: "_chunk_size", _State.CHUNK_END: "_chunk_end", _State.TRAILER: "_trailer",
    _State.CLOSE: "_until_close", _State.LOST: "_none", _State.STOP: "_none",
}  # fmt: skip


def _lines(block: bytes) -> list[bytes]:
    """Lines, also where only CR ends them. What was folded behind the first line belongs to it."""
    lines = _LINE_END.split(block)
    while len(lines) > 1 and lines[1][:1] in (b" ", b"\t"):
        lines[0] += lines.pop(1)
    return lines
