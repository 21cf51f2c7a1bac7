"""The fold: findings from the bus become alerts in the registry, each message once, in one transaction.

The fence is the registry's own position: ``UPDATE … SET next = :new WHERE … AND next = :old``. No row means another
fold has gone on: everything is dropped, and the position is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from fengsui import measures, wire
from fengsui.allowance import Allowance
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.errors import BadInput, Fenced
from fengsui.finding import ADDED, EMPTY, RESULT, WITHDRAW, Finding, from_batch
from fengsui.registry import models as m
from fengsui.registry.activity import ALERT, record
from situation.acts import FOLD
from situation.alerts import CLOSED, NEW, REOPENED, WITHDRAWN, Alert, alert_id, alert_of
from situation.triage import severity_closed_at

log = logging.getLogger("fengsui.fold")
_CHUNK = 500


class Fold:
    """Role of the group ``fold`` over ``findings``. ``bus_id`` as of the bus: offsets begin anew on another one."""

    name = "fold"

    def __init__(self, registry: Engine, bus_id: Callable[[str], str] = lambda topic: "",
                 allowance: Allowance | None = None) -> None:  # fmt: skip
        self._registry, self._bus_id = registry, bus_id
        self._allowance = allowance or Allowance(self.name)
        self._next: dict[Place, int] = {}
        self._ahead: dict[Place, int] = {}

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        """Read on from the registry's own positions, which may be ahead of the bus's."""
        self._allowance.begin(assignment.positions)
        with self._registry.begin() as db:
            for topic in {p.topic for p in assignment.positions}:
                _leave_other_buses(db, topic, self._at(Place(topic, 0)).topic)
            self._next = {p: _position(db, self._at(p)) for p in assignment.positions}
        self._ahead = {p: n for p, n in self._next.items() if n > assignment.positions[p]}
        return dict(self._next)

    def _at(self, place: Place) -> Place:
        return wire.at(place, self._bus_id(place.topic))

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not messages:  # one died between registry and bus: the bus learns how far it was
            ahead, self._ahead = self._ahead, {}
            return Commit((), ahead) if ahead else None
        after = {msg.place: msg.offset + 1 for msg in messages}
        findings: list[Finding] = []
        dead: list[Output] = []
        for msg in messages:
            try:
                content = wire.read_message(msg)
            except BadInput as e:
                self._allowance.take(msg.place, now)
                log.error("%s at %d: %s: kept as a dead letter", msg.place, msg.offset, e)
                dead.append(wire.dead_letter(msg, e))
                measures.LETTERS.labels(self.name).inc()
                continue
            if not isinstance(content, wire.Deletion):
                findings += from_batch(content)
        with self._registry.begin() as db:
            for place, new in after.items():
                _advance(db, self._at(place), self._next[place], new)
            touched = apply(db, findings)
            refresh(db, touched, int(now * 1_000_000))
        self._next |= after
        after, self._ahead = self._ahead | after, {}
        return Commit(dead, after, self._allowance.remembered(after) if dead else {})


def _leave_other_buses(db: Connection, topic: str, now: str) -> None:
    """Forget how far a bus was read that is no more, and the versions counted by its offsets: any is newer now."""
    t = m.fold_position
    others = t.c.topic.startswith(f"{topic}@", autoescape=True) & (t.c.topic != now)
    if db.execute(delete(t).where(others)).rowcount:
        db.execute(update(m.result).values(version=-1))


def _position(db: Connection, place: Place) -> int:
    where = (m.fold_position.c.topic == place.topic) & (m.fold_position.c.partition == place.partition)
    row = db.execute(select(m.fold_position.c.next).where(where)).first()
    if row is None:
        db.execute(insert(m.fold_position).values(topic=place.topic, partition=place.partition, next=0))
        return 0
    return int(row[0])


def _advance(db: Connection, place: Place, old: int, new: int) -> None:
    t = m.fold_position
    where = (t.c.topic == place.topic) & (t.c.partition == place.partition) & (t.c.next == old)
    if db.execute(update(t).where(where).values(next=new)).rowcount != 1:
        raise Fenced(f"another fold has gone on with {place}; this one begins from its position")


def apply(db: Connection, findings: Sequence[Finding]) -> set[str]:
    """Bring the findings that hold today up to these; the keys of the alerts touched."""
    touched: set[str] = set()
    fresh: dict[bytes, Finding] = {}  # not yet written, in order
    windows = _Windows(db, findings)
    window: tuple[object, ...] | None = None
    for f in findings:
        if f.form in (RESULT, EMPTY):
            key = (*_key(f), f.result_version)
            if key != window:  # the first row of a result: what it replaces goes
                window = key if windows.replace(f, touched, fresh) else (*key, "older")
            if window == key and f.form == RESULT:
                windows.hold(f, fresh)
        else:
            window = None
            if f.form == WITHDRAW:
                _withdraw(db, f, touched, fresh)
            elif f.form == ADDED:
                fresh[f.finding_id] = f
    windows.write()
    _write(db, fresh.values())
    return touched | {alert_id(f) for f in fresh.values()}


_Key = tuple[str, str, str, int | None]


def _key(f: Finding) -> _Key:
    return f.rule, f.org, f.network, f.window_start


class _Windows:
    """Which result each window of these findings holds: asked for all at once, for a message brings hundreds and most
    are empty. What changes is written at the end, in one statement."""

    def __init__(self, db: Connection, findings: Sequence[Finding]) -> None:
        self._db = db
        self._versions: dict[_Key, tuple[int, str]] = {}
        self._alerts: dict[_Key, set[str]] = {}  # of the findings in the registry
        self._fresh: dict[_Key, list[bytes]] = {}  # of those that are not yet written
        self._changed: set[_Key] = set()
        keys = sorted({_key(f) for f in findings if f.form in (RESULT, EMPTY)}, key=str)
        t, g = m.result, m.finding
        for start in range(0, len(keys), _CHUNK):
            part = keys[start : start + _CHUNK]
            held = tuple_(t.c.rule, t.c.org, t.c.network, t.c.window_start).in_(part)
            for r in db.execute(select(t).where(held)):
                self._versions[r.rule, r.org, r.network, r.window_start] = r.version, r.rule_version
            of = tuple_(g.c.rule, g.c.org, g.c.network, g.c.window_start).in_(part)
            for r in db.execute(select(g.c.rule, g.c.org, g.c.network, g.c.window_start, g.c.alert_id).where(of)):
                self._alerts.setdefault((r.rule, r.org, r.network, r.window_start), set()).add(r.alert_id)

    def replace(self, f: Finding, touched: set[str], fresh: dict[bytes, Finding]) -> bool:
        """Make room for a result. False if a newer one is there."""
        key = _key(f)
        held = self._versions.get(key)
        # Under a changed rule announcements are read from the first again: its results win at any version.
        if held is not None and held[0] > f.result_version and held[1] == f.detector_version:
            return False
        self._versions[key] = f.result_version, f.detector_version
        self._changed.add(key)
        if key in self._alerts:
            touched |= self._alerts.pop(key)
            g = m.finding
            old = (g.c.rule == f.rule) & (g.c.org == f.org) & (g.c.network == f.network) & (
                g.c.window_start == f.window_start)  # fmt: skip
            self._db.execute(delete(g).where(old))
        for i in self._fresh.pop(key, ()):
            if i in fresh:
                touched.add(alert_id(fresh.pop(i)))
        return True

    def hold(self, f: Finding, fresh: dict[bytes, Finding]) -> None:
        fresh[f.finding_id] = f
        self._fresh.setdefault(_key(f), []).append(f.finding_id)

    def write(self) -> None:
        if not self._changed:
            return
        dialect = postgresql if self._db.dialect.name == "postgresql" else sqlite
        sql = dialect.insert(m.result)
        newer = {"version": sql.excluded.version, "rule_version": sql.excluded.rule_version}
        sql = sql.on_conflict_do_update(index_elements=["rule", "org", "network", "window_start"], set_=newer)
        names = ("rule", "org", "network", "window_start", "version", "rule_version")
        rows = [(*key, *self._versions[key]) for key in sorted(self._changed, key=str)]
        self._db.execute(sql, [dict(zip(names, row, strict=True)) for row in rows])


def _withdraw(db: Connection, f: Finding, touched: set[str], fresh: dict[bytes, Finding]) -> None:
    g = m.finding
    old = (g.c.detector == f.detector) & (g.c.org == f.org) & (g.c.network == f.network) & (
        g.c.origin == f.origin) & (g.c.form == ADDED)  # fmt: skip
    touched.update(a for (a,) in db.execute(select(g.c.alert_id).where(old)))
    db.execute(delete(g).where(old))
    key = (f.detector, f.org, f.network, f.origin, ADDED)
    for i in [i for i, x in fresh.items() if (x.detector, x.org, x.network, x.origin, x.form) == key]:
        touched.add(alert_id(fresh.pop(i)))


def _write(db: Connection, findings: Iterable[Finding]) -> None:
    rows = [
        {"finding_id": f.finding_id.hex(), "alert_id": alert_id(f), "form": f.form, "rule": f.rule,
         "detector": f.detector, "org": f.org, "network": f.network, "window_start": f.window_start,
         "origin": f.origin, "body": msgspec.json.encode(f).decode()}
        for f in findings
    ]  # fmt: skip
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        db.execute(delete(m.finding).where(m.finding.c.finding_id.in_([r["finding_id"] for r in part])))
        db.execute(insert(m.finding), part)


def refresh(db: Connection, ids: set[str], at: int) -> None:
    """Compute these alerts anew from the findings that hold, and write what changed, with its activity."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        part = ordered[start : start + _CHUNK]
        held: dict[str, list[Finding]] = {i: [] for i in part}
        for i, body in db.execute(select(m.finding.c.alert_id, m.finding.c.body).where(m.finding.c.alert_id.in_(part))):
            held[i].append(msgspec.json.decode(body, type=Finding))
        before = {r.id: r for r in db.execute(select(m.alert).where(m.alert.c.id.in_(part)))}
        for i in part:
            _refresh_one(db, i, held[i], before.get(i), at)


