"""The situation as it is shown: plain dicts from the rows of ``situation``. Reads only; nothing is computed anew but
the shares in an area, which follow from its organisations' rows of the same time.

``at`` (microseconds) asks for the full hour before it; None for how it stands now. ``as_of`` is said where there is no
row yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from fengsui import wording
from fengsui.finding import HOUR_US, hour
from fengsui.jsonform import time_text
from fengsui.registry.models import alert, situation
from situation import known
from situation.acts import NotThere
from situation.alerts import IN_PROGRESS, NEW
from situation.area import Member, Organisation, Part, area, weight_of
from situation.explain import formula
from situation.index import peer_score
from situation.rows import CITY, ORGANISATION, PROVINCE, Body, Coverage
from situation.standards import Standards
from situation.tables import DIMENSIONS, INSUFFICIENT, Text, text

MOST_CONTRIBUTIONS = 200
_T = situation.c


@dataclass(frozen=True)
class Line:
    """A row without its body: an organisation's body may be long."""

    id: str
    at: int
    index: float | None
    at_least: float | None
    band: str


@dataclass(frozen=True)
class View:
    """What one answer is told from: the organisations, their rows at the time asked for, their open alerts."""

    s: Standards
    at: int | None
    organisations: Mapping[str, Organisation]
    lines: Mapping[str, Line]
    open: Mapping[str, int]

    def members(self, scope: str, id: str) -> list[Organisation]:
        if scope == ORGANISATION:
            return [self.organisations[id]]
        return [o for o in self.organisations.values() if scope == PROVINCE or o.city == id]


def overview(db: Connection, s: Standards, as_of: int, at: int | None = None) -> dict[str, Any]:
    """The province and each of its cities, and what the bands are."""
    view = _view(db, s, at)
    province = _row(db, view, PROVINCE, PROVINCE)
    return {
        "as_of": _told_for(province, as_of), "weights_version": s.weights.version,
        "province": _score(db, view, PROVINCE, PROVINCE, province),
        "cities": [_score(db, view, CITY, c, _row(db, view, CITY, c)) for c in s.regions.cities], "bands": bands(s),
    }  # fmt: skip


def bands(s: Standards) -> list[dict[str, Any]]:
    """The bands by rising index; *insufficient* is none of them."""
    return [{"band": b, "from": v.start, "label": text(v.en, v.zh).both()} for b, v in s.weights.bands.items()]


def score(db: Connection, s: Standards, scope: str, id: str, at: int | None = None) -> dict[str, Any]:
    """One score. Raises NotThere for a scope that is not in the index."""
    view = _view(db, s, at)
    _name(view, scope, id)
    return _score(db, view, scope, id, _row(db, view, scope, id))


def detail(db: Connection, s: Standards, scope: str, id: str, as_of: int, at: int | None = None) -> dict[str, Any]:
    """A score with what it is made of: trend, members, contributions, formula. Raises NotThere.

    An organisation's contributions are all there and sum to its index; of an area there are the greatest, and ``rest``.
    Past hours keep no contributions.
    """
    view = _view(db, s, at)
    _name(view, scope, id)
    row, parts = _row(db, view, scope, id), _parts(view, scope, id)
    shown, when = _score(db, view, scope, id, row), _told_for(row, as_of)
    points = _points(db, view, scope, id, parts)
    top = sorted(points, key=lambda p: (-p[3], p[0], p[2]))
    kept = top if scope == ORGANISATION else top[:MOST_CONTRIBUTIONS]
    rest = top[len(kept) :]
    return shown | {
        "as_of": when, "trend": trend(db, s, scope, id, view.at),
        "members": [] if scope == ORGANISATION else _members(view, scope, id, parts),
        "contributions": _contributions(db, s, kept, when),
        "rest": {"points": sum(p[3] for p in rest), "count": len(rest)} if rest else None,
        "formula": formula(s.weights, scope, shown, parts).both(),
        "peers": _peers(db, view, id) if scope == ORGANISATION else None,
    }


