"""Uploads: files that somebody handed in, read one after another, with word of how far each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors.network.sources import sources_of
from collectors.source import Report, Source
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.config import Settings
from fengsui.errors import UsageError
from fengsui.progress import Progress

STEP = 1 << 20  # bytes between two words about the same file
STEPS = 100

OnProgress = Callable[[int, int, int, str, Report | None], None]
"""Index of the file, bytes done, bytes in all, its state, and at its end what became of it.

States: ``reading``; ``done`` (faults may be in the report); ``failed`` (nothing of it could be read); ``refused``
(neither a capture nor a log). Called in the thread that reads; must be quick.
"""


@dataclass(frozen=True)
class Job:
    """Files to read as ``identity``."""

    id: str
    paths: tuple[Path, ...]
    identity: Identity
    on_progress: OnProgress


class JobRun:
    """A job in hand. ``beat`` is called from time to time while a file is read."""

    def __init__(self, job: Job, settings: Settings, blobs: Blobs, beat: Progress) -> None:
        self.job = job
        self._settings, self._blobs, self._beat = settings, blobs, beat
        self._at, self._total, self._told = -1, 0, 0

    def next_file(self) -> list[tuple[Source, Identity]]:
        """Sources of the next file that can be read; none when all are done. Files that cannot are told of."""
        while self._at + 1 < len(self.job.paths):
            self._at += 1
            path = self.job.paths[self._at]
            try:
                self._total, self._told = _size(path), 0
                self._tell(0, "reading")
                sources = sources_of(path, self._settings, self._blobs, self._progress)
            except UsageError as e:
                self._tell(0, "refused", Report(str(path), faults=[str(e)]))
            except OSError as e:
                self._tell(0, "failed", Report(str(path), faults=[f"{path}: cannot be read: {e.strerror}"]))
            else:
                return [(source, self.job.identity) for source in sources]
        return []

    def said(self, reports: Sequence[Report]) -> None:
        """What became of the file in hand."""
        whole = _together(reports)
        failed = whole.faults and not whole.rows and not whole.already
        self._tell(self._total, "failed" if failed else "done", whole)

    def _progress(self, done: int, total: int, unit: str) -> None:
        self._beat(done, total, unit)
        if unit == "bytes" and done - self._told >= max(STEP, self._total // STEPS):
            self._told = done
            self._tell(min(done, self._total), "reading")

    def _tell(self, done: int, state: str, report: Report | None = None) -> None:
        self.job.on_progress(self._at, done, self._total, state, report)


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size


def _together(reports: Sequence[Report]) -> Report:
    """One report of a file's sources: a folder may have several."""
    if len(reports) == 1:
        return reports[0]
    rows: dict[str, int] = {}
    for r in reports:
        for kind, n in r.rows.items():
            rows[kind] = rows.get(kind, 0) + n
    return Report(
        reports[0].place, reports[0].origin, rows, sum(r.already for r in reports), all(r.unchanged for r in reports),
        max(r.read_at for r in reports), [f for r in reports for f in r.faults], sum(r.more_faults for r in reports),
    )  # fmt: skip
