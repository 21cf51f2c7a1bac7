"""The platform: engines and roles put together. The composition root of the commands."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Engine, select

from collectors.collector import Collector
from collectors.source import Report, Source
from detectors.base import SliceHunt, WindowHunt
from detectors.catalogue import Catalogue, build
from detectors.intel import table as indicators
from detectors.roles import DetectRole, SliceRole, WindowRole
from fengsui.allowance import Allowance
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.bus.protocol import Bus
from fengsui.bus.topics import FINDINGS, STORED, events, small
from fengsui.cli.engines import Engines
from fengsui.config import Settings
from fengsui.errors import Retry
from fengsui.finding import Rule
from fengsui.pack import Pack
from fengsui.pipeline import Role, Worker, together
from fengsui.registry import models
from fengsui.registry.database import reading
from fengsui.schema import EVENTS
from fengsui.sink import Sink
from fengsui.store.protocol import Store
from situation.alerts import Alert
from situation.fold import Fold

log = logging.getLogger("fengsui.platform")

PACKED_AT_ONCE = 500
FOLD_AT_ONCE = 4
"""Messages in one transaction of the fold: people who take an alert wait for it."""


class Platform:
    """Engines and roles of the settings. ``clock`` gives seconds since 1970; it is read here and nowhere below.

    With ``whole`` every role joins its group at once, before anything is sent: the embedded bus drops what all groups
    that it knows have read. A process that runs one role (on Kafka) opens what that role asks for, and no more.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time, *, whole: bool = True) -> None:
        self.settings, self.clock = settings, clock
        self.stopping = threading.Event()
        self.engines = Engines(settings)
        self.hunts: list[Worker] = []
        self._members: list[Worker] = []
        if whole:
            _ = self.store, self.writers, self.detectors, self.folds

    @property
    def store(self) -> Store:
        return self.engines.store

    @property
    def bus(self) -> Bus:
        return self.engines.bus

    @property
    def registry(self) -> Engine:
        return self.engines.registry

    @property
    def blobs(self) -> Blobs:
        return self.engines.blobs

    @cached_property
    def catalogue(self) -> Catalogue:
        return build(self.settings)

    @cached_property
    def rules(self) -> dict[str, Rule]:
        return self.catalogue.rules()

    @cached_property
    def writers(self) -> list[Worker]:
        sink = Sink(self.store, self.bus.bus_id, self.bus.partitions, time.monotonic, self._allowance(Sink.name))
        return [self.member(sink, "sink", [*map(events, EVENTS), FINDINGS])]

    @cached_property
    def packer(self) -> Worker:
        return self.member(Pack(self._allowance(Pack.name)), Pack.name, [*map(small, EVENTS)], limit=PACKED_AT_ONCE)

    @cached_property
    def detectors(self) -> list[Worker]:
        roles = [DetectRole(d, self.blobs.get, self.bus.partitions) for d in self.catalogue.batch]
        self._forget("detect.", [r.name for r in roles])
        return [
            self.member(r, r.name, [events(k) for k in d.kinds])
            for r, d in zip(roles, self.catalogue.batch, strict=True)
        ]

    @cached_property
    def folds(self) -> list[Worker]:
        fold = Fold(self.registry, self.bus.bus_id, self._allowance(Fold.name))
        return [self.member(fold, "fold", [FINDINGS], limit=FOLD_AT_ONCE)]

    def _allowance(self, group: str) -> Allowance:
        return Allowance(group, self.settings.dead_letter_limit, self.bus.marks)

    def member(self, role: Role, group: str, read: Sequence[str], *, limit: int = 16) -> Worker:
        """A role as a member of its group, on the seat of this process; closed with the platform."""
        worker = Worker(role, self.bus.member(group, read, instance=self.engines.seat), limit=limit)
        self._members.append(worker)
        return worker

    def _forget(self, prefix: str, groups: Sequence[str]) -> None:
        """Detectors and rules that are no longer there must not hold messages for ever."""
        for group in self.bus.groups():
            if group.startswith(prefix) and group not in groups:
                self.bus.forget(group)

    def open_hunts(self, interval: float) -> list[Worker]:
        """Every hunt on its own group; a changed rule is a new group and looks at everything announced again."""
        indicators.load(self.catalogue.indicators, self.store.query, self.store.load, int(self.clock() * 1_000_000))
        roles = [*(SliceRole(h, self._ask, self.bus.partitions, interval) for h in self.catalogue.slices),
                 *(WindowRole(h, self._ask, self.bus.partitions, interval) for h in self.catalogue.windows)]
        hunts: list[SliceHunt | WindowHunt] = [*self.catalogue.slices, *self.catalogue.windows]
        groups = [f"{r.name}@{_version(h.rules)}" for r, h in zip(roles, hunts, strict=True)]
        self._forget("hunt.", groups)
        self.hunts = [self.member(r, g, [STORED]) for r, g in zip(roles, groups, strict=True)]
        return self.hunts

    def _ask(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table:
        """A hunt's question. A hunt asks many of them in one step: it is stopped between two."""
        if self.stopping.is_set():
            raise Retry("the platform stops")
        return self.store.query(sql, parameters)

    def collect(self, sources: Sequence[tuple[Source, Identity]], *, again: bool = False,
                progress: Callable[[str], None] = lambda _: None) -> list[Report]:  # fmt: skip
        """Read sources to their end, through every hop to the alerts; what became of each."""
        session = self.bus.source("collect/0")
        collector = Collector(sources, session.mark, again=again)
        worker = Worker(collector, session)
        try:
            together([worker], [*self.writers, *self.detectors], self.clock)
            progress("hunt")
            self.settle()
        finally:
            worker.close()
        return collector.reports

    def settle(self) -> None:
        """Run everything behind the collectors until nothing is left to do."""
        hunts = self.hunts or self.open_hunts(0)
        together([], [*self.writers, *self.detectors], self.clock)
        together([], hunts, self.clock)
        together([], [*self.writers, *self.folds], self.clock)

    def alerts(self, *, below: bool = False) -> list[Alert]:
        """The queue, the worst and newest first; ``below`` adds what stays under its alert line."""
        a = models.alert
        sql = select(a).order_by(a.c.severity.desc(), a.c.last_seen.desc(), a.c.id)
        with reading(self.registry).connect() as db:
            return [alert_from_row(dict(r._mapping)) for r in db.execute(sql if below else sql.where(a.c.queued))]

    def close(self) -> None:
        for worker in self._members:
            worker.close()
        self.engines.close()

    def __enter__(self) -> Platform:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _version(rules: Sequence[Rule]) -> str:
    return "+".join(sorted({r.version for r in rules}))[:64]


def alert_from_row(row: dict[str, object]) -> Alert:
    """An alert as the registry keeps it."""
    values = {name: row[name] for name in Alert.__dataclass_fields__}
    for name in ("related", "techniques", "evidence"):
        values[name] = tuple(msgspec.json.decode(str(values[name]), type=list[str]))
    return Alert(**values)  # type: ignore[arg-type]


@contextmanager
def scratch(settings: Settings) -> Iterator[Platform]:
    """A platform in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fengsui-"))
    try:
        with Platform(_with(settings, data=folder)) as platform:
            yield platform
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with(settings: Settings, **changes: object) -> Settings:
    return msgspec.structs.replace(settings, **changes)

