"""The assessment: what changed in the registry becomes new rows of ``situation``, and drafts of warnings.

All of a step is one transaction with its own position in the activity: ``UPDATE assessment SET seq = :new WHERE seq =
:old``. No row means another assessment has gone on: everything is dropped, and the next step begins anew. After a start
everything is computed once and only what differs is written, so nothing rests on memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Engine, func, insert, select, update

from fengsui.errors import Fenced
from fengsui.finding import HOUR_US, hour
from fengsui.registry.activity import ALERT
from fengsui.registry.database import reading
from fengsui.registry.models import activity, assessment
from situation import known
from situation.acts import ASSESS
from situation.area import Organisation
from situation.index import DISPOSAL, Facts, K, columns, dimension
from situation.rows import CITY, ORGANISATION, PROVINCE, area_row, newest, organisation_rows
from situation.standards import Standards
from situation.table import NOW, Written, by_scope, drop_newest, put, standings
from situation.warning_watch import WarningWatch

log = logging.getLogger("fengsui.assess")


@dataclass(frozen=True)
class Seen:
    """What a step found, so that the next one can tell what has changed. ``hour``: the last full one."""

    hour: int
    organisations: Mapping[str, Organisation]
    presence: Mapping[str, int]


@dataclass(frozen=True)
class News:
    """What a step has to do: the alerts that changed (id to organisation), and the organisations that are ``due``.

    ``after`` and ``position``: where in the activity it was found, and how far that goes.
    """

    after: int
    position: int
    alerts: Mapping[str, str]
    due: frozenset[str]
    seen: Seen


class Assessment:
    """A role without a topic. ``as_of``: the time that the situation is told for, microseconds; it never goes back.

    Raises what the registry raises; a step that failed left nothing behind, and the next one begins anew.
    """

    name = ASSESS

    def __init__(self, registry: Engine, as_of: Callable[[], int], standards: Standards) -> None:
        self._registry, self._as_of, self._standards = registry, as_of, standards
        self._sources = np.zeros(K, np.bool_)
        self._sources[[0, DISPOSAL, *(dimension(r.domain, r.category) for r in standards.rules.values())]] = True
        self._forget()

    def _forget(self) -> None:
        self._seen: Seen | None = None
        self._columns: dict[str, Facts] = {}
        self._watch = WarningWatch(self._standards)

    def step(self, now: float) -> bool:
        """Do what there is to do; False if nothing was. ``now``: seconds, what the activity is dated with."""
        as_of = self._as_of()
        try:
            news = self._look(as_of)
            if news is None:
                return False
            with self._registry.begin() as db:
                self._step(db, news, as_of, int(now * 1_000_000))
        except Fenced as e:
            log.warning("%s", e)
            self._forget()
            return True
        except BaseException:
            self._forget()
            raise
        self._seen = news.seen
        return True

    def _look(self, as_of: int) -> News | None:
        """Whether there is anything to do, and what must be read for it: without the writers' lock, for others wait for
        that. What comes in between is the next step's."""
        with reading(self._registry).connect() as db:
            news = self._news(db, _position(db) or 0, as_of)
            if news is not None:
                self._read(db, news, self._first_hour(news) - self._standards.weights.horizon_hours * HOUR_US)
                self._watch.prepare(db, news.alerts, news.seen.organisations, as_of)
        return news

    def _step(self, db: Connection, news: News, as_of: int, at: int) -> None:
        _advance(db, news.after, news.position)
        if self._seen is None:
            drop_newest(db, before=self._first_hour(news))
        written = self._organisations(db, news, as_of, at)
        written |= self._areas(db, written, news, as_of, at)
        self._watch.look(db, news.alerts, news.seen.organisations, written, as_of, at)

    def _news(self, db: Connection, old: int, as_of: int) -> News | None:
        """What changed since the last step; None if nothing did."""
        last, full, w = self._seen, hour(as_of), self._standards.weights
        position, changed = _changed_alerts(db, old)
        counted = known.presence_counts(db, full - (w.trend_hours + w.coverage.hours) * HOUR_US)
        seen = Seen(full, known.organisations(db), counted)
        if last is None or last.organisations != seen.organisations:
            self._columns = {}
            due = frozenset(seen.organisations)
        elif last.hour != full:
            due = frozenset(seen.organisations)
        else:
            came = {o for o, n in counted.items() if n != last.presence.get(o)}
            due = frozenset(seen.organisations) & (came | set(changed.values()))
            if not due and not changed:
                return None
        return News(old, position, changed, due, seen)

    def _first_hour(self, news: News) -> int:
        return news.seen.hour - (self._standards.weights.trend_hours - 1) * HOUR_US

    def _organisations(self, db: Connection, news: News, as_of: int, at: int) -> dict[tuple[str, str], Written]:
        """New rows of the organisations that are due, over all hours that are still computed anew."""
        w, start, due = self._standards.weights, self._first_hour(news), sorted(news.due)
        hours = np.arange(start, news.seen.hour + 1, HOUR_US)
        present = known.hours_with_data(db, due, start - w.coverage.hours * HOUR_US, news.seen.hour)
        out = {}
        for id in due:
            o, facts = news.seen.organisations[id], self._columns[id]
            rows = organisation_rows(o, facts, present[id], hours, as_of, self._sources, w)
            out[(ORGANISATION, id)] = put(db, rows, start, w, at)
        return out

    def _read(self, db: Connection, news: News, since: int) -> None:
        """Read the facts of organisations that are due, unless only time has passed for them."""
        w, changed = self._standards.weights, set(news.alerts.values())
        stale = [o for o in news.due if o in changed or o not in self._columns]
        for id, facts in known.facts(db, stale, since).items():
            o = news.seen.organisations[id]
            self._columns[id] = columns(facts, w.asset_weight(o.protection_level, o.critical), w)

    def _areas(self, db: Connection, written: Mapping[tuple[str, str], Written], news: News, as_of: int, at: int
               ) -> dict[tuple[str, str], Written]:  # fmt: skip
        """Cities and province anew, at the times at which a row of one of their organisations changed."""
        w, start, out = self._standards.weights, self._first_hour(news), {}
        everyone = news.due == frozenset(news.seen.organisations)
        times = by_scope(written, news.due) | ({NOW} if everyone else set())
        standing = standings(db, times, min([news.seen.hour, *(times - {NOW})]))
        for scope, id, members in _areas(self._standards, news.seen.organisations):
            mine = times if everyone else by_scope(written, (o.id for o in members))
            hours = sorted(mine - {NOW})
            if mine:
                rows = [area_row(scope, id, t, members, standing[t], w) for t in hours]
                now = area_row(scope, id, as_of if newest(as_of) else as_of + 1, members, standing[NOW], w)
                out[(scope, id)] = put(db, [*rows, now], start, w, at)
        return out


