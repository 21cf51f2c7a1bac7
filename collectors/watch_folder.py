"""One watched folder: its files as they were seen, what is ready of them, and what became of what was read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collectors.network.logs import LogSource
from collectors.network.sources import CaptureSource
from collectors.network.zeek_files import HEAD, Log
from collectors.source import Report, Source
from collectors.watch_files import UNENDED, Found, closed, ends_in_a_line, grows, last_line_is_whole, scan, what
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.config import Settings
from fengsui.progress import Progress

log = logging.getLogger("fengsui.watch")

SHOWN = 10  # names of files that are neither capture nor log
REMEMBERED = 3600.0  # seconds that a file which is gone is known, and a fault is shown
AGAIN = 60.0  # seconds before a file that gave nothing but a fault is tried again, if it changed
RESTS = 600.0  # seconds without growth after which a log's state for reading on is let go


@dataclass(frozen=True)
class Watch:
    """A folder and whose it is."""

    folder: Path
    org: str
    network: str
    sensor: str


@dataclass(frozen=True)
class FolderState:
    """What a watched folder is like. ``last_read_at``: microseconds of the last reading that gave rows, or None.

    ``state``: ok, waiting (nothing was read yet), missing, unreadable. ``problem`` in ``en`` and ``zh``. ``files`` are
    the captures and logs that are there; ``rows`` all rows of the origins that were read from it.
    """

    folder: str
    org: str
    network: str
    sensor: str
    state: str
    last_read_at: int | None
    problem: Mapping[str, str] | None
    files: int
    rows: int
    ignored: int
    ignored_names: tuple[str, ...]


@dataclass
class File:
    """A file that was seen. ``since``: when it was first seen as it is; ``read``: as it was when it was last given."""

    found: Found
    since: float
    seen: float
    kind: Log | str = ""
    judged: tuple[tuple[int, int], bool] | None = None  # stamp, and whether it was whole, when ``kind`` was found
    source: LogSource | None = None
    read: tuple[int, int] | None = None
    finished: tuple[int, int] | None = None  # as ``read``, given with an unended last line
    cut: tuple[int, int] | None = None  # as it was when its last line looked cut
    moved: bool = False
    unsure: bool = False  # it may be the copy of a known log that is being written
    failed: tuple[int, float] | None = None  # ctime of a file that could not be read, and when it was tried


@dataclass
class Folder:
    watch: Watch
    settings: Settings
    blobs: Blobs
    progress: Progress
    files: dict[tuple[int, int], File] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # by origin: a rotated log is told of under two names
    gone: OSError | None = None
    below: OSError | None = None
    fault: tuple[float, int, str] | None = None  # when, how many in all, the last one
    read_at: int | None = None
    now: float = 0.0

    @property
    def identity(self) -> Identity:
        return Identity(self.watch.org, self.watch.network, self.watch.sensor)

    def look(self, now: float) -> None:
        """See what is there at ``now``."""
        self.now = now
        problems: list[OSError] = []
        try:
            found = list(scan(str(self.watch.folder), problems))
        except OSError as e:
            self.gone = e
            return
        self.gone, self.below = None, problems[0] if problems else None
        self._see(found, now)

    def logs(self, now: float) -> Iterator[tuple[File, Source]]:
        yield from self._all(now, growing=True)

    def whole(self, now: float) -> Iterator[tuple[File, Source]]:
        """Captures and compressed logs; what is not asked for comes the next time."""
        yield from self._all(now, growing=False)

    def _all(self, now: float, *, growing: bool) -> Iterator[tuple[File, Source]]:
        for file in self.files.values():
            if file.seen != now or grows(file.found.place) is not growing:
                continue
            if (source := self._ready(file, now)) is not None:
                yield file, source

    def _see(self, found: Sequence[Found], now: float) -> None:
        at = {f.place: f.key for f in found}
        for f in found:
            file = self.files.get(f.key)
            if file is None:
                self.files[f.key] = File(f, now, now)
            elif file.found == f:
                file.seen = now
            elif file.seen != now or file.found.place == f.place:  # a second name of a file is left alone
                self._again(file, f, now, moved=at.get(file.found.place) != f.key)
        for key in [k for k, file in self.files.items() if now - file.seen > REMEMBERED]:
            del self.files[key]

    def _again(self, file: File, found: Found, now: float, *, moved: bool) -> None:
        if moved:
            file.moved, file.kind, file.judged = True, "", None
        elif file.seen != now:
            found = found._replace(place=file.found.place)
        if found.stamp != file.found.stamp:
            file.since = now
        file.found, file.seen = found, now

    def _ready(self, file: File, now: float) -> Source | None:
        """The source of a file that is to be read now. A file that failed waits until it changes."""
        empty = file.found.regular and not file.found.size
        if empty or (file.failed and (file.failed[0] == file.found.ctime_ns or now - file.failed[1] < AGAIN)):
            return None
        file.failed = None
        whole = closed(file.found, file.since, now)
        try:
            self._judge(file, whole)
            if isinstance(file.kind, Log) and grows(file.found.place):
                return self._log(file, file.kind, whole, now)
        except OSError as e:
            self._failed(file, f"{file.found.place}: {e.strerror}", now)
            return None
        if file.kind in ("", "other") or not whole or file.read == file.found.stamp:
            return None
        file.read = file.found.stamp
        if isinstance(file.kind, Log):
            return LogSource(file.kind, self.progress)
        return CaptureSource(file.found.path, self.settings, self.blobs, self.progress)

    def _judge(self, file: File, whole: bool) -> None:
        """Find out what a file is, once; one that was nothing while it was short again when it has changed."""
        settled = file.judged is not None and file.judged[0][0] >= HEAD
        if file.judged == (file.found.stamp, whole) or (file.kind and (file.kind != "other" or settled)):
            return
        before, file.kind = file.kind, what(file.found, whole=whole)
        file.judged = file.found.stamp, whole
        if file.kind == "other" != before:
            log.info("%s: neither a capture nor a log that is read; left alone", file.found.place)
        if isinstance(file.kind, Log) and file.source is not None:
            file.source.move(file.kind)

    def _log(self, file: File, kind: Log, whole: bool, now: float) -> LogSource | None:
        """A log is read as it grows; its unended last line once it is closed, moved away or old."""
        stamp, source = file.found.stamp, file.source or LogSource(kind, self.progress, final=False)
        changed = file.read != stamp
        if not changed and now - file.since > RESTS:
            source.rest()
        if not changed and (not whole or file.finished == stamp or not (file.unsure or self._last_line(file, now))):
            return None
        source.final = not changed or (file.moved and whole)
        file.source, file.read = source, stamp
        file.finished = stamp if source.final else file.finished
        return source

    def _last_line(self, file: File, now: float) -> bool:
        """Whether there is a last line without its end, and it is to be read. Looked at once a change."""
        path, stamp = file.found.path, file.found.stamp
        if now - file.since > UNENDED:
            return True
        if file.cut == stamp and not file.moved:
            return False
        if not ends_in_a_line(path):
            file.finished = stamp
            return False
        file.cut = stamp
        return file.moved or last_line_is_whole(path)

    def said(self, file: File, report: Report, now: float) -> None:
        faults = len(report.faults) + report.more_faults
        file.unsure = not report.origin and not faults
        got = sum(report.rows.values())
        if report.origin:
            self.rows.pop(report.replaced, None)
            self.rows[report.origin] = report.already + got * (not report.unchanged)
        if got and not report.unchanged:
            self.read_at = int(now * 1e6)
        if self.read_at is None and report.origin:
            self.read_at = report.read_at or None
        if _elsewhere(file.found):
            file.read = None  # moved before it was read to its end: given again under its new name
        elif faults:
            self._failed(file, report.faults[0], now, faults, for_good=not got and not report.already)

    def _failed(self, file: File, fault: str, now: float, count: int = 1, *, for_good: bool = True) -> None:
        if for_good:
            file.failed, file.read = (file.found.ctime_ns, now), None
        self.fault = now, count + (self.fault[1] if self.fault else 0), fault

    def state(self) -> FolderState:
        w = self.watch
        here = [f for f in self.files.values() if f.seen == self.now and self.gone is None]
        others = [f for f in here if f.kind == "other"]
        names = [f.found.path.relative_to(w.folder).as_posix() for f in sorted(others, key=lambda f: f.since)]
        return FolderState(
            str(w.folder), w.org, w.network, w.sensor, self._word(), self.read_at, self._problem(),
            sum(1 for f in here if f.kind and f.kind != "other"), sum(self.rows.values()), len(names),
            tuple(names[-SHOWN:]),
        )  # fmt: skip

    def _word(self) -> str:
        if self.gone is not None:
            return "missing" if isinstance(self.gone, FileNotFoundError) else "unreadable"
        return "ok" if self.rows else "waiting"

    def _problem(self) -> Mapping[str, str] | None:
        if self.gone is not None:
            if isinstance(self.gone, FileNotFoundError):
                return {"en": "the folder is not there", "zh": "文件夹不存在"}
            return {"en": f"the folder cannot be read: {self.gone.strerror}",
                    "zh": f"文件夹无法读取：{self.gone.strerror}"}  # fmt: skip
        if self.below is not None:
            where = f"{self.below.filename}: {self.below.strerror}"
            return {"en": f"a folder below cannot be read: {where}", "zh": f"其中有文件夹无法读取：{where}"}
        if self.fault is not None and self.now - self.fault[0] < REMEMBERED:
            _, count, last = self.fault
            return {"en": f"{count} faults, the last: {last}", "zh": f"{count} 处读不了，最近一处：{last}"}
        return None


def _elsewhere(found: Found) -> bool:
    """Whether the name means another file now, or none."""
    try:
        s = found.path.stat()
    except OSError:
        return True
    return (s.st_dev, s.st_ino) != found.key
