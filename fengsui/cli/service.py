"""The running platform: every role on a thread of its lane, from watched folders to drafted warnings."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from collectors.live import LiveCollector
from collectors.software.feeds import FeedCollector, open_feeds
from collectors.watch_folder import FolderState, Watch
from detectors.catalogue import internal_names, rules_folder
from detectors.software.names import KNOWN, read_all
from detectors.software.released import NETWORK
from fengsui import __version__
from fengsui.batch import Identity
from fengsui.bus.protocol import Bus
from fengsui.bus.topics import DEAD, STORED
from fengsui.cli import roll
from fengsui.cli.analyses import FolderAnalyses
from fengsui.cli.lanes import Lanes
from fengsui.cli.platform import Platform
from fengsui.cli.roll import Roll
from fengsui.cli.scan_role import ScanRole
from fengsui.jsonform import time_text
from fengsui.pipeline import Paced, Stepper
from fengsui.registry.database import reading
from situation import letters
from situation.assess import Assessment
from situation.letters import Letters, Replays
from situation.presence import Presence
from situation.standards import Standards

log = logging.getLogger("fengsui.service")

STATUS_KEEP = 1.0
ASSESS_REST = 1.0
"""Seconds between two assessments of the situation at least: each holds the registry's lock."""


class Service:
    """Starts the lanes of ``platform`` and stops them. ``as_of`` gives the moment (microseconds) of the situation."""

    def __init__(self, platform: Platform, standards: Standards, watches: Sequence[Watch],
                 as_of: Callable[[], int] | None = None, *, whole: bool = True) -> None:  # fmt: skip
        self.platform, self.standards, self.whole = platform, standards, whole
        self.as_of = as_of or (lambda: int(platform.clock() * 1_000_000))
        self.started = int(platform.clock() * 1_000_000)
        self.running = Lanes(platform.bus, platform.clock, platform.stopping)
        settings = platform.settings
        seat = platform.engines.seat or secrets.token_hex(4)
        name = seat if whole else f"api-{seat}"
        self.collector = LiveCollector(platform.bus, watches, settings, platform.blobs, name)
        self.analyses = FolderAnalyses(platform, self.collector)
        self._status: tuple[float, dict[str, Any]] | None = None
        self._replays: Replays | None = None
        self.scan_role: ScanRole | None = None
        self.feeds = feeds(platform) if whole and settings.feeds else None
        self._guard = threading.Lock()

    def lanes(self) -> dict[str, list[Stepper]]:
        """What runs on one thread together, in turn: few threads, and a long hunt holds up only its like."""
        p = self.platform
        if not self.whole:
            return {"collect": [self.collector], "registry": [self.analyses], "roll": [self._roll()]}
        hunts = p.open_hunts(p.settings.hunt_interval)
        slices, windows = hunts[: len(p.catalogue.slices)], hunts[len(p.catalogue.slices) :]
        presence = p.member(Presence(p.registry), "presence", [STORED])
        kept = p.member(Letters(p.registry, p.blobs, p.bus.bus_id), "letters", [DEAD])
        self._replays = Replays(p.registry, p.blobs, p.bus)
        assess = Paced(Assessment(p.registry, self.as_of, self.standards), time.monotonic, ASSESS_REST)
        self.scan_role = ScanRole(p.registry, p.blobs, p.bus, rules_folder(p.settings.rules), p.engines.seat, p.clock,
                                  p.settings.known_bad)  # fmt: skip
        lanes: dict[str, list[Stepper]] = {
            "collect": [self.collector], "store": [*p.writers], "detect": [*p.detectors], "slices": [*slices],
            "windows": [*windows], "registry": [*p.folds, presence, assess, kept, self._replays, self.analyses],
            "scan": [self.scan_role], "feeds": [self.feeds] if self.feeds else [],
        }  # fmt: skip
        return {name: steppers for name, steppers in lanes.items() if steppers}

    def _roll(self) -> Stepper:
        p = self.platform
        return Roll(p.bus, "api", p.settings.instance, p.clock, lambda: (self.running.health.roles(), {}))

    def start(self) -> None:
        self.analyses.resume()
        self.running.start(self.lanes())

    def stop(self) -> None:
        """End after the steps that are being taken. What was not committed is read again at the next start."""
        self.collector.stop()
        self.running.stop()
        self.close()

    def close(self) -> None:
        """Let go of what it holds, when no lane runs (any more)."""
        self.collector.close()
        if self._replays is not None:
            self._replays.close()
        if self.scan_role is not None:
            self.scan_role.close()
        if self.feeds is not None:
            self.feeds.close()

    @property
    def idle(self) -> bool:
        """Nothing waits anywhere."""
        return self.platform.bus.idle() and self.collector.state().state == "idle"

    def status(self) -> dict[str, Any]:
        """As :class:`api.models.platform.PipelineState` says; remembered for a second."""
        with self._guard:
            now = time.monotonic()
            if self._status is None or now - self._status[0] > STATUS_KEEP:
                self._status = (now, self._look())
            return self._status[1]

    def _look(self) -> dict[str, Any]:
        p, live, roles = self.platform, self.collector.state(), self.running.health.roles()
        if not self.whole:
            roles += elsewhere(p.bus, p.clock())
        problems = [
            {lang: f"{r['name']}: {r['problem'][lang]}" for lang in ("en", "zh")} for r in roles if r["problem"]
        ]
        problems += [dict(live.problem)] if live.problem else []
        problems += [{lang: f"{f.folder}: {x}" for lang, x in f.problem.items()} for f in live.folders if f.problem]
        return {
            "version": __version__, "started_at": time_text(self.started), "data": str(p.settings.data),
            "collector": live.state, "disk_used": live.disk_used, "disk_limit": p.settings.disk_bytes,
            "lag": [{"group": g, "messages": n} for g, n in sorted(p.bus.lag().items())],
            "sources": [_source(f) for f in live.folders], "dead_letters": _waiting(p),
            "roles": roles, "problems": problems, "stuck": self.running.health.stuck(),
        }  # fmt: skip


