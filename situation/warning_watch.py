"""The machine's part in warnings: it drafts, keeps drafts up to date, and proposes changes to what is out.

It never changes what a person has issued, and never raises again what a person has closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from fengsui.finding import HOUR_US, hour
from fengsui.ids import text_id
from fengsui.registry.models import warning as table
from situation import warning_book as book
from situation import warning_cases as cases
from situation.acts import ASSESS
from situation.area import Organisation
from situation.notice import content, level_name
from situation.rows import ORGANISATION
from situation.sightings import Sightings
from situation.standards import Standards
from situation.table import Written
from situation.tables import Level, Text
from situation.warning_book import Kept
from situation.warnings import (
    CRITICAL_ALERT,
    DISMISSED,
    DRAFT,
    FEWER,
    INDEX_JUMP,
    MERGED,
    NOT_NEEDED,
    OPEN,
    SHARED_SUBJECT,
    UNFOUNDED,
    Basis,
    Body,
    Case,
    Content,
    Proposal,
    grade,
    proposal,
)  # fmt: skip


class WarningWatch:
    """Remembers which alerts concern which public subject; everything else is in the registry."""

    def __init__(self, standards: Standards) -> None:
        self._standards = standards
        self._sightings: Sightings | None = None
        self._found: dict[str, cases.Seen] = {}
        self._hour = 0

    def prepare(self, db: Connection, changed: Mapping[str, str], organisations: Mapping[str, Organisation],
                as_of: int) -> None:  # fmt: skip
        """Read what :meth:`look` will need of the alerts that changed; the first time, of all of late."""
        fresh = as_of - self._standards.warnings.fresh_hours * HOUR_US
        if self._sightings is None:
            self._sightings, self._found = self._begin(db, changed, organisations, fresh)
        else:
            self._found = cases.alerts(db, changed)

    def look(self, db: Connection, changed: Mapping[str, str], organisations: Mapping[str, Organisation],
             written: Mapping[tuple[str, str], Written], as_of: int, at: int) -> None:  # fmt: skip
        """Draft and update in the caller's transaction. ``changed``: alerts, with their organisation; ``written``: the
        scopes whose index is new; times are microseconds, ``at`` dates the activity. Call :meth:`prepare` before."""
        s = self._standards
        fresh = as_of - s.warnings.fresh_hours * HOUR_US
        sightings, found = self._sightings, self._found
        assert sightings is not None
        subjects = self._see(sightings, found, changed, organisations)
        if self._hour != hour(as_of):
            self._hour = hour(as_of)
            sightings.forget(fresh)
        desk = Desk(db, s, organisations, fresh, at)
        for subject in sorted(subjects):
            desk.offer(cases.shared(subject, sightings.of(subject, s.warnings.shared.hours * HOUR_US), s))
        for seen in found.values():
            if seen.basis.org in organisations:
                desk.offer(cases.critical(seen, s))
        for w in written.values():
            desk.offer(cases.jump(db, w.newest, organisations, s))
        desk.review(changed)

    def _begin(self, db: Connection, changed: Mapping[str, str], organisations: Mapping[str, Organisation], fresh: int
               ) -> tuple[Sightings, dict[str, cases.Seen]]:  # fmt: skip
        """The sightings of late, and those of the alerts that changed which are: others make no draft."""
        sightings, found = Sightings(self._standards.warnings.private), {}
        for seen in cases.of_late(db, fresh, organisations):
            if seen.basis.id in changed:
                found[seen.basis.id] = seen
            else:
                sightings.see(seen.basis, seen.subjects())
        return sightings, found

    @staticmethod
    def _see(sightings: Sightings, found: Mapping[str, cases.Seen], changed: Mapping[str, str],
             organisations: Mapping[str, Organisation]) -> set[str]:  # fmt: skip
        """Bring the sightings up to date; the public subjects of the alerts that changed, today's and yesterday's."""
        subjects: set[str] = set()
        for id in changed:
            subjects.update(sightings.lose(id))
            now = found.get(id)
            if now is not None and now.real and now.basis.org in organisations:
                subjects.update(sightings.see(now.basis, now.subjects()))
        return subjects


class Desk:
    """The warnings of one step: each case goes to the warning that it belongs to, or becomes a draft."""

    def __init__(self, db: Connection, s: Standards, organisations: Mapping[str, Organisation], fresh: int, at: int):
        self._db, self._s, self._organisations, self._fresh, self._at = db, s, organisations, fresh, at
        self._open = {w.key: w for w in book.still_open(db)}
        self._done: set[str] = set()
        self._settled: frozenset[str] | None = None

    def offer(self, case: Case | None) -> None:
        """Take up a case, if there is one and no other warning covers it."""
        while case is not None:
            there = self._there(case.key)
            if there is None or (there.state == DISMISSED and there.body.closed_by_machine):
                self._draft(case, there)
            elif there.state in OPEN:
                self._update(there, self._joined(there, case))
            else:  # a person closed it: its alerts do not count again, and what is left is another warning's
                case = self._left(case, there)
                continue
            return

    def _there(self, key: str) -> Kept | None:
        return self._open.get(key) or next(iter(book.read(self._db, table.c.key == key)), None)

    def _left(self, case: Case, closed: Kept) -> Case | None:
        basis = tuple(b for b in case.basis if b.id not in closed.body.content.severities)
        key, _, number = case.key.partition("#")
        key = f"{key}#{int(number or 1) + 1}"
        rest = msgspec.structs.replace(case, basis=basis, key=key)
        return rest if basis and self._holds(rest) else None

    def _holds(self, case: Case) -> bool:
        return case.trigger != SHARED_SUBJECT or len(case.orgs) >= self._s.warnings.shared.organisations

    def _covered(self, case: Case) -> bool:
        """Whether other warnings already speak of a critical alert, or of all that moved an index.

        Of an organisation's jump those that are open count, of any jump those that people have closed.
        """
        if case.trigger == CRITICAL_ALERT:
            shared = (w for w in self._open.values() if w.trigger == SHARED_SUBJECT)
            return any(case.basis[0].id in w.body.content.severities for w in shared)
        if case.trigger != INDEX_JUMP:
            return False
        told = set(self._closed())
        if case.scope[0] == ORGANISATION:
            told.update(*(w.body.content.severities for w in self._open.values() if w.key != case.key))
        return all(b.id in told for b in case.basis)

    def _closed(self) -> frozenset[str]:
        """The alerts of warnings that people closed of late."""
        if self._settled is None:
            closed = (w.body for w in book.closed(self._db) if not w.body.closed_by_machine)
            self._settled = frozenset(id for body in closed for id in body.content.severities)
        return self._settled

    def _content(self, case: Case) -> Content:
        return content(case, grade(case, self._organisations, self._s), self._organisations, self._s)

    def _draft(self, case: Case, before: Kept | None) -> None:
        new = self._content(case)
        if new.grade.level is None or max(b.last_seen for b in case.basis) < self._fresh or self._covered(case):
            return
        level = new.grade.level
        body = Body(content=new, level_name=level_name(level, self._s), scope=case.scope, moved=case.moved)
        if before is not None:
            body = msgspec.structs.replace(body, versions=before.body.versions, edited=before.body.edited)
        id, created = (before.id, before.created_at) if before else (text_id("warning", case.key).hex(), self._at)
        w = Kept(id, case.key, case.trigger, DRAFT, level, case.subject, created, None, 0, body)
        self._write(w, "drafted", {"trigger": case.trigger, "why": new.grade.why.both(), "orgs": list(new.orgs)})
        if case.trigger == SHARED_SUBJECT:
            self._merge(w)

    def _merge(self, into: Kept) -> None:
        """Drafts of single alerts that have become part of a shared subject's warning."""
        for w in list(self._open.values()):
            joined = set(w.body.content.severities) <= set(into.body.content.severities)
            if w.state == DRAFT and w.trigger == CRITICAL_ALERT and joined:
                self._dismiss(w, MERGED)

    def _joined(self, w: Kept, case: Case) -> Case:
        """The case with what the warning rests on already, as far as it still stands."""
        held = {b.id: b for b in self._real(w)} | {b.id: b for b in case.basis}
        moved = w.body.moved if w.state != DRAFT else case.moved
        return msgspec.structs.replace(case, basis=tuple(held[i] for i in sorted(held)), moved=moved)

    def _real(self, w: Kept) -> list[Basis]:
        found = cases.alerts(self._db, w.body.content.severities)
        return [seen.basis for seen in found.values() if seen.real]

    def review(self, changed: Mapping[str, str]) -> None:
        """Look again at the warnings whose alerts changed without making a case: closed as false, gone, milder."""
        for w in list(self._open.values()):
            known = {*w.body.content.severities, *(w.body.pending.severities if w.body.pending else ())}
            if w.id in self._done or known.isdisjoint(changed):
                continue
            basis = tuple(sorted(self._real(w)))
            base = Case(w.trigger, w.key, basis, w.subject, w.body.scope, w.body.moved)
            if not basis:
                self._end(w, UNFOUNDED)
            elif not self._holds(base):
                self._end(w, FEWER)
            else:
                self._update(w, base)

    def _update(self, w: Kept, case: Case) -> None:
        self._done.add(w.id)
        new = self._content(case)
        if w.state != DRAFT:
            self._propose(w, proposal(w.body.content, new), new)
        elif new.grade.level is None:
            self._dismiss(w, NOT_NEEDED)
        elif new.differs(w.body.content):
            self._redraft(w, new, new.grade.level)
            if case.trigger == SHARED_SUBJECT:
                self._merge(self._open[w.key])

    def _redraft(self, w: Kept, new: Content, level: Level) -> None:
        body = msgspec.structs.replace(w.body, content=new, level_name=level_name(level, self._s))
        said = {"before": {"level": w.level, "orgs": list(w.body.content.orgs)}, "why": new.grade.why.both(),
                "orgs": list(new.orgs)}  # fmt: skip
        self._write(_with(w, level=level, body=body), "updated", said)

    def _end(self, w: Kept, why: Text) -> None:
        self._done.add(w.id)
        if w.state == DRAFT:
            self._dismiss(w, why)
        else:
            self._propose(w, Proposal("none", why), None)

    def _dismiss(self, w: Kept, why: Text) -> None:
        body = msgspec.structs.replace(w.body, closed_by_machine=True)
        self._write(_with(w, state=DISMISSED, body=body), "dismissed", {"why": why.both()})

    def _propose(self, w: Kept, p: Proposal | None, new: Content | None) -> None:
        """Say what the machine would change in a warning that is out; what was issued stays as it was."""
        if p == w.body.proposal:
            return
        body = msgspec.structs.replace(w.body, proposal=p, pending=new if p else None)
        said: dict[str, Any] = {"proposal": {"level": p.level, "why": p.why.both()} if p else None}
        self._write(_with(w, body=body), "proposed", said)

    def _write(self, w: Kept, act: str, said: dict[str, Any]) -> None:
        kept = book.write(self._db, w, ASSESS, act, self._at, said)
        self._done.add(w.id)
        if kept.state in OPEN:
            self._open[kept.key] = kept
        else:
            self._open.pop(kept.key, None)


def _with(w: Kept, **changes: Any) -> Kept:
    return Kept(**{**w.__dict__, **changes})
