"""What the registry knows, read for the index: organisations, facts of alerts, hours with data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection, func, select

from fengsui.registry.activity import ALERT
from fengsui.registry.models import activity, alert, organisation, presence
from situation.alerts import NEW, WITHDRAWN
from situation.area import Organisation
from situation.index import NEVER, Fact, Times, dimension
from situation.triage import TRIAGED

_CHUNK = 500
NOT_COUNTED = ("false_positive", WITHDRAWN)
"""States of alerts that never were: they leave the past hours, too."""


def organisations(db: Connection) -> dict[str, Organisation]:
    """Those that have a place in the index: registered, and in a city; by id."""
    o = organisation
    columns = (o.c[name] for name in Organisation.__dataclass_fields__)
    rows = db.execute(select(*columns).where(o.c.city != "").order_by(o.c.id))
    return {r.id: Organisation(*r) for r in rows}


def facts(db: Connection, orgs: Sequence[str], since: int) -> dict[str, list[Fact]]:
    """The facts of every queued alert of these organisations that was seen since (microseconds)."""
    out: dict[str, list[Fact]] = {o: [] for o in orgs}
    for part in chunks(orgs):
        handled = dict(_handled(db, part))
        for id, org, severity, confidence, domain, category, first, last, state in db.execute(_alerts(part, since)):
            resolved, left = handled.get(id, (NEVER, NEVER))
            out[org].append(Fact(
                id, severity, confidence, dimension(domain, category), first, last,
                resolved if state == "resolved" else NEVER, NEVER if state == NEW else left,
            ))  # fmt: skip
    return out


def _alerts(orgs: Sequence[str], since: int):  # type: ignore[no-untyped-def]  # a Select's type names every column
    a = alert
    columns = (a.c.id, a.c.org, a.c.severity, a.c.confidence, a.c.domain, a.c.category, a.c.first_seen, a.c.last_seen,
               a.c.state)  # fmt: skip
    return select(*columns).where(a.c.org.in_(orgs) & (a.c.last_seen >= since) & a.c.queued
                                  & a.c.state.notin_(NOT_COUNTED))  # fmt: skip


def _handled(db: Connection, orgs: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Of every alert that people gave a state: when it was last resolved, and when it last left *new*."""
    v = activity
    touched = select(alert.c.id).where(alert.c.org.in_(orgs) & alert.c.touched)
    where = (v.c.object == ALERT) & (v.c.act == TRIAGED) & v.c.object_id.in_(touched)
    times: dict[str, tuple[int, int]] = {}
    for id, at, body in db.execute(select(v.c.object_id, v.c.at, v.c.body).where(where).order_by(v.c.seq)):
        change = msgspec.json.decode(body).get("state")
        if change is not None:
            resolved, left = times.get(id, (NEVER, NEVER))
            times[id] = (at if change["after"] == "resolved" else resolved, at if change["before"] == NEW else left)
    yield from times.items()


def hours_with_data(db: Connection, orgs: Sequence[str], start: int, end: int) -> dict[str, Times]:
    """The full hours in [start, end) for which each has data, ascending; microseconds."""
    found: dict[str, list[int]] = {o: [] for o in orgs}
    p = presence
    for part in chunks(orgs):
        where = p.c.org.in_(part) & (p.c.hour >= start) & (p.c.hour < end)
        for org, hour in db.execute(select(p.c.org, p.c.hour).where(where).order_by(p.c.org, p.c.hour)):
            found[org].append(hour)
    return {o: np.array(h, np.int64) for o, h in found.items()}


def presence_counts(db: Connection, start: int) -> dict[str, int]:
    """How many hours with data each registered organisation has since ``start``: a range of the index for each."""
    p, o = presence, organisation
    n = select(func.count()).where((p.c.org == o.c.id) & (p.c.hour >= start)).scalar_subquery()
    return {id: int(count) for id, count in db.execute(select(o.c.id, n))}


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    """Few enough for one statement's parameters."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
