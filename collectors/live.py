"""The collector that goes on: uploads as they are handed in, watched folders as they fill, one session of the bus.

One thread calls :meth:`LiveCollector.step`; ``submit``, ``state`` and ``stop`` may be called from any.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.collector import Collector
from collectors.jobs import Job, JobRun
from collectors.source import Source
from collectors.watch import FolderState, Watch, Watcher
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.bus.protocol import Bus, Session
from fengsui.bus.topics import events
from fengsui.config import Settings
from fengsui.errors import Fenced, Retry
from fengsui.pipeline import Worker

log = logging.getLogger("fengsui.collect")

POLL = 1.0  # seconds between looks at the folders; more where there are very many files
FILES_A_SECOND = 4_000
DISK = 10.0  # seconds between looks at how large the data folder is
SOURCES = 64  # read together from watched folders before an upload has its turn
PATIENCE, MOST_PATIENCE = 0.05, 5.0  # seconds before what may pass is tried again

Text = Mapping[str, str]


@dataclass(frozen=True)
class LiveState:
    """``state``: idle, reading, waiting (full bus or disk), paused (data folder over its limit), ended.

    ``reading``: the file in hand. ``jobs``: uploads that wait or are read. ``disk_used``: bytes of the data folder.
    """

    state: str = "idle"
    reading: str = ""
    problem: Text | None = None
    jobs: int = 0
    disk_used: int = 0
    folders: tuple[FolderState, ...] = ()


class _Interrupted(Exception):
    """Leaves the reading of a source when it is to stop: what is committed is committed, the rest is read again."""


@dataclass(frozen=True)
class _Run:
    """Sources that are being read, for a job or (None) from the watched folders."""

    collector: Collector
    worker: Worker
    sources: Sequence[tuple[Source, Identity]]
    job: JobRun | None = None


class LiveCollector:
    """A role of its own kind: it has no input from the bus and never comes to an end."""

    name = "collect"

    def __init__(self, bus: Bus, folders: Sequence[Watch], settings: Settings, blobs: Blobs, name: str = "0",
                 to: Callable[[str], str] = events) -> None:  # fmt: skip
        """``name``: its slot; a second collector of the same name fences the first. ``to``: the topic of a kind."""
        self._to = to
        self._name = f"collect/{name}"
        self._bus, self._settings, self._blobs = bus, settings, blobs
        self._watcher = Watcher(folders, settings, blobs, self._beat)
        self._session: Session | None = None
        self._jobs: deque[Job] = deque()
        self._job: JobRun | None = None
        self._ready: deque[tuple[Source, Identity]] = deque()
        self._run: _Run | None = None
        self._stopping = threading.Event()
        self._next_poll = self._next_disk = self._not_before = float("-inf")
        self._patience = PATIENCE
        self._state = LiveState()

    def submit(self, job: Job) -> None:
        """Have files read before what waits in the folders; the caller submits again what a restart cut off."""
        self._jobs.append(job)

    def state(self) -> LiveState:
        """As of the last step."""
        waiting = len(self._jobs) + (self._job is not None)
        return replace(self._state, jobs=waiting)

    def stop(self) -> None:
        """Leave the file in hand at the next opportunity; later steps do nothing."""
        self._stopping.set()

    def close(self) -> None:
        """Only when no step runs."""
        if self._session is not None:
            self._session.close()

    def step(self, now: float) -> bool:
        """One message's work, or one look at the folders. True if there was something to read.

        Raises Fenced if another collector has taken over. What may pass (a full bus, a full disk) is not raised: it is
        shown in the state, and tried again.
        """
        if self._stopping.is_set() or now < self._not_before:
            return False
        try:
            return self._step(now)
        except Retry as e:
            self._wait(e, now)
        except _Interrupted:
            log.info("stopped in the middle of %s; it is read on next time", self._state.reading)
        except Fenced as e:
            self._say("ended", {"en": str(e), "zh": f"另一个采集进程已接手，本进程停止采集（{e}）"})
            raise
        return False

    def _step(self, now: float) -> bool:
        if self._over_limit(now):
            return False
        run = self._run = self._run or self._next(now)
        if run is None:
            self._say("idle")
            return False
        run.worker.step(now)
        self._patience = PATIENCE
        if run.collector.done:
            self._finish(run, now)
        else:
            self._say("reading", reading=run.collector.reports[-1].place if run.collector.reports else "")
        return True

    def _wait(self, reason: Retry, now: float) -> None:
        if self._state.problem is None or str(reason) not in self._state.problem["en"]:
            log.warning("waiting: %s", reason)
        self._not_before, self._patience = now + self._patience, min(MOST_PATIENCE, self._patience * 2)
        self._say("waiting", {"en": f"waiting: {reason}", "zh": f"暂时写不进去，会自动继续：{reason}"})

    def _over_limit(self, now: float) -> bool:
        if now >= self._next_disk:
            self._next_disk = now + DISK
            self._state = replace(self._state, disk_used=folder_bytes(self._settings.data))
        used, limit = self._state.disk_used / 1e9, self._settings.disk_bytes / 1e9
        if used <= limit:
            return False
        self._say("paused", {
            "en": f"paused: the data folder holds {used:.1f} GB, its limit is {limit:.1f} GB (disk_bytes)",
            "zh": f"已暂停：数据目录占用 {used:.1f} GB，超过上限 {limit:.1f} GB（disk_bytes）"})  # fmt: skip
        return True

    def _next(self, now: float) -> _Run | None:
        return self._next_upload() or self._next_watched(now)

    def _next_upload(self) -> _Run | None:
        while self._job is not None or self._jobs:
            self._job = self._job or JobRun(self._jobs.popleft(), self._settings, self._blobs, self._beat)
            sources = self._job.next_file()
            if sources:
                return self._run_of(sources, self._job)
            self._job = None
        return None

    def _next_watched(self, now: float) -> _Run | None:
        if not self._ready and now >= self._next_poll:
            self._ready.extend(self._watcher.poll(now))
            folders = self._folders()
            self._next_poll = now + max(POLL, sum(f.files + f.ignored for f in folders) / FILES_A_SECOND)
        batch = [self._ready.popleft() for _ in range(min(SOURCES, len(self._ready)))]
        return self._run_of(batch, None) if batch else None

    def _run_of(self, sources: Sequence[tuple[Source, Identity]], job: JobRun | None) -> _Run:
        if self._session is None:
            self._session = self._bus.source(self._name)
        collector = Collector(sources, self._session.mark, key=self._name.rpartition("/")[2], to=self._to)
        return _Run(collector, Worker(collector, self._session), sources, job)

    def _finish(self, run: _Run, now: float) -> None:
        self._run = None
        if run.job is not None:
            run.job.said(run.collector.reports)
        else:
            for (source, _), report in zip(run.sources, run.collector.reports, strict=True):
                self._watcher.said(source, report, now)
            self._folders()

    def _folders(self) -> tuple[FolderState, ...]:
        folders = tuple(self._watcher.states())
        self._state = replace(self._state, folders=folders)
        return folders

    def _say(self, state: str, problem: Text | None = None, reading: str = "") -> None:
        self._state = replace(self._state, state=state, problem=problem, reading=reading)

    def _beat(self, done: int, total: int, unit: str) -> None:
        """Called from within the reading of a source, however long that takes."""
        if self._stopping.is_set():
            raise _Interrupted


def folder_bytes(folder: Path) -> int:
    """Bytes that a folder takes on the disk, all below it included; a file with two names counts once."""
    total, linked = 0, set[tuple[int, int]]()
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                s = os.lstat(os.path.join(here, name))  # noqa: PTH118 - many thousands of files, each second counts
            except FileNotFoundError:
                continue  # merged away since the folder was listed
            if s.st_nlink > 1:
                if (s.st_dev, s.st_ino) in linked:
                    continue
                linked.add((s.st_dev, s.st_ino))
            total += s.st_blocks * 512
    return total
