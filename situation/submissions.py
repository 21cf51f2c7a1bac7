"""Software that was handed in: what waits to be scanned, who scans it, what came of it, and its end.

The content lies in the blob store of its organisation before a row names it. A job is taken for a time; who does not
finish in it has lost it, and another does it again, harmlessly: facts are kept by content and analysis, and the first
writer wins. A verdict in a row is the one that was told last; what it is today is computed from the facts.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from fengsui.registry.activity import SUBMISSION, record
from fengsui.registry.models import scan_exception, scan_facts, scan_job
from fengsui.registry.models import submission as t
from situation.acts import NotThere, Refused

WAITING, SCANNING, DONE, DELETED = "waiting", "scanning", "done", "deleted"
STATES = (WAITING, SCANNING, DONE, DELETED)
INTERACTIVE, BULK = 0, 1
LANES = {"interactive": INTERACTIVE, "bulk": BULK}
TRIES = 3
"""Times that a job is taken before it counts as one that nobody can do."""
SCANNER = "scan"
"""The actor of what a scan worker does."""
SHARE = 2
"""Jobs of one organisation that are at work while those of others wait."""


@dataclass(frozen=True)
class New:
    """Content that is in the blob store, to be scanned. ``passwords`` open what is encrypted in it."""

    org: str
    name: str
    size: int
    sha256: str
    profile: str
    passwords: tuple[str, ...] = ()
    lane: int = INTERACTIVE


def submit(db: Connection, new: New, actor: str, now: int) -> str:
    """A new submission with its job; its id."""
    key = secrets.token_hex(16)
    db.execute(insert(t).values(
        id=key, org=new.org, name=new.name[:255], size=new.size, sha256=new.sha256, profile=new.profile, actor=actor,
        created_at=now, state=WAITING, verdict="", probability=None, facts="", analysis="", problem="", changed_at=now,
        changed_by=actor))  # fmt: skip
    _job(db, key, new.lane, new.passwords, now)
    record(db, now, new.org, (SUBMISSION, key), actor, "submitted", {"name": new.name, "sha256": new.sha256})
    return key


def _job(db: Connection, key: str, lane: int, passwords: Sequence[str], now: int) -> None:
    db.execute(insert(scan_job).values(
        submission=key, lane=lane, created_at=now, secrets=msgspec.json.encode(list(passwords)).decode(), lease_by="",
        lease_until=0, tries=0))  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What a worker has taken: content to scan, or a deleted submission of which the queue still speaks."""

    submission: str
    org: str
    name: str
    sha256: str
    profile: str
    passwords: tuple[str, ...]
    tries: int
    created_at: int
    state: str


def waits(db: Connection, by: str, now: int) -> bool:
    """Whether there is a job to take: asked before, so that who has nothing to do writes nothing."""
    j = scan_job
    return db.execute(select(j.c.submission).where(or_(j.c.lease_until < now, j.c.lease_by == by)).limit(1)
                      ).first() is not None  # fmt: skip


def claim(db: Connection, by: str, now: int, until: int) -> Job | None:
    """The next job for ``by``, until ``until`` (microseconds): what it had and did not finish, then interactive before
    bulk, the oldest first; of an organisation with SHARE jobs at work others' come first. None if nothing waits."""
    j = scan_job
    free = or_(j.c.lease_until < now, j.c.lease_by == by)
    busy = (select(t.c.org, func.count().label("n")).join(j, j.c.submission == t.c.id)
            .where(j.c.lease_until >= now, j.c.lease_by != by).group_by(t.c.org).subquery())  # fmt: skip
    crowded = func.coalesce(busy.c.n, 0) >= SHARE
    sql = (select(j.c.submission, j.c.secrets, j.c.tries, j.c.created_at, t.c.org, t.c.name, t.c.sha256, t.c.profile,
                  t.c.state)
           .join(t, t.c.id == j.c.submission).outerjoin(busy, busy.c.org == t.c.org).where(free)
           .order_by((j.c.lease_by != by), j.c.lane, crowded, j.c.created_at, j.c.submission).limit(1))  # fmt: skip
    row = db.execute(sql).first()
    if row is None:
        return None
    taken = update(j).where(and_(j.c.submission == row.submission, free))
    if not db.execute(taken.values(lease_by=by, lease_until=until, tries=row.tries + 1)).rowcount:
        return None  # another was faster
    if row.state != DELETED:
        db.execute(update(t).where(t.c.id == row.submission).values(state=SCANNING, changed_at=now))
    words = tuple(msgspec.json.decode(row.secrets, type=list[str]))
    return Job(row.submission, row.org, row.name, row.sha256, row.profile, words, row.tries + 1,
               row.created_at, row.state)  # fmt: skip


