"""Captures and Zeek logs as sources of a collector, and how a path becomes sources."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

from collectors.network.logs import LogSource
from collectors.network.version import VERSION
from collectors.network.zeek import find_logs, is_zeek_folder
from collectors.network.zeek_files import recognise
from collectors.source import Piece, Source
from fengsui import __version__
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.config import Settings
from fengsui.errors import BadInput, Retry, Stopped, UsageError
from fengsui.progress import Progress, silent

_READ = 1 << 20
_HEADS = (4096, 1024, 256, 64)  # bytes; a pcap's first 64 hold the time of its first packet


class CaptureSource:
    """A pcap or pcapng file. Its origin is the SHA-256 of its content, so it must not grow any more."""

    kind = "pcap"
    resumes = False

    def __init__(self, path: Path, settings: Settings, blobs: Blobs, progress: Progress = silent) -> None:
        self.path, self.place = path, str(path)
        self._settings, self._blobs, self._progress = settings, blobs, progress
        self.size = 0
        self.heads: list[str] = []

    def origin(self) -> str:
        try:
            before = _seen(self.path)
            self.size = before[0]
            self.heads = [self._digest(n) for n in _HEADS if n <= self.size]
            digest = self._digest(self.size)
            if _seen(self.path) != before:
                raise BadInput("it is still being written", self.place)
        except OSError as e:
            raise BadInput(f"cannot be read: {e.strerror}", self.place) from e
        return digest

    def began_as(self, size: int, origin: str) -> bool:
        return size < self.size and self._digest(size) == origin

    def _digest(self, size: int) -> str:
        """SHA-256 of the first ``size`` bytes."""
        digest, left = hashlib.sha256(), size
        with self.path.open("rb") as f:
            while left and (part := f.read(min(left, _READ))):
                digest.update(part)
                left -= len(part)
                self._progress(0, self.size, "bytes")
        return digest.hexdigest()

    def digest(self) -> str:
        s = self._settings
        return f"capture {__version__} {VERSION} {s.decoder_memory} {s.file_limit}"

    def continues(self, position: int, seal: str) -> bool:
        return True  # the origin is the content

    def pieces(self, identity: Identity, position: int | None) -> Iterator[Piece]:
        from collectors.network.decode import DecodeSettings, decode_capture

        decoder = DecodeSettings(memory=self._settings.decoder_memory)
        try:
            for batch in decode_capture(self.path, identity, decoder, keep=self._keep, progress=self._progress):
                yield Piece((batch,))
        except BadInput as e:
            raise BadInput(e.reason, self.place, e.at, e.raw) from e  # with its folder: many captures have one name
        except OSError as e:
            raise BadInput(f"cannot be read: {e.strerror}", self.place) from e

    def _keep(self, sha256: str, content: bytes) -> bool:
        if len(content) > self._settings.file_limit:
            return False
        try:
            self._blobs.put(sha256, content)
        except OSError as e:
            if e.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise Stopped(f"a carved file cannot be kept: {e}") from e
            raise Retry(f"{e.filename or 'blobs'}: no space left on the disk; free some and it goes on") from e
        return True


def _seen(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def sources_of(path: Path, settings: Settings, blobs: Blobs, progress: Progress = silent) -> list[Source]:
    """What can be read at ``path``: a capture, a Zeek log, a folder of either (deep). Raises UsageError if nothing."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if path.is_file():
        return [_file(path, settings, blobs, progress)]
    found: list[Source] = [LogSource(log, progress) for log in find_logs(path)] if is_zeek_folder(path) else []
    found += [CaptureSource(f, settings, blobs, progress) for f in sorted(path.rglob("*")) if _is_capture(f)]
    if not found:
        raise UsageError(f"{path}: no capture (.pcap, .pcapng, .cap, .trace) and no Zeek log (conn, dns, http, ssl, "
                         "files; .log or .log.gz) in this folder or below")  # fmt: skip
    return found


CAPTURES = (".pcap", ".pcapng", ".cap", ".trace", ".pcap.gz", ".pcapng.gz", ".dmp")
_MAGIC = {bytes.fromhex(m) for m in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a", "34cdb2a1",
                                     "a1b2cd34")}  # fmt: skip


def _is_capture(path: Path) -> bool:
    return path.is_file() and path.name.endswith(CAPTURES)


def has_magic(path: Path) -> bool:
    """Whether a file begins as a capture does."""
    with path.open("rb") as f:
        return f.read(4) in _MAGIC


def _file(path: Path, settings: Settings, blobs: Blobs, progress: Progress) -> Source:
    if has_magic(path) or path.name.endswith(CAPTURES):
        return CaptureSource(path, settings, blobs, progress)
    try:
        log = recognise(path)
    except BadInput:
        log = None
    if log is None:
        raise UsageError(f"{path}: neither a capture (pcap, pcapng) nor a Zeek log (conn, dns, http, ssl, files)")
    return LogSource(log, progress)
