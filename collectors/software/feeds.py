"""The collector of releases: follows the change streams of registries, each from where it left off.

A commit has the rows of some changes and the mark after them. The last change that was read is asked for again each
time: if the stream no longer tells it and everything that is told comes later, something may be missing in between, and
a row says so (``gap``). A registry that does not answer is asked again, ever more slowly; a change of which it gives no
details, TRIES times, is told without them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from collectors.software.registries import Away, Registry, open_registry
from collectors.software.releases import GAP, RELEASED, BadAnswer, Change, Release, batch
from fengsui import wire
from fengsui.batch import Identity, stamp
from fengsui.bus.protocol import Assignment, Bus, Commit, Message, Output, Place
from fengsui.bus.topics import events
from fengsui.config import FeedSetting
from fengsui.errors import Fenced
from fengsui.pipeline import Worker

log = logging.getLogger("fengsui.feeds")

AT_ONCE = 50
"""Changes of which details are asked for before they are committed."""
TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 2.0, 1800.0
"""Seconds before a registry that did not answer is asked again; doubled each time."""
RECENT_US = 1_200_000_000
"""Microseconds for which a release is remembered, so that two changes of one package do not tell it twice."""
HOUR = 3600.0


class FeedMark(msgspec.Struct, frozen=True):
    """How far a stream is read. ``position`` and ``name`` of the last change; ``recent``: releases that were told, with
    their times; ``asked``: details asked for in ``hour``."""

    position: int
    name: str = ""
    recent: dict[str, int] = {}
    hour: int = 0
    asked: int = 0


@dataclass
class Feed:
    """A registry that is followed. ``key`` names its mark."""

    setting: FeedSetting
    registry: Registry
    next_at: float = 0.0
    wait: float = FIRST_WAIT
    problem: str = ""
    waiting: list[Change] = field(default_factory=list)
    tries: int = 0

    @property
    def key(self) -> str:
        """By the address that is asked, which may come from another's configuration; its hash, for it may hold a
        password."""
        return f"feed/{self.setting.ecosystem}/{hashlib.sha256(self.registry.stream.encode()).hexdigest()[:16]}"


class FeedRole:
    """A role without input from the bus. ``mark`` reads what was last committed under a key; ``matters`` says of an
    ecosystem's name whether its details are asked for before others'."""

    name = "feeds"

    def __init__(self, feeds: Sequence[Feed], identity: Identity, mark: Callable[[str], bytes | None],
                 matters: Callable[[str, str], bool] = lambda ecosystem, name: False) -> None:  # fmt: skip
        self.feeds, self._identity, self._mark, self._matters = feeds, identity, mark, matters
        self._marks: dict[str, FeedMark | None] = {}

    @property
    def trouble(self) -> BaseException | None:
        """What a registry said last, while one does not answer."""
        return next((Away(f.problem) for f in self.feeds if f.problem), None)

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        self._marks = {}
        for f in self.feeds:
            f.waiting = []
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        """The next part of the feed whose turn it is; None if none has one."""
        for f in self.feeds:
            if now >= f.next_at:
                try:
                    commit = self._step(f, now)
                except (Away, BadAnswer) as e:
                    self._later(f, e, now)
                    continue
                f.problem, f.wait, f.tries = "", FIRST_WAIT, 0
                if commit is not None:
                    return commit
        return None

    def _later(self, f: Feed, e: Away | BadAnswer, now: float) -> None:
        f.tries += 1
        f.problem = str(e)[:300]
        f.next_at = now + max(f.wait, e.retry_after if isinstance(e, Away) else 0.0)
        f.wait = min(LONGEST_WAIT, f.wait * 2)
        log.warning("%s: %s; asked again in %.0f s", f.setting.ecosystem, f.problem, f.next_at - now)

    def _step(self, f: Feed, now: float) -> Commit | None:
        mark = self._known(f)
        if mark is None:
            return self._commit(f, [], FeedMark(f.registry.newest()), now)
        rows: list[Release] = []
        if not f.waiting:
            found = f.registry.changes(mark.position)
            rows, f.waiting = self._fresh(f, mark, found, now)
            mark = self._marks[f.key] or mark
            if not f.waiting and not rows:
                f.next_at = now + f.setting.every
                return None
        done, told, mark = self._details(f, f.waiting[:AT_ONCE], mark, now)
        if done:
            last = f.waiting[done - 1]
            mark = msgspec.structs.replace(mark, position=last.serial, name=last.name)
        f.waiting = f.waiting[done:]
        return self._commit(f, [*rows, *told], mark, now)

    def _known(self, f: Feed) -> FeedMark | None:
        if f.key not in self._marks:
            raw = self._mark(f.key)
            self._marks[f.key] = None if raw is None else msgspec.json.decode(raw, type=FeedMark)
        return self._marks[f.key]

    def _commit(self, f: Feed, rows: Sequence[Release], mark: FeedMark, now: float) -> Commit:
        self._marks[f.key] = mark
        outputs: list[Output] = []
        if rows:
            whose = replace(self._identity, origin=f"feed/{f.setting.ecosystem}")
            told = stamp(batch(rows, whose), round(now * 1e6))
            outputs = list(wire.event_outputs(told, f.key, events("release")))
        return Commit(outputs, marks={f.key: msgspec.json.encode(mark)})

    def _fresh(self, f: Feed, mark: FeedMark, found: Sequence[Change],
               now: float) -> tuple[list[Release], list[Change]]:  # fmt: skip
        """What is new, and a row if something may be missing."""
        fresh = [c for c in found if c.serial > mark.position]
        there = any(c.serial == mark.position for c in found) or not mark.name
        moved = any(c.name == mark.name for c in fresh)  # CouchDB tells only the last change of a document
        why = ""
        if not found and mark.name and (newest := f.registry.newest()) < mark.position:
            why = f"its newest position {newest} lies before {mark.position}, where we had read to"
            mark = FeedMark(newest)
            self._marks[f.key] = mark
        elif fresh and not there and not moved:
            why = f"between {mark.position} and {fresh[0].serial}"
        if not why:
            return [], fresh
        log.warning("%s: the change stream lacks something: %s", f.setting.ecosystem, why)
        return [Release(f.setting.ecosystem, "", "", GAP, round(now * 1e6), summary=why)], fresh

    def _details(self, f: Feed, part: Sequence[Change], mark: FeedMark,
                 now: float) -> tuple[int, list[Release], FeedMark]:  # fmt: skip
        """How many changes are done, and their rows. Over the hour's number of details only names that matter are asked
        for. What was had before a registry fell silent is kept; raises Away if nothing was."""
        hour = int(now // HOUR)
        asked = mark.asked if mark.hour == hour else 0
        since = round(now * 1e6) - RECENT_US
        recent = {k: t for k, t in mark.recent.items() if t >= since}
        rows: list[Release] = []
        done = 0
        for c in part:
            found: list[Release] | None = None
            if c.action == RELEASED and (asked < f.setting.details or self._matters(f.setting.ecosystem, c.name)):
                asked += 1
                try:
                    found = self._asked(f, c)
                except Away:
                    if not done:
                        raise
                    break
            if found is None:
                at = c.at or round(now * 1e6)
                found = [Release(f.setting.ecosystem, c.name, c.version, c.action, at)] if c.action else []
            done += 1
            for r in found:
                key = f"{r.name}@{r.version}#{r.action}"
                if key not in recent:
                    recent[key] = round(now * 1e6)
                    rows.append(r)
        return done, rows, FeedMark(mark.position, mark.name, recent, hour, asked)

    def _asked(self, f: Feed, c: Change) -> list[Release] | None:
        """The details, or None if there are none to be had. Raises Away while it is worth trying again."""
        try:
            return f.registry.details(c)
        except (Away, BadAnswer) as e:
            if isinstance(e, BadAnswer) or e.gone or (e.answered and f.tries >= TRIES):
                return None
            raise


class FeedCollector:
    """The feeds of the settings on a session of their own. Another that is started takes over, and this one rests."""

    name = "feeds"

    def __init__(self, bus: Bus, feeds: Sequence[Feed], identity: Identity,
                 matters: Callable[[str, str], bool] = lambda ecosystem, name: False) -> None:  # fmt: skip
        self._bus, self._feeds, self._identity, self._matters = bus, feeds, identity, matters
        self._worker: Worker | None = None
        self._ended: Fenced | None = None

    @property
    def trouble(self) -> BaseException | None:
        return self._ended or (self._worker.trouble if self._worker is not None else None)

    def step(self, now: float) -> bool:
        if self._ended is not None:
            return False
        try:
            if self._worker is None:
                session = self._bus.source("feeds")
                self._worker = Worker(FeedRole(self._feeds, self._identity, session.mark, self._matters), session)
            return self._worker.step(now)
        except Fenced as e:
            log.warning("feeds are followed elsewhere now: %s", e)
            self._ended = e
            return False

    def close(self) -> None:
        """Only when no step runs."""
        if self._worker is not None:
            self._worker.close()


def open_feeds(settings: Sequence[FeedSetting]) -> list[Feed]:
    """Raises BadSetting."""
    return [Feed(s, open_registry(s)) for s in settings]