def known_facts(db: Connection, job: Job, analysis: str) -> str:
    """The SHA-256 of facts that are kept already; "" if none are, or if a password may say more."""
    f = scan_facts
    mine = (f.c.org == job.org, f.c.sha256 == job.sha256, f.c.analysis == analysis, f.c.profile == job.profile)
    found = db.execute(select(f.c.facts).where(*mine)).first()
    return "" if found is None or job.passwords else str(found.facts)


@dataclass(frozen=True)
class Outcome:
    """What a worker found: the blob of the facts, what found them (``finder``) and what judged them besides
    (``analysis``), and the verdict on them today. ``package``: which it is."""

    facts: str
    finder: str
    analysis: str
    verdict: str
    probability: float | None
    problem: str = ""
    keep: bool = True
    package: str = ""


def finish(db: Connection, job: Job, by: str, outcome: Outcome, now: int) -> bool:
    """Write the outcome and end the job. False if the job was lost, or the submission deleted, meanwhile: then nothing
    is written, and the facts blob may be deleted."""
    j = scan_job
    if not db.execute(delete(j).where(j.c.submission == job.submission, j.c.lease_by == by)).rowcount:
        return False
    if job.state == DELETED:
        return True
    before = db.execute(select(t.c.verdict).where(t.c.id == job.submission)).scalar_one()
    db.execute(update(t).where(t.c.id == job.submission).values(
        state=DONE, verdict=outcome.verdict, probability=outcome.probability, facts=outcome.facts,
        analysis=outcome.analysis, problem=outcome.problem, changed_at=now, changed_by=SCANNER,
        package=outcome.package))  # fmt: skip
    if outcome.keep and outcome.facts:
        f = scan_facts
        mine = {"org": job.org, "sha256": job.sha256, "analysis": outcome.finder, "profile": job.profile}
        where = and_(*(f.c[name] == value for name, value in mine.items()))
        if not db.execute(update(f).where(where).values(facts=outcome.facts, at=now)).rowcount:
            db.execute(insert(f).values(**mine, facts=outcome.facts, at=now))
    body = {"verdict": outcome.verdict} | ({"before": before} if before not in ("", outcome.verdict) else {})
    record(db, now, job.org, (SUBMISSION, job.submission), SCANNER, "scanned", body)
    return True


def previous(db: Connection, key: str, package: str) -> str:
    """The facts of what was handed in before as the same package by the same organisation; "" if there is none."""
    if not package:
        return ""
    row = find(db, key)
    found = db.execute(
        select(t.c.facts).where(t.c.org == row.org, t.c.package == package, t.c.state != DELETED, t.c.facts != "",
                                t.c.sha256 != row.sha256, t.c.created_at <= row.created_at, t.c.id != key)
        .order_by(t.c.created_at.desc(), t.c.id.desc()).limit(1)).first()  # fmt: skip
    return "" if found is None else str(found.facts)


def release(db: Connection, job: Job, by: str, *, counts: bool = True) -> None:
    """Give a job back without having done it, at once. Where it was not the job's fault the try does not count."""
    j = scan_job
    tries = job.tries if counts else job.tries - 1
    db.execute(update(j).where(j.c.submission == job.submission, j.c.lease_by == by)
               .values(lease_by="", lease_until=0, tries=tries))  # fmt: skip


def find(db: Connection, key: str) -> Row[Any]:
    """One submission, deleted ones too. Raises NotThere."""
    row = db.execute(select(t).where(t.c.id == key)).first()
    if row is None:
        raise NotThere(f"there is no submission {key}")
    return row


