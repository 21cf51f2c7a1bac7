"""Dead letters as people see them: what could not be read, whole, and what somebody decided about each.

They lie on the topic ``dead``; here they become rows of the registry, that can be listed, looked at, sent again and
dropped. Dropping is a decision that is recorded, not a deletion: the letter stays.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fengsui import wire
from fengsui.blobs import Blobs
from fengsui.bus.protocol import Assignment, Bus, Commit, Message, Output, Place, Session
from fengsui.errors import BadInput, Fenced
from fengsui.registry.activity import LETTER, record
from fengsui.registry.database import reading
from fengsui.registry.models import dead_letter as t
from situation.acts import NotThere, Refused

log = logging.getLogger("fengsui.letters")

WAITING, REPLAYING, REPLAYED, DROPPED = "waiting", "replaying", "replayed", "dropped"
STATES = (WAITING, REPLAYING, REPLAYED, DROPPED)
INLINE = 65_536
"""Bytes of a letter that are kept in its row; a longer one is kept in the blob store."""
AT_ONCE = 20
"""Letters sent again in one step."""
_REASON = 2000


class Letters:
    """Role of the group ``letters`` over ``dead``: each letter a row, once. ``bus_id`` as of the bus."""

    name = "letters"

    def __init__(self, registry: Engine, blobs: Blobs, bus_id: Callable[[str], str]) -> None:
        self._registry, self._blobs, self._bus_id = registry, blobs, bus_id

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not messages:
            return None
        rows = [self._row(m, int(now * 1_000_000)) for m in messages]
        with self._registry.begin() as db:
            dialect = postgresql if db.dialect.name == "postgresql" else sqlite
            for row in rows:
                db.execute(dialect.insert(t).values(row).on_conflict_do_nothing())
        return Commit((), {m.place: m.offset + 1 for m in messages})

    def _row(self, message: Message, now: int) -> dict[str, Any]:
        try:
            letter = msgspec.msgpack.decode(message.value, type=wire.DeadLetter)
        except msgspec.MsgspecError as e:  # not ours: what came is kept all the same
            where = f"{message.place.topic}/{message.place.partition}/{message.offset}"
            letter = wire.DeadLetter(message.value, f"not a dead letter of this version: {e}", where, -1)
        sha256 = ""
        if len(letter.raw) > INLINE:
            sha256 = hashlib.sha256(letter.raw).hexdigest()
            self._blobs.put(sha256, letter.raw)
        place = wire.at(message.place, self._bus_id(message.place.topic))
        return {
            "id": letter_id(place, message.offset), "at": now, "reason": letter.reason[:_REASON], "place": letter.place,
            "position": letter.at, "org": letter.org, "network": letter.network, "origin": letter.origin,
            "topic": letter.topic, "headers": msgspec.json.encode(letter.headers).decode(), "size": len(letter.raw),
            "raw": b"" if sha256 else letter.raw, "sha256": sha256, "state": WAITING, "actor": "", "decided_at": None,
        }  # fmt: skip


def letter_id(place: Place, offset: int) -> str:
    """The same for the same message of the same bus; on another bus another."""
    return hashlib.blake2b(f"{place.topic}/{place.partition}/{offset}".encode(), digest_size=16).hexdigest()


class Replays:
    """Sends letters again that somebody asked for: a stepper beside the role.

    The message goes back to its topic with its headers, and a mark in the same commit says so: one that dies before the
    row is written does not send it twice. A member that reads it then finds it as any other message; if it cannot be
    read now either, it is a new letter.
    """

    name = "replays"

    def __init__(self, registry: Engine, blobs: Blobs, bus: Bus) -> None:
        self._registry, self._blobs, self._bus = registry, blobs, bus
        self._session: Session | None = None

    def step(self, now: float) -> bool:
        with reading(self._registry).connect() as db:
            asked = db.execute(select(t).where(t.c.state == REPLAYING).order_by(t.c.at, t.c.id).limit(AT_ONCE)).all()
        if not asked:
            return False
        try:
            for row in asked:
                self._replay(row, int(now * 1_000_000))
        except Fenced as e:  # another process has sent them meanwhile
            log.warning("%s", e)
            self.close()
        return True

    def _replay(self, row: Row[Any], now: int) -> None:
        if self._session is None:
            self._session = self._bus.source("letters")
        key = f"dead/{row.id}"
        if self._session.mark(key) is None:
            headers = msgspec.json.decode(row.headers, type=dict[str, str])
            try:
                output = Output(row.topic, row.place, content(row, self._blobs), headers)
            except BadInput as e:
                log.error("%s", e)
                self._settle(row, WAITING, now, {"problem": str(e)})
                return
            self._session.commit(Commit([output], marks={key: str(now).encode()}))
        self._settle(row, REPLAYED, now, {})

    def _settle(self, row: Row[Any], state: str, now: int, body: Mapping[str, str]) -> None:
        with self._registry.begin() as db:
            done = update(t).where((t.c.id == row.id) & (t.c.state == REPLAYING)).values(state=state)
            if db.execute(done).rowcount:
                record(db, now, row.org, (LETTER, row.id), row.actor, state, body)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def content(row: Row[Any], blobs: Blobs) -> bytes:
    """The bytes of a letter. Raises BadInput if the blob store no longer has them."""
    if not row.sha256:
        return bytes(row.raw)
    raw = blobs.get(row.sha256)
    if raw is None:
        raise BadInput(f"the bytes of letter {row.id} are no longer in the blob store", place=row.sha256)
    return raw


def find(db: Connection, key: str) -> Row[Any]:
    """One letter. Raises NotThere."""
    row = db.execute(select(t).where(t.c.id == key)).first()
    if row is None:
        raise NotThere(f"there is no dead letter {key}")
    return row


def begins(db: Connection, begin: str) -> list[str]:
    """Ids that begin so, a hundred at most."""
    like = t.c.id.startswith(begin, autoescape=True)
    return [r.id for r in db.execute(select(t.c.id).where(like).order_by(t.c.id).limit(100))]


def page(db: Connection, *, states: Sequence[str] = (), org: str = "", topic: str = "", limit: int = 100,
         after: tuple[int, str] | None = None) -> tuple[list[Row[Any]], tuple[int, str] | None]:  # fmt: skip
    """Letters, the newest first, without their bytes; and where the next page begins."""
    sql = select(*(c for c in t.c if c.name != "raw")).order_by(t.c.at.desc(), t.c.id.desc()).limit(limit + 1)
    if states:
        sql = sql.where(t.c.state.in_(states))
    if org:
        sql = sql.where(t.c.org == org)
    if topic:
        sql = sql.where(t.c.topic == topic)
    if after is not None:
        sql = sql.where(or_(t.c.at < after[0], and_(t.c.at == after[0], t.c.id < after[1])))
    rows = list(db.execute(sql).all())
    more = len(rows) > limit
    return rows[:limit], (rows[limit - 1].at, rows[limit - 1].id) if more else None


def counts(db: Connection) -> dict[str, int]:
    """Letters by state; every state is there."""
    found = {r.state: int(r.n) for r in db.execute(select(t.c.state, func.count().label("n")).group_by(t.c.state))}
    return {s: found.get(s, 0) for s in STATES}


def replay(db: Connection, key: str, actor: str, now: int) -> None:
    """Ask for a letter to be sent again. Raises Refused for one that was no message, or is decided already."""
    row = find(db, key)
    if not row.topic:
        raise Refused(
            f"it was read from {row.place} and is no message: correct the source and read it again (--again)",
            zh=f"它读自 {row.place}，不是总线消息：请修正来源后重新读取（--again）",
        )
    _decide(db, row, REPLAYING, actor, now)


def drop(db: Connection, key: str, actor: str, now: int) -> None:
    """Say that nothing is to be done about a letter. Raises Refused if it is decided already."""
    _decide(db, find(db, key), DROPPED, actor, now)


def _decide(db: Connection, row: Row[Any], state: str, actor: str, now: int) -> None:
    decision = update(t).where((t.c.id == row.id) & (t.c.state == WAITING))
    if not db.execute(decision.values(state=state, actor=actor, decided_at=now)).rowcount:
        raise Refused(f"{row.actor or 'somebody'} has decided already: it is {row.state}",
                      zh=f"{row.actor or '他人'} 已作决定：状态为 {_ZH[row.state]}")  # fmt: skip
    record(db, now, row.org, (LETTER, row.id), actor, state, {})


_ZH = {WAITING: "待处理", REPLAYING: "正在重放", REPLAYED: "已重放", DROPPED: "已弃置"}


def shown(row: Row[Any]) -> Mapping[str, Any]:
    """A letter without its bytes, as the API and the command line show it; times in microseconds."""
    return {
        "id": row.id, "at": row.at, "state": row.state, "reason": row.reason, "place": row.place,
        "position": None if row.position < 0 else row.position, "org": row.org, "network": row.network,
        "origin": row.origin, "topic": row.topic, "size": row.size, "actor": row.actor, "decided_at": row.decided_at,
    }  # fmt: skip
