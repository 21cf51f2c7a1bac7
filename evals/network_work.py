"""Decoding captures in worker processes, with a time limit each: a crash or a hang ends one capture, not the run."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

WORKERS = 2
WARM_UP_S = 300.0  # the first capture of a worker may compile

Row = dict[str, Any]


@dataclass
class Outcome:
    """What came of one capture. ``fault``: what the decoder said, ``died``: what ended its worker."""

    path: Path
    rows: dict[str, list[Row]] = field(default_factory=dict)
    fault: str = ""
    died: str = ""
    seconds: float = 0.0

    def of(self, kind: str) -> list[Row]:
        """Rows of one kind; of flows those that are final."""
        return [r for r in self.rows.get(kind, []) if not r.get("open")]


def decode(path: Path, checksums: str) -> Outcome:
    """Decode one capture in this process."""
    from collectors.network.decode import DecodeSettings, decode_capture
    from fengsui.batch import Identity
    from fengsui.errors import BadInput
    from fengsui.jsonform import objects

    out = Outcome(path)
    began = time.perf_counter()
    try:
        settings = DecodeSettings(checksums=checksums)
        for batch in decode_capture(path, Identity(origin=path.name), settings, keep=lambda sha256, content: True):
            out.rows.setdefault(batch.kind, []).extend(objects(batch))
    except BadInput as e:
        out.fault = str(e)
    out.seconds = time.perf_counter() - began
    return out


def _serve(pipe: Connection, checksums: str) -> None:
    while True:
        path = pipe.recv()
        if path is None:
            return
        try:
            pipe.send(decode(path, checksums))
        except Exception as e:  # noqa: BLE001  (this is what the run is to find)
            pipe.send(Outcome(path, died=f"{type(e).__name__}: {e}"))


class _Worker:
    def __init__(self, checksums: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, checksums), daemon=True)
        self.process.start()
        theirs.close()
        self.path: Path | None = None
        self.deadline = 0.0
        self.warm = False

    def give(self, path: Path, limit: float) -> None:
        self.path = path
        self.deadline = time.monotonic() + (limit if self.warm else WARM_UP_S)
        self.pipe.send(path)

    def take(self) -> Outcome:
        """The outcome that the pipe has ready; of a worker that died, that."""
        path = self.path or Path()
        self.path, self.warm = None, True
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return Outcome(path, died=f"crashed with exit code {self.process.exitcode}")
        return outcome

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def decode_all(paths: Iterable[Path], limit: float, checksums: str = "ignore") -> Iterator[Outcome]:
    """Decode each capture once, at most ``limit`` seconds each; outcomes in the order of their end."""
    todo = deque(dict.fromkeys(paths))
    crew = [_Worker(checksums) for _ in range(min(WORKERS, len(todo)))]
    try:
        while todo or any(w.path for w in crew):
            for i, idle in enumerate(crew):
                if idle.path is None and not idle.process.is_alive():
                    idle.end()
                    crew[i] = _Worker(checksums)
                if crew[i].path is None and todo:
                    crew[i].give(todo.popleft(), limit)
            busy = [w for w in crew if w.path is not None]
            ready = wait([w.pipe for w in busy], timeout=0.5)
            for i, w in enumerate(crew):
                if w.path is not None and w.pipe in ready:
                    yield w.take()
                elif w.path is not None and time.monotonic() > w.deadline:
                    yield Outcome(w.path, died=f"no end after {limit:.0f} s")
                    w.end()
                    crew[i] = _Worker(checksums)
    finally:
        for w in crew:
            w.end()
