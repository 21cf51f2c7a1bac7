"""What asks for a warning: reads alerts and indices from the registry, says which cases there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from fengsui.finding import HOUR_US, hour
from fengsui.ids import text_id
from fengsui.registry.models import alert, situation
from situation.alerts import IN_PROGRESS, NEW
from situation.area import Member, Organisation, area, weight_of
from situation.known import NOT_COUNTED, chunks
from situation.rows import ORGANISATION, PROVINCE, Row
from situation.standards import Standards
from situation.warnings import CRITICAL_ALERT, INDEX_JUMP, SHARED_SUBJECT, Basis, Case


@dataclass(frozen=True)
class Seen:
    """An alert as the registry has it. ``real``: neither a false positive nor withdrawn."""

    basis: Basis
    related: str
    queued: bool
    state: str

    @property
    def real(self) -> bool:
        return self.queued and self.state not in NOT_COUNTED

    def subjects(self) -> list[str]:
        return [self.basis.subject, *msgspec.json.decode(self.related, type=list[str])]


_A = alert.c
_COLUMNS = (_A.id, _A.org, _A.rule, _A.category, _A.subject, _A.severity, _A.summary, _A.first_seen, _A.last_seen,
            _A.related, _A.queued, _A.state)  # fmt: skip


def read(db: Connection, where: ColumnElement[bool]) -> list[Seen]:
    return [Seen(Basis(*r[:9]), r.related, r.queued, r.state) for r in db.execute(select(*_COLUMNS).where(where))]


def alerts(db: Connection, ids: Iterable[str]) -> dict[str, Seen]:
    """These alerts, those that are gone left out."""
    return {s.basis.id: s for part in chunks(ids) for s in read(db, _A.id.in_(part))}


def of_late(db: Connection, since: int, orgs: Collection[str]) -> list[Seen]:
    """Every real alert of registered organisations that was seen since (microseconds)."""
    found = read(db, _A.queued & (_A.last_seen >= since) & _A.state.notin_(NOT_COUNTED))
    return [s for s in found if s.basis.org in orgs]


def critical(seen: Seen, s: Standards) -> Case | None:
    """A critical alert that nobody is done with."""
    b = seen.basis
    if not seen.queued or seen.state not in (NEW, IN_PROGRESS) or b.severity < s.warnings.critical_severity:
        return None
    return Case(CRITICAL_ALERT, f"{CRITICAL_ALERT}:{b.id}", (b,))


def shared(subject: str, of: list[Basis], s: Standards) -> Case | None:
    """A public subject in the alerts of enough organisations."""
    if len({b.org for b in of}) < s.warnings.shared.organisations:
        return None
    key = f"{SHARED_SUBJECT}:{text_id('subject', subject).hex()}"
    return Case(SHARED_SUBJECT, key, tuple(of), subject=subject)


def jump(db: Connection, row: Row, organisations: Mapping[str, Organisation], s: Standards) -> Case | None:
    """An index that has risen by so much; its basis are the worst alerts in that time of those who made it rise.

    What one organisation alone has done to its city or the province is that organisation's case.
    """
    rule = s.warnings.jump
    since = hour(row.at) - rule.hours * HOUR_US
    least = _least(db, row, since) if row.index is not None and row.index >= rule.points else None
    if row.index is None or least is None or row.index - least < rule.points:
        return None
    basis = tuple(_made_by(db, _makers(db, row, organisations, s), since, rule.basis))
    if not basis:
        return None
    scope = (row.scope, row.scope_id)
    return Case(INDEX_JUMP, f"{INDEX_JUMP}:{row.scope}:{row.scope_id}", basis, scope=scope, moved=(least, row.index))


def _least(db: Connection, row: Row, since: int) -> float | None:
    """The lowest index at a full hour since; None where there was too little data all the time."""
    t = situation.c
    where = (t.scope == row.scope) & (t.scope_id == row.scope_id) & (t.at >= since) & (t.at % HOUR_US == 0)
    value = db.execute(select(func.min(t.index)).where(where)).scalar()
    return None if value is None else float(value)


def _makers(db: Connection, row: Row, organisations: Mapping[str, Organisation], s: Standards) -> list[str]:
    """The organisations that made an index rise; none if one alone has done it to its area."""
    if row.scope == ORGANISATION:
        return [row.scope_id]
    t = situation.c
    where = (t.scope == ORGANISATION) & (t.at % HOUR_US != 0) & t.index.is_not(None)
    index = {id: float(i) for id, i in db.execute(select(t.scope_id, t.index).where(where))}
    members = [o for o in organisations.values() if o.id in index and row.scope_id in (PROVINCE, o.city)]
    return makers([Member(o.id, index[o.id], weight_of(o, s.weights)) for o in members], s)


def makers(members: Sequence[Member], s: Standards) -> list[str]:
    """Those members of an area that make up ``made_by`` of its weighted mean, the greatest first.

    None if one is ``alone`` responsible: for more than that share, or because the floor of the worst holds the area up.
    """
    give = sorted(((m.weight * m.index, m.id) for m in members if m.index > 0), key=lambda g: (-g[0], g[1]))
    total = sum(g for g, _ in give)
    if not give or give[0][0] > s.warnings.jump.alone * total or any(p.floor for p in area(members, s.weights)[1]):
        return []
    before = accumulate((g for g, _ in give), initial=0.0)
    return [id for (_, id), b in zip(give, before, strict=False) if b < s.warnings.jump.made_by * total]


def _made_by(db: Connection, orgs: list[str], since: int, most: int) -> list[Basis]:
    """The worst real alerts of organisations, first what began since, then what went on: each one's worst before the
    second of any."""
    found = [
        s.basis for part in chunks(orgs)
        for s in read(db, _A.org.in_(part) & (_A.last_seen >= since) & _A.queued & _A.state.notin_(NOT_COUNTED))
    ]  # fmt: skip
    found.sort(key=lambda b: (b.first_seen < since, -b.severity, -b.last_seen, b.id))
    before: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for i, b in enumerate(found):
        turns.append((before[b.org], i))
        before[b.org] += 1
    return [found[i] for _, i in sorted(turns)[:most]]