def page(db: Connection, *, org: str = "", states: Sequence[str] = (), verdicts: Sequence[str] = (), sha256: str = "",
         limit: int = 50, after: tuple[int, str] | None = None
         ) -> tuple[list[Row[Any]], tuple[int, str] | None]:  # fmt: skip
    """Submissions, the newest first; and where the next page begins."""
    sql = select(t).order_by(t.c.created_at.desc(), t.c.id.desc()).limit(limit + 1)
    for column, value in ((t.c.org, org), (t.c.sha256, sha256)):
        if value:
            sql = sql.where(column == value)
    for column, values in ((t.c.state, states), (t.c.verdict, verdicts)):
        if values:
            sql = sql.where(column.in_(values))
    if after is not None:
        sql = sql.where(or_(t.c.created_at < after[0], and_(t.c.created_at == after[0], t.c.id < after[1])))
    rows = list(db.execute(sql).all())
    return rows[:limit], (rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None


def named(db: Connection, keys: Sequence[str]) -> Sequence[Row[Any]]:
    """Those of some submissions that are there and judged."""
    return db.execute(select(t).where(t.c.id.in_(keys), t.c.state != DELETED, t.c.verdict != "")).all()


def rescan(db: Connection, key: str, lane: int, passwords: Sequence[str], actor: str, now: int) -> None:
    """Scan it again. Raises Refused if it waits already, or was deleted."""
    row = find(db, key)
    if row.state != DONE:
        raise Refused(f"it is {row.state}", zh="当前状态不允许重新扫描")
    db.execute(delete(scan_job).where(scan_job.c.submission == key))  # it may wait to be judged anew
    _job(db, key, lane, passwords, now)
    db.execute(update(t).where(t.c.id == key).values(state=WAITING, changed_at=now, changed_by=actor))
    record(db, now, row.org, (SUBMISSION, key), actor, "rescan", {})


def any_outdated(db: Connection, analysis: str, before: int) -> bool:
    """Whether ``outdated`` would find any, but for those that wait already."""
    old = (t.c.state == DONE, t.c.analysis != analysis, t.c.changed_at < before)
    return db.execute(select(t.c.id).where(*old).limit(1)).first() is not None


def outdated(db: Connection, analysis: str, before: int, most: int) -> int:
    """Have submissions scanned anew, after everything else, that another analysis judged before a moment: what a new
    rule or model says of them. How many; what is not done yet is found again, so a run that is cut off goes on."""
    waiting = select(scan_job.c.submission)
    old = (t.c.state == DONE, t.c.analysis != analysis, t.c.changed_at < before, t.c.id.notin_(waiting))
    found = db.execute(select(t.c.id).where(*old).order_by(t.c.created_at.desc(), t.c.id).limit(most)).all()
    for row in found:
        _job(db, row.id, BULK, (), before)
    return len(found)


def remove(db: Connection, key: str, actor: str, now: int) -> tuple[str, list[str]]:
    """Leave nothing of a submission but its tombstone: hash, when, who. Returns its organisation and the blobs that
    nothing of that organisation names any more, to be deleted after the transaction. Raises NotThere, Refused."""
    row = find(db, key)
    if row.state == DELETED:
        raise Refused("it was deleted before", zh="此前已删除")
    db.execute(delete(scan_job).where(scan_job.c.submission == key))
    if row.verdict:  # what was said of it to the queue is to be taken back
        _job(db, key, BULK, (), now)
    db.execute(update(t).where(t.c.id == key).values(
        name="", size=0, state=DELETED, verdict="", probability=None, facts="", problem="", changed_at=now,
        changed_by=actor, package=""))  # fmt: skip
    record(db, now, row.org, (SUBMISSION, key), actor, "deleted", {"sha256": row.sha256})
    others = select(func.count()).where(t.c.org == row.org, t.c.sha256 == row.sha256, t.c.state != DELETED)
    if db.execute(others).scalar_one():
        return row.org, []
    f = scan_facts
    mine = (f.c.org == row.org) & (f.c.sha256 == row.sha256)
    blobs = [row.sha256, *(r.facts for r in db.execute(select(f.c.facts).where(mine)))]
    db.execute(delete(f).where(mine))
    return row.org, [*dict.fromkeys([*blobs, *([row.facts] if row.facts else [])])]


def excepted(db: Connection, org: str, sha256: str, now: int) -> Row[Any] | None:
    """The exception that holds for content of an organisation, if one does."""
    e = scan_exception
    holds = (e.c.org == org, e.c.sha256 == sha256, e.c.ended_at.is_(None), e.c.expires_at > now)
    return db.execute(select(e).where(*holds).order_by(e.c.expires_at.desc()).limit(1)).first()


def except_it(db: Connection, org: str, sha256: str, reason: str, owner: str, expires: int, now: int) -> str:
    """Accept content until a day. Raises Refused for a day that is past."""
    if expires <= now:
        raise Refused("an exception ends on a day to come", "expires_at", zh="到期时间必须晚于现在")
    key = secrets.token_hex(16)
    db.execute(insert(scan_exception).values(
        id=key, org=org, sha256=sha256, reason=reason, owner=owner, created_at=now, expires_at=expires,
        ended_at=None))  # fmt: skip
    record(db, now, org, (SUBMISSION, key), owner, "excepted", {"sha256": sha256, "reason": reason})
    return key


def end_exception(db: Connection, key: str, actor: str, now: int) -> None:
    """Raises NotThere, and Refused if it has ended."""
    e = scan_exception
    row = db.execute(select(e).where(e.c.id == key)).first()
    if row is None:
        raise NotThere(f"there is no exception {key}")
    if row.ended_at is not None:
        raise Refused("it has ended already", zh="该例外已结束")
    db.execute(update(e).where(e.c.id == key).values(ended_at=now))
    record(db, now, row.org, (SUBMISSION, key), actor, "exception_ended", {"sha256": row.sha256})


def exceptions(db: Connection, org: str, now: int) -> list[Row[Any]]:
    """Those that hold, the next to end first; of all organisations if none is named."""
    e = scan_exception
    sql = select(e).where(e.c.ended_at.is_(None), e.c.expires_at > now).order_by(e.c.expires_at, e.c.id)
    return list(db.execute(sql.where(e.c.org == org) if org else sql).all())
