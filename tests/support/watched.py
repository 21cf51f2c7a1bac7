"""A watched folder on a real bus: files with the times that a test gives them, and the rows that come out."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from collectors.live import LiveCollector
from collectors.made.talk import Talk
from collectors.watch import FolderState, Watch
from fengsui import wire
from fengsui.batch import Batch
from fengsui.blobs import FolderBlobs
from fengsui.bus.protocol import Commit
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import events
from fengsui.config import Settings
from fengsui.schema import EVENTS

NOW = 1_800_000_000.0  # seconds; later than any file that a test writes
HEAD = "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\n"


def line(i: int, log: str = "n") -> str:
    """A line of a DNS log, which asks for ``n<i>.example``."""
    return f"1700006400.{i:06d}\tC{i}\t192.0.2.1\t5353\t192.0.2.53\t53\tudp\t{log}{i}.example\n"


def lines(*numbers: int) -> str:
    return "".join(map(line, numbers))


def put(path: Path, content: str | bytes, at: float) -> Path:
    """Write a file as if at ``at`` (seconds); the same file if it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "wb") as f:
        f.truncate()
        f.write(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at, at))
    return path


def add(path: Path, content: str, at: float) -> None:
    """Append to a file."""
    with path.open("ab") as f:
        f.write(content.encode())
    os.utime(path, (at, at))


def capture(*names: str, seed: int = 1) -> bytes:
    """A capture in which names are asked for, one a second."""
    talk = Talk(random.Random(seed))
    for i, name in enumerate(names):
        ts = 1_700_006_400_000_000 + i * 1_000_000
        talk.dns(ts, ("10.0.0.1", 40_000 + i, "10.0.0.53"), name, 1, bytes([192, 0, 2, 1]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.pcap"
        talk.write(path)
        return path.read_bytes()


_OWNER = ("kind", "org", "network", "origin")


class Watched:
    """The collector over ``folder``, its bus, and a reader of all that it sends."""

    def __init__(self, base: Path, bus: SqliteBus, *, folders: tuple[Watch, ...] | None = None,
                 settings: Settings | None = None) -> None:  # fmt: skip
        self.base, self.bus, self.folder = base, bus, base / "in"
        self.folder.mkdir(exist_ok=True)
        self.settings = settings or Settings(data=base / "data")
        self._folders = folders or (Watch(self.folder, "org", "net", "sensor"),)
        self._reader = bus.member("check", [events(k) for k in EVENTS])
        self._rows: list[dict[str, object]] = []
        self.live = self.start()

    def start(self) -> LiveCollector:
        """A new life of the collector; the one before is as if killed."""
        self.live = LiveCollector(self.bus, self._folders, self.settings, FolderBlobs(self.base / "blobs"))
        return self.live

    def run(self, now: float) -> None:
        """Step until there is nothing to do at ``now``."""
        while self.live.step(now):
            pass

    def rows(self) -> list[dict[str, object]]:
        """Every row that was ever sent and not deleted since."""
        while messages := self._reader.read(100, 0):
            self._reader.commit(Commit(positions={m.place: m.offset + 1 for m in messages}))
            for m in messages:
                content = wire.read_message(m)
                if isinstance(content, Batch):
                    self._rows += [r | {"kind": content.kind} for r in content.rows.to_pylist()]
                else:
                    gone = (m.headers["kind"], content.org, content.network, content.origin)
                    self._rows = [r for r in self._rows if gone != tuple(r[k] for k in _OWNER)]
        return self._rows

    def names(self) -> list[str]:
        """The names asked for in every DNS row, sorted: a row that was sent twice is there twice."""
        return sorted(str(r["query"]) for r in self.rows() if "query" in r)

    def state(self) -> FolderState:
        (state,) = self.live.state().folders
        return state


def numbered(*numbers: int) -> list[str]:
    return sorted(f"n{i}.example" for i in numbers)
