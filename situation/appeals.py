"""Appeals: somebody disagrees with a verdict, and somebody else answers by a day."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fengsui.registry.activity import SUBMISSION, record
from fengsui.registry.models import appeal as t
from situation import submissions
from situation.acts import NotThere, Refused

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
STATES = (OPEN, UPHELD, REJECTED)
DAY_US = 86_400_000_000
DAYS = 5
"""In which an answer is due."""
HOLDS = 365
"""Days that content whose appeal was upheld is accepted: by then a rule or model has learned it."""


def make(db: Connection, submission: str, reason: str, actor: str, now: int) -> str:
    """Appeal against the verdict on a submission; its id. Raises Refused if there is none, or an appeal is open."""
    row = submissions.find(db, submission)
    if row.state != submissions.DONE:
        raise Refused("there is no verdict on it", zh="尚无检测结论，无法申诉")
    if db.execute(select(t.c.id).where(t.c.submission == submission, t.c.state == OPEN)).first() is not None:
        raise Refused("an appeal is open already", zh="已有申诉正在处理")
    key = secrets.token_hex(16)
    db.execute(insert(t).values(
        id=key, submission=submission, org=row.org, sha256=row.sha256, verdict=row.verdict, actor=actor, reason=reason,
        at=now, deadline=now + DAYS * DAY_US, state=OPEN, answer="", answered_by="", answered_at=None))  # fmt: skip
    record(db, now, row.org, (SUBMISSION, submission), actor, "appealed", {"appeal": key, "reason": reason})
    return key


def answer(db: Connection, key: str, state: str, words: str, actor: str, now: int) -> None:
    """Uphold or reject. Upheld, the content is accepted for HOLDS days, and the list of upheld appeals is what later
    rules and models are tried on. Raises NotThere, and Refused if it was answered before."""
    row = find(db, key)
    if row.state != OPEN:
        raise Refused(f"{row.answered_by} has answered already: {row.state}", zh=f"{row.answered_by} 已答复")
    db.execute(update(t).where(t.c.id == key).values(
        state=state, answer=words, answered_by=actor, answered_at=now))  # fmt: skip
    record(db, now, row.org, (SUBMISSION, row.submission), actor, f"appeal_{state}", {"appeal": key, "answer": words})
    if state == UPHELD:
        submissions.except_it(db, row.org, row.sha256, words, actor, now + HOLDS * DAY_US, now)


def find(db: Connection, key: str) -> Row[Any]:
    """Raises NotThere."""
    row = db.execute(select(t).where(t.c.id == key)).first()
    if row is None:
        raise NotThere(f"there is no appeal {key}")
    return row


def of(db: Connection, submission: str) -> list[Row[Any]]:
    """All of a submission, the newest first."""
    return list(db.execute(select(t).where(t.c.submission == submission).order_by(t.c.at.desc(), t.c.id)).all())


def listed(db: Connection, state: str = "", org: str = "", most: int = 200) -> list[Row[Any]]:
    """The next to be due first."""
    sql = select(t).order_by(t.c.deadline, t.c.id).limit(most)
    if state:
        sql = sql.where(t.c.state == state)
    return list(db.execute(sql.where(t.c.org == org) if org else sql).all())