def trend(db: Connection, s: Standards, scope: str, id: str, at: int | None = None) -> list[dict[str, Any]]:
    """The full hours of the last days, and, unless a past time is asked for, how it stands now."""
    hours = s.weights.trend_hours * HOUR_US
    newest = db.execute(select(func.max(_T.at)).where((_T.scope == scope) & (_T.scope_id == id))).scalar()
    if newest is None:
        return []
    end = int(newest) if at is None else at
    where = (_T.scope == scope) & (_T.scope_id == id) & (_T.at > hour(end) - hours) & (_T.at <= end)
    rows = db.execute(select(_T.at, _T.index, _T.band, _T.body).where(where).order_by(_T.at))
    return [{"at": time_text(r.at), "index": r.index, "band": r.band,
             "coverage": msgspec.json.decode(r.body, type=_Covered).coverage.share} for r in rows]  # fmt: skip


class _Covered(msgspec.Struct, frozen=True):
    coverage: Coverage


def _view(db: Connection, s: Standards, at: int | None) -> View:
    columns = (_T.scope_id, _T.at, _T.index, _T.at_least, _T.band)
    rows = db.execute(select(*columns).where((_T.scope == ORGANISATION) & _when(at)))
    lines = {r.scope_id: Line(*r) for r in rows}
    a = alert.c
    counted = select(a.org, func.count()).where(a.queued & a.state.in_((NEW, IN_PROGRESS))).group_by(a.org)
    return View(s, at, known.organisations(db), lines, {org: int(n) for org, n in db.execute(counted)})


def _when(at: int | None) -> ColumnElement[bool]:
    return _T.at % HOUR_US != 0 if at is None else _T.at == hour(at)


def _name(view: View, scope: str, id: str) -> Text:
    if scope == PROVINCE and id == PROVINCE:
        return text(view.s.regions.province.en, view.s.regions.province.zh)
    if scope == CITY and id in view.s.regions.cities:
        return view.s.city(id)
    if scope == ORGANISATION and id in view.organisations:
        return text(view.organisations[id].en, view.organisations[id].zh)
    raise NotThere(f"there is no {scope} {id!r} in the index")


_NOTHING = Body((None,) * len(DIMENSIONS), Coverage(0, 0, 0.0, False))


def _row(db: Connection, view: View, scope: str, id: str) -> Any:
    """The row of a scope at the time asked for; None before the first assessment."""
    columns = (_T.at, _T.index, _T.at_least, _T.band, _T.body)
    where = (_T.scope == scope) & (_T.scope_id == id) & _when(view.at)
    return db.execute(select(*columns).where(where).order_by(_T.at.desc()).limit(1)).first()


def _told_for(row: Any, as_of: int) -> str:
    """The time of a row. The newest one of a full hour stands a microsecond after it, beside the hour's own."""
    at = as_of if row is None else row.at
    return time_text(at - 1 if at % HOUR_US == 1 else at)


def _score(db: Connection, view: View, scope: str, id: str, row: Any) -> dict[str, Any]:
    body = _NOTHING if row is None else msgspec.json.decode(row.body, type=Body)
    w, members = view.s.weights, view.members(scope, id)
    return {
        "scope": scope, "id": id, "name": _name(view, scope, id).both(), "index": row.index if row else None,
        "at_least": row.at_least if row else None, "band": row.band if row else INSUFFICIENT,
        "coverage": msgspec.to_builtins(body.coverage),
        "dimensions": [
            {"dimension": d, "label": text(w.dimensions[d].en, w.dimensions[d].zh).both(), "score": value,
             "weight": w.dimensions[d].alpha}
            for d, value in zip(DIMENSIONS, body.scores, strict=True)
        ],
        "change_24h": _change(db, (_T.scope == scope) & (_T.scope_id == id), row),
        "alerts": sum(view.open.get(o.id, 0) for o in members),
        "worst": None if scope == ORGANISATION else _worst(view, members),
    }  # fmt: skip


def _change(db: Connection, where: ColumnElement[bool], row: Any) -> float | None:
    """The change since the full hour a day before; None if either is unknown."""
    if row is None or row.index is None:
        return None
    before = db.execute(select(_T.index).where(where & (_T.at == hour(row.at) - 24 * HOUR_US))).scalar()
    return None if before is None else float(row.index - before)


def _worst(view: View, members: Iterable[Organisation]) -> dict[str, Any] | None:
    lines = [view.lines[o.id] for o in members if o.id in view.lines and view.lines[o.id].index is not None]
    if not lines:
        return None
    worst = max(lines, key=lambda line: (line.index or 0.0, line.id))
    return {"id": worst.id, "name": _name(view, ORGANISATION, worst.id).both(), "index": worst.index}