def _areas(s: Standards, organisations: Mapping[str, Organisation]
           ) -> Iterator[tuple[str, str, Sequence[Organisation]]]:  # fmt: skip
    """Every city with its organisations, and the province with all."""
    for city in s.regions.cities:
        yield CITY, city, [o for o in organisations.values() if o.city == city]
    yield PROVINCE, PROVINCE, list(organisations.values())


def _changed_alerts(db: Connection, after: int) -> tuple[int, dict[str, str]]:
    """The end of the activity, and the alerts (with their organisation) that it tells of after a position."""
    a = activity
    end = db.execute(select(func.max(a.c.seq))).scalar() or 0
    where = (a.c.seq > after) & (a.c.object == ALERT)
    rows = db.execute(select(a.c.object_id, a.c.org).where(where).distinct())
    return int(end), {r.object_id: r.org for r in rows}


def _position(db: Connection) -> int | None:
    seq = db.execute(select(assessment.c.seq)).scalar()
    return None if seq is None else int(seq)


def _advance(db: Connection, old: int, new: int) -> None:
    t = assessment
    if _position(db) is None:
        db.execute(insert(t).values(id=1, seq=0))
    if db.execute(update(t).where((t.c.id == 1) & (t.c.seq == old)).values(seq=new)).rowcount != 1:
        raise Fenced("another assessment has gone on; this one begins anew")
