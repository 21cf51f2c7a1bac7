"""A Zeek log as a source of a collector: what was read and sealed is not read a second time while the log grows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from collectors.network.zeek import LogReader
from collectors.network.zeek_files import Log, blocks, log_origin
from collectors.source import NotYet, Piece
from fengsui import __version__
from fengsui.batch import Identity
from fengsui.errors import BadInput
from fengsui.progress import Progress, silent

TAIL = 1024  # bytes before the end of what was read that must still be there when it has grown


class LogSource:
    """A Zeek log; it may grow, be rotated and be compressed.

    One object may be read again and again: it goes on where it ended, as long as the file is the same one and only
    grew. A file that took its place while it was read is noticed, and nothing of it is given out under this origin.
    ``final`` False leaves a last line without its end for later.
    """

    kind = "zeek"
    resumes = True

    def __init__(self, log: Log, progress: Progress = silent, *, final: bool = True) -> None:
        self.log, self.place, self.final = log, str(log.path), final
        self._progress = progress
        self._file = (0, 0)
        self._forget()

    def _forget(self) -> None:
        self._origin, self._seal = "", Seal(self.log.path)
        self._verdicts: dict[tuple[int, str], bool] = {}
        self.rest()

    def rest(self) -> None:
        """Let go of what reading on needs (about a megabyte); the next reading passes over what was read."""
        self._reader: LogReader | None = None
        self._given = 0

    def move(self, log: Log) -> None:
        """The same file under another name."""
        self.log, self.place = log, str(log.path)
        self._seal.path = log.path
        if self._reader is not None:
            self._reader.path = log.path

    def origin(self) -> str:
        with _readable(self.place):
            if self._file_now() != self._file or not self._seal.still():
                self._forget()
                self._file = self._file_now()
            self._origin = self._origin or log_origin(self.log.path)
        return self._origin

    def _file_now(self) -> tuple[int, int]:
        stat = self.log.path.stat()
        return stat.st_dev, stat.st_ino

    def _replaced(self) -> bool:
        """Whether the name means another file now: what was just read may be of that one."""
        try:
            same = self._file_now() == self._file
        except FileNotFoundError:
            same = False
        if not same:
            self._forget()
        return not same

    def digest(self) -> str:
        return f"zeek {__version__}"

    def continues(self, position: int, seal: str) -> bool:
        if position and (position, seal) not in self._verdicts:
            with _readable(self.place):
                found = self._sealed(position)
            if self._replaced():
                return True  # nothing will be read of it
            if not found and not self.final:
                raise NotYet  # perhaps a copy of what was read, still being written
            self._verdicts[position, seal] = found == seal
        return not position or self._verdicts[position, seal]

    def _sealed(self, position: int) -> str:
        """Digest of all before ``position``; goes on from the last one if that is not behind it."""
        if self._seal.done > position:
            self._seal = Seal(self.log.path)
        return self._seal.upto(position)

    def pieces(self, identity: Identity, position: int | None) -> Iterator[Piece]:
        try:
            with _readable(self.place):
                yield from self._pieces(replace(identity, source=self.kind), position or 0)
        except BadInput:
            if not self._replaced():
                raise
        finally:
            self._seal.pause()

    def _pieces(self, identity: Identity, position: int) -> Iterator[Piece]:
        if self._replaced():
            return
        reader, self._reader = self._reader, None
        if reader is None or reader.identity != identity or self._given != position:
            reader = LogReader(self.log.path, identity, start=position)
            self._given = position
        for chunk in reader.read(final=self.final):
            seal = self._sealed(chunk.end)
            if self._replaced():
                return
            self._given = chunk.end
            self._progress(chunk.end, self._size(), "bytes")
            yield Piece((chunk.batch,), tuple(chunk.bad), chunk.end, seal)
        self._reader = reader

    def _size(self) -> int:
        """Uncompressed bytes, or 0 if that is not known."""
        return 0 if is_compressed(self.log.path) else self.log.path.stat().st_size


def is_compressed(path: Path) -> bool:
    return path.suffix in (".gz", ".zst")


@contextmanager
def _readable(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise BadInput(f"cannot be read: {e.strerror}", place) from e


class Seal:
    """A digest of the beginning of a log, uncompressed, that goes on when the log has grown."""

    def __init__(self, path: Path) -> None:
        self.path, self.done = path, 0
        self._hash = hashlib.blake2b(digest_size=16)
        self._tail = b""
        self._blocks: Iterator[bytes] = iter(())
        self._rest = b""

    def upto(self, position: int) -> str:
        """Digest of the bytes before ``position``, which never goes back; empty if there are not so many."""
        while self.done < position:
            block = self._rest or self._next()
            if not block:
                return ""
            part, self._rest = block[: position - self.done], block[position - self.done :]
            self._hash.update(part)
            self.done += len(part)
            self._tail = (self._tail + part[-TAIL:])[-TAIL:]
        return self._hash.hexdigest()

    def _next(self) -> bytes:
        block = next(self._blocks, b"")
        if not block:  # the first call, or the end of what there was then
            self._blocks = blocks(self.path, self.done)
            block = next(self._blocks, b"")
        return block

    def pause(self) -> None:
        """Close the file until it is needed again."""
        self._blocks, self._rest = iter(()), b""

    def still(self) -> bool:
        """Whether what was read last is still where it was: no, if the log was cut short and written anew."""
        if not self._tail or is_compressed(self.path):
            return True
        with self.path.open("rb") as f:
            f.seek(self.done - len(self._tail))
            return f.read(len(self._tail)) == self._tail
