"""What there is, in numbers: events by kind, open alerts by hour, severity, city and subject."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, select

from api.alert_query import FacetCounts
from api.context import Context
from api.event_query import LIMITS
from fengsui.finding import HOUR_US
from fengsui.jsonform import time_text
from fengsui.registry.models import alert as a
from fengsui.schema import EVENTS
from fengsui.wording import title

KEEP = 3.0
HOURS, TOP = 48, 10
OPEN = ("new", "in_progress")


class Stats:
    """Remembered for a while: many readers ask at once, and nobody sees the difference. While one collects, the others
    get what was there before."""

    def __init__(self, counts: FacetCounts, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._counts, self._monotonic, self._lock = counts, monotonic, Lock()
        self._seen: tuple[float, dict[str, Any]] | None = None

    def get(self, ctx: Context) -> dict[str, Any]:
        seen = self._seen
        if seen is not None and (self._monotonic() - seen[0] < KEEP or self._lock.locked()):
            return seen[1]
        with self._lock:
            began = self._monotonic()
            if self._seen is None or began - self._seen[0] >= KEEP:
                self._seen = (began, _collect(ctx, self._counts))
            return self._seen[1]


def _collect(ctx: Context, counts: FacetCounts) -> dict[str, Any]:
    status = ctx.status()
    with ctx.reader.connect() as db:
        alerts = _alerts(db, ctx, counts)
    return {"as_of": time_text(ctx.as_of()), "events": _events(ctx), "alerts": alerts, "pipeline": status}


def _events(ctx: Context) -> dict[str, Any]:
    parts = " UNION ALL ".join(
        f"SELECT '{k}' AS kind, count() AS n, toUnixTimestamp64Micro(max(read_at)) AS newest FROM {k}"  # noqa: S608 names of the schema
        for k in EVENTS
    )
    rows = ctx.query(f"SELECT kind, n, newest FROM ({parts}) ORDER BY kind", {}, LIMITS).to_pylist()  # noqa: S608 as above
    newest = max((r["newest"] for r in rows if r["n"]), default=None)
    return {"total": sum(r["n"] for r in rows), "by_kind": [{"kind": r["kind"], "count": r["n"]} for r in rows],
            "last_read_at": None if newest is None else time_text(newest)}  # fmt: skip


def _alerts(db: Connection, ctx: Context, counts: FacetCounts) -> dict[str, Any]:
    severities: Counter[int] = Counter()
    cities: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    worst: dict[str, int] = {}
    total = 0
    for queued, org, rule, state, severity, _, n in counts.combinations(db):
        total += n if queued else 0
        if not queued or state not in OPEN:
            continue
        severities[severity] += n
        rules[rule] += n
        city = ctx.names.organisation(org)["city"]
        if city:
            cities[city] += n
            worst[city] = max(worst.get(city, 0), severity)
    return {
        "total": total, "open": severities.total(),
        "by_severity": [{"severity": s, "count": severities[s]} for s in sorted(severities, reverse=True)],
        "by_hour": _by_hour(db, ctx),
        "by_city": [{"city": c, "label": ctx.names.city(c), "count": cities[c], "worst": worst.get(c)}
                    for c in ctx.names.cities],
        "top_subjects": _subjects(db),
        "top_rules": [{"rule": r, "title": title(ctx.rules, r), "count": n}
                      for r, n in sorted(rules.items(), key=lambda x: (-x[1], x[0]))[:TOP]],
    }  # fmt: skip


def _by_hour(db: Connection, ctx: Context) -> list[dict[str, Any]]:
    """Alerts of the queue by the hour they were first seen in, the last 48 hours."""
    since = ctx.as_of() // HOUR_US * HOUR_US - (HOURS - 1) * HOUR_US
    hour = (a.c.first_seen - a.c.first_seen % HOUR_US).label("hour")
    where = a.c.queued.is_(True), a.c.first_seen >= since
    rows = db.execute(select(hour, a.c.severity, func.count()).where(*where).group_by(hour, a.c.severity))
    return [{"hour": time_text(h), "severity": s, "count": n} for h, s, n in sorted(tuple(r) for r in rows)]


def _subjects(db: Connection) -> list[dict[str, Any]]:
    """Subjects with the most open alerts, the worst first among equals."""
    count, worst = func.count().label("n"), func.max(a.c.severity).label("worst")
    where = a.c.queued.is_(True), a.c.state.in_(OPEN)
    sql = select(a.c.subject, count, worst).where(*where).group_by(a.c.subject)
    rows = db.execute(sql.order_by(count.desc(), worst.desc(), a.c.subject).limit(TOP))
    return [{"subject": r.subject, "count": r.n, "severity": r.worst} for r in rows]