def feeds(platform: Platform) -> FeedCollector:
    """The registries that the settings follow. Details of popular names, and of those used inside, come first."""
    settings, folder = platform.settings, rules_folder(platform.settings.rules)
    names, internal = read_all(folder / "names"), internal_names(folder, settings)

    def matters(ecosystem: str, name: str) -> bool:
        listed = ecosystem in names and (names[ecosystem].rank(name) <= KNOWN or names[ecosystem].near(name)
                                         is not None)
        return listed or bool(internal.whose(ecosystem, name))

    identity = Identity(settings.org, NETWORK, settings.sensor, "feed", "feed")
    return FeedCollector(platform.bus, open_feeds(settings.feeds), identity, matters)


def _waiting(platform: Platform) -> int:
    """Dead letters about which nobody has decided yet."""
    with reading(platform.registry).connect() as db:
        return letters.counts(db)[letters.WAITING]


def elsewhere(bus: Bus, now: float) -> list[dict[str, Any]]:
    """The roles of other processes, as they wrote of themselves; one that is gone is told as a problem."""
    out = []
    for entry, here in roll.read(bus, now):
        since = now - entry.at / 1e6
        for role in entry.roles if entry.role != "api" else ():
            gone = {"en": f"its process has said nothing for {since:.0f} s", "zh": f"其进程已 {since:.0f} 秒没有消息"}
            out.append({**role, "name": f"{role['name']} · {entry.instance}", "alive": role["alive"] and here,
                        "idle_s": round(role["idle_s"] + max(0.0, since), 1),
                        "problem": role["problem"] if here else gone})  # fmt: skip
    return out


def _source(f: FolderState) -> dict[str, Any]:
    """As :class:`api.models.platform.SourceState` says."""
    return {"folder": f.folder, "org": f.org, "state": f.state, "files": f.files, "rows": f.rows, "ignored": f.ignored,
            "ignored_names": f.ignored_names, "problem": dict(f.problem) if f.problem else None,
            "last_read_at": None if f.last_read_at is None else time_text(f.last_read_at)}  # fmt: skip