def _refresh_one(db: Connection, i: str, held: list[Finding], before: Any, at: int) -> None:
    if not held:
        if before is not None:
            _lose(db, before, at)
        return
    row = _row(alert_of(held))
    if before is None:
        seq = _activity(db, at, row["org"], i, "raised", {"severity": row["severity"], "count": row["count"]})
        db.execute(insert(m.alert).values(**row, state=NEW, assignee="", touched=False, changed_seq=seq))
        return
    changed = {k: v for k, v in row.items() if getattr(before, k) != v}
    reopened = _worse_than_closed(db, before, row["severity"])
    if before.state == WITHDRAWN or reopened:
        changed["state"] = NEW
    if not changed:
        return
    told = {k: v for k, v in changed.items() if k in ("severity", "count", "last_seen", "queued", "state")}
    seq = _activity(db, at, row["org"], i, REOPENED if reopened else "updated", told)
    db.execute(update(m.alert).where(m.alert.c.id == i).values(**changed, changed_seq=seq))


def _worse_than_closed(db: Connection, before: Any, severity: int) -> bool:
    """Whether people were done with an alert that is now worse than what they saw."""
    if before.state not in CLOSED or severity <= before.severity:
        return False
    return severity > severity_closed_at(db, before.id)


def _lose(db: Connection, before: Any, at: int) -> None:
    """An alert without findings: withdrawn if a person touched it, otherwise it goes."""
    seq = _activity(db, at, before.org, before.id, "withdrawn", {})
    where = m.alert.c.id == before.id
    if before.touched:
        db.execute(update(m.alert).where(where).values(state=WITHDRAWN, count=0, changed_seq=seq))
    else:
        db.execute(delete(m.alert).where(where))


def _activity(db: Connection, at: int, org: str, alert: str, act: str, body: dict[str, Any]) -> int:
    return record(db, at, org, (ALERT, alert), FOLD, act, body)


def _row(a: Alert) -> dict[str, Any]:
    row = dict(a.__dict__)
    for name in ("related", "techniques", "evidence"):
        row[name] = msgspec.json.encode(row[name]).decode()
    return row
