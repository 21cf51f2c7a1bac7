"""The table ``situation``: rows are compared with what is there, and only what differs is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from fengsui.finding import HOUR_US
from fengsui.jsonform import time_text
from fengsui.registry.activity import SITUATION, record
from fengsui.registry.models import situation
from situation.acts import ASSESS
from situation.rows import ORGANISATION, Body, Row, Standing, newest
from situation.tables import Weights

NOW = -1
"""Stands for the time of the newest row, whatever it is."""
_SAME = 1e-9


@dataclass(frozen=True)
class Written:
    """Of one scope: the times at which its rows changed (NOW for the newest), and the newest."""

    times: frozenset[int]
    newest: Row


def put(db: Connection, rows: Sequence[Row], start: int, w: Weights, at: int) -> Written:
    """Write the rows of one scope, the newest last, over those from ``start`` on; the activity is dated ``at``."""
    last = rows[-1]
    there, told = _stored(db, last.scope, last.scope_id, start)
    last = _with_told(last, told)
    if _tell(last, told, w):
        last = _with_told(last, (last.index, last.band))
        _record(db, last, told, at)
    changed = [r for r in rows[:-1] if not _same(r, there.get(r.at), w)]
    old = [t for t in there if newest(t)]
    _write(db, [*changed, last], {*old, last.at, *(r.at for r in changed)}, w, at)
    return Written(frozenset({NOW, *(r.at for r in changed)}), last)


def drop_newest(db: Connection, before: int) -> None:
    """Newest rows that were left from before all that is computed anew: after a long pause."""
    t = situation
    db.execute(delete(t).where((t.c.at < before) & (t.c.at % HOUR_US != 0)))


def _with_told(row: Row, told: tuple[float | None, str] | None) -> Row:
    body = msgspec.structs.replace(row.body, told=told)
    return Row(row.scope, row.scope_id, row.at, row.index, row.at_least, row.band, body)


_Stored = tuple[float | None, float | None, str, str, str]


def _stored(db: Connection, scope: str, scope_id: str, start: int
            ) -> tuple[dict[int, _Stored], tuple[float | None, str] | None]:  # fmt: skip
    """What is there from ``start`` on, by time; what the activity was last told."""
    t = situation
    where = (t.c.scope == scope) & (t.c.scope_id == scope_id) & (t.c.at >= start)
    found: dict[int, _Stored] = {}
    told = None
    columns = (t.c.at, t.c.index, t.c.at_least, t.c.band, t.c.body, t.c.weights)
    for at, index, low, band, body, weights in db.execute(select(*columns).where(where)):
        found[at] = (index, low, band, body, weights)
        if newest(at):
            told = msgspec.json.decode(body, type=Body).told
    return found, told


def _same(row: Row, stored: _Stored | None, w: Weights) -> bool:
    if stored is None or stored[2] != row.band or stored[4] != w.version:
        return False
    close = _close(row.index, stored[0]) and _close(row.at_least, stored[1])
    return close and stored[3] == msgspec.json.encode(row.body).decode()


def _close(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(a - b) < _SAME


def _write(db: Connection, rows: Sequence[Row], gone: Iterable[int], w: Weights, at: int) -> None:
    t, last = situation, rows[-1]
    db.execute(delete(t).where((t.c.scope == last.scope) & (t.c.scope_id == last.scope_id) & t.c.at.in_(sorted(gone))))
    db.execute(insert(t), [
        {"scope": r.scope, "scope_id": r.scope_id, "at": r.at, "index": r.index, "at_least": r.at_least,
         "band": r.band, "body": msgspec.json.encode(r.body).decode(), "weights": w.version, "computed_at": at}
        for r in rows
    ])  # fmt: skip


def _tell(row: Row, told: tuple[float | None, str] | None, w: Weights) -> bool:
    """Whether the newest row is worth an entry: another band, or moved enough since the last entry."""
    if told is None or told[1] != row.band:
        return told is not None or row.index is not None
    return row.index is not None and told[0] is not None and abs(row.index - told[0]) >= w.told


def _record(db: Connection, row: Row, told: tuple[float | None, str] | None, at: int) -> None:
    before = {"index": told[0], "band": told[1]} if told else None
    body: dict[str, Any] = {"scope": row.scope, "id": row.scope_id, "index": row.index, "band": row.band,
                            "at": time_text(row.at), "before": before}  # fmt: skip
    org = row.scope_id if row.scope == ORGANISATION else ""
    record(db, at, org, (SITUATION, f"{row.scope}:{row.scope_id}"), ASSESS, "computed", body)


class _Scores(msgspec.Struct, frozen=True):
    scores: tuple[float | None, ...]


def standings(db: Connection, times: Iterable[int], start: int) -> dict[int, dict[str, Standing]]:
    """By time (NOW for the newest), then by organisation, what every organisation's row says. ``start``: the least
    full hour that is asked for, or the last full hour."""
    asked = frozenset(times)
    out: dict[int, dict[str, Standing]] = {t: {} for t in asked}
    t = situation
    where = (t.c.scope == ORGANISATION) & (t.c.at >= start)
    columns = (t.c.scope_id, t.c.at, t.c.index, t.c.at_least, t.c.body)
    for id, at, index, low, body in db.execute(select(*columns).where(where)):
        key = NOW if newest(at) else at
        if key in asked:
            out[key][id] = Standing(index, low, msgspec.json.decode(body, type=_Scores).scores)
    return out


def by_scope(written: Mapping[tuple[str, str], Written], members: Iterable[str]) -> frozenset[int]:
    """The times at which any of these organisations changed."""
    return frozenset().union(*(written[(ORGANISATION, o)].times for o in members if (ORGANISATION, o) in written))