def _parts(view: View, scope: str, id: str) -> tuple[float, list[Part]] | None:
    """The index of an area and its parts, from its organisations' rows; None where too few are known."""
    if scope == ORGANISATION:
        return None
    members = [
        Member(o.id, index, weight_of(o, view.s.weights))
        for o in view.members(scope, id)
        if o.id in view.lines and (index := view.lines[o.id].index) is not None
    ]
    return area(members, view.s.weights) if members else None


def _members(view: View, scope: str, id: str, parts: tuple[float, list[Part]] | None) -> list[dict[str, Any]]:
    """Every organisation of an area, those that give most first; one without enough data gives nothing."""
    given = {p.id: p for p in parts[1]} if parts else {}
    out = []
    for o in view.members(scope, id):
        line, p = view.lines.get(o.id), given.get(o.id, Part(o.id, 0.0, 0.0, False))
        out.append({
            "scope": ORGANISATION, "id": o.id, "name": text(o.en, o.zh).both(), "index": line.index if line else None,
            "band": line.band if line else INSUFFICIENT,
            "weight": p.weight, "points": p.points, "floor": p.floor,
        })  # fmt: skip
    return sorted(out, key=lambda m: (-m["points"], -(m["index"] or 0.0), m["id"]))


_Given = tuple[str, str, int, float]
"""An alert, its organisation, the dimension it counts in, its points."""


def _points(db: Connection, view: View, scope: str, id: str, parts: tuple[float, list[Part]] | None) -> list[_Given]:
    """What alerts give to the index now: their points in their organisation × its share in the area."""
    share = {id: 1.0}
    if scope != ORGANISATION:
        index = {p.id: view.lines[p.id].index or 0.0 for p in parts[1]} if parts else {}
        share = {p.id: p.points / index[p.id] for p in parts[1] if index[p.id] > 0} if parts else {}
    out: list[_Given] = []
    for part in known.chunks(share):
        where = (_T.scope == ORGANISATION) & _T.scope_id.in_(part) & _when(view.at)
        for org, body in db.execute(select(_T.scope_id, _T.body).where(where)):
            given = msgspec.json.decode(body, type=Body).points
            out += [(a, org, k, p * share[org]) for a, k, p in given]
    return out


def _contributions(db: Connection, s: Standards, points: Sequence[_Given], when: str) -> list[dict[str, Any]]:
    a = alert.c
    told: dict[str, Any] = {}
    for part in known.chunks({p[0] for p in points}):
        rows = db.execute(select(a.id, a.rule, a.subject, a.severity, a.last_seen).where(a.id.in_(part)))
        told |= {r.id: r for r in rows}
    return [
        {"alert": id, "org": org, "dimension": DIMENSIONS[k], "points": p} | _about(s, told.get(id), when)
        for id, org, k, p in points
    ]


def _about(s: Standards, row: Any, when: str) -> dict[str, Any]:
    """An alert in a word. One that is gone since was counted all the same, until the next assessment."""
    if row is None:
        return {"title": text("gone since", "已消失").both(), "subject": "", "severity": 0, "last_seen": when}
    title = wording.title(s.rules, row.rule)
    return {"title": title, "subject": row.subject, "severity": row.severity, "last_seen": time_text(row.last_seen)}


class _Risk(msgspec.Struct, frozen=True):
    risk: tuple[float, ...]


def _peers(db: Connection, view: View, id: str) -> dict[str, Any]:
    """How an organisation's risk compares with others of its size: a side figure."""
    size = view.organisations[id].size
    same = [o.id for o in view.organisations.values() if o.size == size]
    found: dict[str, float] = {}
    for part in known.chunks(same):
        where = (_T.scope == ORGANISATION) & _T.scope_id.in_(part) & _when(view.at) & _T.index.is_not(None)
        for org, body in db.execute(select(_T.scope_id, _T.body).where(where)):
            found[org] = sum(msgspec.json.decode(body, type=_Risk).risk)
    z = peer_score(found[id], list(found.values())) if id in found else None
    return {"size": size, "organisations": len(found), "z": z}
