"""One role as a process of its own, on Kafka: any number of each, the assignment of partitions being the only lease."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collectors.live import LiveCollector
from collectors.software.feeds import FeedCollector
from collectors.watch import watches
from detectors.catalogue import rules_folder
from fengsui import tracing
from fengsui.bus.protocol import Place
from fengsui.bus.topics import DEAD, STORED, events, small
from fengsui.cli.console import log_to_stderr, say
from fengsui.cli.lanes import Lanes
from fengsui.cli.monitor import Monitor
from fengsui.cli.platform import Platform
from fengsui.cli.roll import Roll
from fengsui.cli.scan_role import ScanRole
from fengsui.cli.service import feeds
from fengsui.cli.text import text
from fengsui.config import Settings, WatchSetting, load
from fengsui.errors import Retry, UsageError
from fengsui.pipeline import Paced, Stepper, Worker
from situation.assess import Assessment
from situation.letters import Letters, Replays
from situation.presence import Presence
from situation.standards import load as load_standards

log = logging.getLogger("fengsui.roles")

OPENING, AGAIN = 60.0, 1.0
"""Seconds in which a role tries to begin while an engine is away, and between two tries."""
ASSESS_REST = 1.0
"""Seconds between two assessments of the situation at least: each holds rows of the registry."""


def run(args: argparse.Namespace) -> int:
    """0 after SIGTERM or Ctrl-C, with what was in hand committed; 1 if the role cannot go on; 3 for settings."""
    settings = load(args.config, os.environ, _flags(args))
    if not settings.kafka_bootstrap:
        raise UsageError(text("roles.kafka", args.lang, role=args.command))
    if args.command == "collect" and not settings.watch and not settings.feeds:
        raise UsageError(text("roles.nothing", args.lang))
    if args.command == "pack" and not settings.kafka_pack:
        raise UsageError(text("roles.pack", args.lang))
    log_to_stderr(settings.log_format)
    if settings.traces_url:
        tracing.configure(settings.traces_url, args.command, settings.instance)
    platform, process = _started(settings, args.command)
    with platform:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: platform.stopping.set())
        monitor = Monitor(settings, process.running.health.roles) if settings.metrics_port else None
        say(text("roles.ready", args.lang, role=args.command, brokers=", ".join(settings.kafka_bootstrap)))
        platform.stopping.wait()
        say(text("serve.stopping", args.lang))
        process.stop()
        if monitor is not None:
            monitor.close()
    tracing.end()
    say(text("serve.stopped", args.lang))
    if process.running.failed is not None:
        raise process.running.failed
    return 0


def _started(settings: Settings, role: str) -> tuple[Platform, Process]:
    """A role at work. An engine that is away just now is waited for, OPENING seconds at most; then raises Retry."""
    end = time.monotonic() + OPENING
    while True:
        platform = Platform(settings, whole=False)
        try:
            process = Process(role, platform)
            process.start()
        except BaseException as e:
            platform.close()
            if not isinstance(e, Retry) or time.monotonic() > end:
                raise
            log.warning("%s; tried again", e)
            time.sleep(AGAIN)
        else:
            return platform, process


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    folders = getattr(args, "folders", ()) or None  # none named: those of the settings file
    return {
        "instance": args.instance, "data": args.data,
        "watch": folders and tuple(WatchSetting(folder=f) for f in folders),
    }  # fmt: skip


class Process:
    """A role's lanes, and its entry on the roll."""

    def __init__(self, role: str, platform: Platform) -> None:
        self.role, self.platform = role, platform
        self.running = Lanes(platform.bus, platform.clock, platform.stopping)
        self.running.on_failure = platform.stopping.set
        self._collector: LiveCollector | None = None
        self._replays: Replays | None = None
        self._scan: ScanRole | None = None
        self._feeds: FeedCollector | None = None
        self._roll = Roll(platform.bus, role, platform.settings.instance, platform.clock, self._look)

    def start(self) -> None:
        self.lanes = _LANES[self.role](self)
        self.running.start({**self.lanes, "roll": [self._roll]})

    def _look(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        facts: dict[str, Any] = {}
        if self._collector is not None:
            state = self._collector.state()
            facts = {"collector": state.state, "reading": state.reading, "problem": state.problem}
        if self._scan is not None:
            facts = {"protections": self._scan.state()}
        return self.running.health.roles(), facts

    def stop(self) -> None:
        """End the steps in hand, commit what is done, and leave the groups: others take over at once."""
        if self._collector is not None:
            self._collector.stop()
        self.running.stop()
        for stepper in (s for lane in self.lanes.values() for s in lane):
            if isinstance(stepper, Worker) and self.running.failed is None:
                _finish(stepper, self.platform.clock())
        if self._collector is not None:
            self._collector.close()
        if self._replays is not None:
            self._replays.close()
        if self._scan is not None:
            self._scan.close()
        if self._feeds is not None:
            self._feeds.close()
        self._roll.leave()

    def collect(self) -> dict[str, list[Stepper]]:
        p = self.platform
        name = p.engines.seat or secrets.token_hex(4)
        to = small if p.settings.kafka_pack else events
        self._collector = LiveCollector(p.bus, watches(p.settings), p.settings, p.blobs, name, to)
        if not p.settings.feeds:
            return {"collect": [self._collector]}
        self._feeds = feeds(p)
        return {"collect": [self._collector], "feeds": [self._feeds]}

    def pack(self) -> dict[str, list[Stepper]]:
        return {"pack": [self.platform.packer]}

    def sink(self) -> dict[str, list[Stepper]]:
        return {"store": [*self.platform.writers]}

    def detect(self) -> dict[str, list[Stepper]]:
        return {"detect": [*self.platform.detectors]}

    def hunt(self) -> dict[str, list[Stepper]]:
        p = self.platform
        hunts = p.open_hunts(p.settings.hunt_interval)
        slices, windows = hunts[: len(p.catalogue.slices)], hunts[len(p.catalogue.slices) :]
        return {"slices": [*slices], "windows": [*windows]}

    def situation(self) -> dict[str, list[Stepper]]:
        p = self.platform
        standards = load_standards(rules_folder(p.settings.rules) / "standards", p.rules)
        presence = p.member(Presence(p.registry), "presence", [STORED])
        assessment = Assessment(p.registry, lambda: int(p.clock() * 1_000_000), standards)
        assess = Paced(assessment, time.monotonic, ASSESS_REST)
        letters = p.member(Letters(p.registry, p.blobs, p.bus.bus_id), "letters", [DEAD])
        self._replays = Replays(p.registry, p.blobs, p.bus)
        return {"registry": [*p.folds, presence, letters, Leased(assess, presence, Place(STORED, 0)),
                             Leased(self._replays, letters, Place(DEAD, 0))]}  # fmt: skip


    def scan(self) -> dict[str, list[Stepper]]:
        p = self.platform
        seat = p.engines.seat or secrets.token_hex(4)
        self._scan = ScanRole(p.registry, p.blobs, p.bus, rules_folder(p.settings.rules), seat, p.clock,
                              p.settings.known_bad)  # fmt: skip
        return {"scan": [self._scan]}


_LANES: Mapping[str, Callable[[Process], Mapping[str, Sequence[Stepper]]]] = {
    "collect": Process.collect, "pack": Process.pack, "sink": Process.sink, "detect": Process.detect,
    "hunt": Process.hunt, "situation": Process.situation, "scan-worker": Process.scan,
}  # fmt: skip
ROLES = tuple(_LANES)


class Leased:
    """A stepper that only one of several processes steps: the one whose ``worker`` holds ``place``. Two at once would
    do no harm (each has its own fence), only the same work twice."""

    def __init__(self, stepper: Stepper, worker: Worker, place: Place) -> None:
        self._stepper, self._worker, self._place = stepper, worker, place

    @property
    def name(self) -> str:
        return self._stepper.name

    def step(self, now: float) -> bool:
        held = self._worker.session.assignment.positions
        return self._place in held and self._stepper.step(now)


def _finish(worker: Worker, now: float) -> None:
    try:
        worker.finish(now)
    except Retry as e:
        log.warning("%s: %s; what was in hand is done again by who takes over", worker.name, e)

