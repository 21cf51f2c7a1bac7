"""What people do to alerts and warnings: who counts as a person, and the errors of an act that cannot be done."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select

from fengsui.errors import FengsuiError, UsageError
from fengsui.jsonform import time_text
from fengsui.registry.models import activity

FOLD, ASSESS = "fold", "assess"
MACHINES = (FOLD, ASSESS)
"""Actors of the activity that are no people."""


class Refused(UsageError):
    """What was asked is not possible: say so, in English and (``zh``) Chinese. ``field`` is the part of the request at
    fault, empty for the whole."""

    def __init__(self, reason: str, field: str = "", zh: str = "") -> None:
        self.field, self.zh = field, zh or reason
        super().__init__(reason)


class NotThere(UsageError):
    """There is no such alert, warning or scope."""


class Conflict(FengsuiError):
    """Somebody acted in between: show who (``actor``), when (``at``, microseconds) and what; the person decides."""

    def __init__(self, actor: str, at: int, act: str, seq: int) -> None:
        self.actor, self.at, self.act, self.seq = actor, at, act, seq
        super().__init__(f"{actor} did {act!r} at {time_text(at)}, after what you saw")


def last_act(db: Connection, thing: tuple[str, str], *, of_people: bool) -> Row[tuple[object, ...]] | None:
    """The newest activity upon a thing (what it is, its id), of anybody or of people alone."""
    a = activity
    sql = select(a.c.seq, a.c.at, a.c.actor, a.c.act).where((a.c.object == thing[0]) & (a.c.object_id == thing[1]))
    if of_people:
        sql = sql.where(a.c.actor.notin_(MACHINES))
    return db.execute(sql.order_by(a.c.seq.desc()).limit(1)).first()  # type: ignore[return-value]


def check_seen(db: Connection, thing: tuple[str, str], seen: int | None, *, of_people: bool) -> None:
    """Raises Conflict if there is an act after ``seen``, the sequence that the person saw (None: does not say)."""
    last = None if seen is None else last_act(db, thing, of_people=of_people)
    if last is not None and last.seq > seen:
        raise Conflict(last.actor, last.at, last.act, last.seq)
