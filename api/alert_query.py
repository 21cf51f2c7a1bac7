"""Alerts from the registry: pages of the queue by keyset, and counts by facet.

A page is read along the index of its order, which holds what filters ask for: the first page costs what the last one
does, and a filter that little fits costs a walk along the index, not along the rows.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, func, or_, select

from api import cursor
from api.models.alerts import AlertFilter, AlertQuery
from api.names import DOMAINS, SEVERITIES, STATES, Names, both
from fengsui.finding import Rule, microseconds
from fengsui.registry.models import activity
from fengsui.registry.models import alert as a
from fengsui.wording import title

LINE = [c for c in a.c if c.name not in ("explanation", "evidence", "touched")]
"""Columns of a line of the queue: what is long is left where it is."""

_ORDERS: dict[str, tuple[str, ...]] = {
    "severity": ("severity", "last_seen", "id"), "last_seen": ("last_seen", "id"),
    "first_seen": ("first_seen", "id"), "count": ("count", "id"),
}  # fmt: skip
KEEP = 1.0
"""Seconds that counts are shown before they are counted again, where something changed."""
FACETS = ("state", "severity", "org", "city", "rule", "domain")
_COLUMNS = ("queued", "org", "rule", "state", "severity", "domain")


def listed(db: Connection, asked: AlertQuery, names: Names) -> tuple[list[Any], str | None]:
    """A page of rows, and the cursor of the next one."""
    key, down = asked.sort.lstrip("-"), asked.sort.startswith("-")
    order = _ORDERS[key]
    query = asked.model_dump(mode="json", exclude={"cursor", "limit"})
    after = None
    if asked.cursor:
        after = cursor.decode(query, asked.cursor, (*(int for _ in order[1:]), str))
    where = conditions(asked, names, along=key)
    parts = [
        _run(db, [a.c.queued == queued, *where], order, down, after, asked.limit + 1)
        for queued in ((True, False) if asked.below else (True,))
    ]
    found = list(heapq.merge(*parts, key=lambda r: tuple(getattr(r, c) for c in order), reverse=down))
    rows = found[: asked.limit]
    if len(found) <= asked.limit:
        return rows, None
    return rows, cursor.encode(query, [getattr(rows[-1], c) for c in order])


def _run(db: Connection, where: list[ColumnElement[bool]], order: tuple[str, ...], down: bool, after: list[Any] | None,
         limit: int) -> list[Any]:  # fmt: skip
    columns = [a.c[name] for name in order]
    sql: Select[Any] = select(*LINE).where(*where)
    if after is not None:
        sql = sql.where(_beyond(columns, after, down))
    return list(db.execute(sql.order_by(*(c.desc() if down else c for c in columns)).limit(limit)))


def _beyond(columns: list[Any], values: list[Any], down: bool) -> ColumnElement[bool]:
    """(columns) comes after (values): the first column bounds the index, the rest decides among equals."""
    steps = []
    for i, c in enumerate(columns):
        beyond = c < values[i] if down else c > values[i]
        steps.append(and_(*(e == v for e, v in zip(columns[:i], values[:i], strict=True)), beyond))
    first = columns[0] <= values[0] if down else columns[0] >= values[0]
    return and_(first, or_(*steps))


def conditions(asked: AlertFilter, names: Names, *, along: str = "") -> list[ColumnElement[bool]]:
    """What an alert must be. ``along``: the column by which rows are read in order.

    The engine is kept from other indexes, which would find rows that it then has to sort: except for a network's own,
    for that of an upload holds few alerts.
    """
    out: list[ColumnElement[bool]] = []
    for name in ("state", "severity", "org", "network", "rule", "domain", "assignee", "subject"):
        values = getattr(asked, name)
        if values:
            own = name in (along, "subject") or (name == "network" and along == "severity")
            out.append((a.c[name] if own else _plain(a.c[name])).in_(values))
    if asked.severity_min is not None:
        severity = a.c.severity if along == "severity" else _plain(a.c.severity)
        out.append(severity >= asked.severity_min)
    if asked.city:
        out.append(_plain(a.c.org).in_(names.in_cities(asked.city)))
    if asked.technique:
        out.append(a.c.techniques.contains(f'"{asked.technique}"', autoescape=True))
    if asked.q:
        out.append(or_(*(c.icontains(asked.q, autoescape=True) for c in (a.c.subject, a.c.related, a.c.rule))))
    times: list[Any] = [(a.c.last_seen, asked.from_, asked.to), (a.c.first_seen, asked.first_from, asked.first_to)]
    for column, since, until in times:
        own = column if column.name == along else _plain(column)
        if since is not None:
            out.append(own >= microseconds(_utc(since)))
        if until is not None:
            out.append(own < microseconds(_utc(until)))
    return out


def _plain(column: Any) -> Any:
    """The same value, which no index is looked up for."""
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


def _utc(moment: Any) -> Any:
    from datetime import UTC

    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_PLAIN = AlertFilter()
_FACETED = {"state", "severity", "org", "city", "rule", "domain", "severity_min", "below"}


class FacetCounts:
    """Counts of alerts by every combination of facet values, read along one index; remembered until news comes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: tuple[int, float, list[Any]] = (-1, 0.0, [])

    def facets(self, db: Connection, asked: AlertFilter, rules: Mapping[str, Rule], names: Names) -> dict[str, Any]:
        combinations = self._combinations(db, asked, names)
        chosen = {f: set(getattr(asked, f)) for f in FACETS}
        counts: dict[str, dict[Any, int]] = {f: {} for f in FACETS}
        total = 0
        for queued, org, rule, state, severity, domain, n in combinations:
            if (not queued and not asked.below) or severity < (asked.severity_min or 0):
                continue
            values = {"org": org, "rule": rule, "state": state, "severity": severity, "domain": domain,
                      "city": names.organisation(org)["city"]}  # fmt: skip
            off = [f for f in FACETS if chosen[f] and values[f] not in chosen[f]]
            total += n if not off else 0
            for f in FACETS if not off else off if len(off) == 1 else ():
                counts[f][values[f]] = counts[f].get(values[f], 0) + n
        return {"total": total, "facets": {f: _buckets(f, counts[f], rules, names) for f in FACETS}}

    def _combinations(self, db: Connection, asked: AlertFilter, names: Names) -> list[Any]:
        others = asked.model_copy(update={f: getattr(_PLAIN, f) for f in _FACETED})
        if others != _PLAIN:
            return _grouped(db, conditions(others, names))
        return self.combinations(db)

    def combinations(self, db: Connection) -> list[Any]:
        """(queued, org, rule, state, severity, domain, count) of all alerts, as they were a moment ago."""
        seen, at, found = self._seen
        now = self._monotonic()
        if seen >= 0 and now - at < KEEP:
            return found
        newest = int(db.execute(select(func.max(activity.c.seq))).scalar() or 0)
        if seen != newest:
            found = _grouped(db, [])
        self._seen = (newest, now, found)
        return found


def _grouped(db: Connection, where: Iterable[ColumnElement[bool]]) -> list[Any]:
    columns = [a.c[name] for name in _COLUMNS]
    sql = select(*columns, func.count()).where(*where).group_by(*columns)
    return [tuple(r) for r in db.execute(sql)]


def _buckets(facet: str, counts: Mapping[Any, int], rules: Mapping[str, Rule], names: Names) -> list[dict[str, Any]]:
    order = sorted(counts.items(), key=lambda kv: -kv[0] if facet == "severity" else (-kv[1], kv[0]))
    return [{"value": str(v), "label": _label(facet, v, rules, names), "count": n} for v, n in order]


def _label(facet: str, value: Any, rules: Mapping[str, Rule], names: Names) -> dict[str, str]:
    if facet == "severity":
        return both(SEVERITIES[value])
    if facet == "org":
        label: dict[str, str] = names.organisation(value)["name"]
        return label
    if facet == "city":
        return names.city(value) if value else both(("no city", "无所属城市"))
    if facet == "rule":
        return title(rules, value)
    return both((STATES if facet == "state" else DOMAINS).get(value, (value, value)))
