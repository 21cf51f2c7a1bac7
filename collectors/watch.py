"""Watched folders: what there is to read now, each thing once, and what became of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from collectors.source import Report, Source
from collectors.watch_folder import File, Folder, FolderState, Watch
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.config import Settings
from fengsui.progress import Progress, silent

__all__ = ["FolderState", "Watch", "Watcher", "watches"]

AT_ONCE, BYTES_AT_ONCE = 1000, 256_000_000  # captures and compressed logs given in one poll: growing logs wait for them


def watches(settings: Settings) -> list[Watch]:
    """The folders of the settings."""
    return [Watch(w.folder, w.org or settings.org, w.network or settings.network, w.sensor or settings.sensor)
            for w in settings.watch]  # fmt: skip


class Watcher:
    """Several watched folders. Not shared between threads; the time is an argument."""

    def __init__(self, folders: Sequence[Watch], settings: Settings, blobs: Blobs, progress: Progress = silent) -> None:
        self._folders = [Folder(w, settings, blobs, progress) for w in folders]
        self._given: dict[int, tuple[Folder, File]] = {}

    def poll(self, now: float) -> list[tuple[Source, Identity]]:
        """What is ready to be read at ``now`` (seconds), each once until it changes; :meth:`said` wants an answer.

        Growing logs come first and all; of the rest what can be read soon, the folders in turn.
        """
        for folder in self._folders:
            folder.look(now)
        given = [(folder, *ready) for folder in self._folders for ready in folder.logs(now)]
        given += self._in_turn(now)
        self._given.update({id(source): (folder, file) for folder, file, source in given})
        return [(source, folder.identity) for folder, _, source in given]

    def _in_turn(self, now: float) -> Iterator[tuple[Folder, File, Source]]:
        turns = deque((folder, folder.whole(now)) for folder in self._folders)
        count = size = 0
        while turns and count < AT_ONCE and size < BYTES_AT_ONCE:
            folder, files = turns.popleft()
            if (ready := next(files, None)) is not None:
                turns.append((folder, files))
                count, size = count + 1, size + ready[0].found.size
                yield folder, *ready

    def said(self, source: Source, report: Report, now: float) -> None:
        """What became of a source that :meth:`poll` gave."""
        folder, file = self._given.pop(id(source))
        folder.said(file, report, now)

    def dropped(self) -> None:
        """What was given and not answered was not read: it is given again."""
        for _, file in self._given.values():
            file.read = file.finished = None
        self._given.clear()

    def states(self) -> list[FolderState]:
        return [f.state() for f in self._folders]
