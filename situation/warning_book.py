"""Warnings in the registry: what is kept, what people do to them, and what of them is shown.

Every act is written to the activity in the same transaction; what was issued is kept whole and never changed. Each
function works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from fengsui.jsonform import time_text
from fengsui.registry.activity import WARNING, record
from fengsui.registry.models import activity
from fengsui.registry.models import warning as table
from situation.acts import NotThere, Refused, check_seen
from situation.notice import level_name, measures
from situation.standards import Standards
from situation.tables import Level, Text
from situation.warnings import OPEN, TRANSITIONS, Body, Notice, Version, edited

MAX_TEXT = 4_000
EDITABLE = ("matters", "measures", "scope")
_RECORD, _REMEMBERED = 100, 500


@dataclass(frozen=True)
class Kept:
    """A row of the table."""

    id: str
    key: str
    trigger: str
    state: str
    level: Level
    subject: str
    created_at: int
    issued_at: int | None
    changed: int
    body: Body


_COLUMNS = (table.c.id, table.c.key, table.c.trigger, table.c.state, table.c.level, table.c.subject, table.c.created_at,
            table.c.issued_at, table.c.changed_seq, table.c.body)  # fmt: skip


def read(db: Connection, where: ColumnElement[bool], newest: int | None = None) -> list[Kept]:
    """The warnings that a condition chooses, the oldest first; or the newest ones, those first."""
    sql = select(*_COLUMNS).where(where)
    if newest is None:
        rows = db.execute(sql.order_by(table.c.created_at, table.c.id))
    else:
        rows = db.execute(sql.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(newest))
    return [
        Kept(r.id, r.key, r.trigger, r.state, r.level, r.subject, r.created_at, r.issued_at, r.changed_seq,
             msgspec.json.decode(r.body, type=Body))
        for r in rows
    ]  # fmt: skip


def get(db: Connection, id: str) -> Kept:
    """Raises NotThere."""
    found = read(db, table.c.id == id)
    if not found:
        raise NotThere(f"there is no warning {id!r}")
    return found[0]


def write(db: Connection, w: Kept, actor: str, act: str, at: int, said: dict[str, Any]) -> Kept:
    """Write a warning as it is now, with the act that made it so; its activity carries ``said``."""
    orgs = w.body.content.orgs
    body = {"state": w.state, "level": w.level} | said
    seq = record(db, at, orgs[0] if len(orgs) == 1 else "", (WARNING, w.id), actor, act, body)
    values = {"state": w.state, "level": w.level, "subject": w.subject, "issued_at": w.issued_at, "changed_seq": seq,
              "body": msgspec.json.encode(w.body).decode()}  # fmt: skip
    if not db.execute(update(table).where(table.c.id == w.id).values(**values)).rowcount:
        new = {"id": w.id, "key": w.key, "trigger": w.trigger, "created_at": w.created_at}
        db.execute(insert(table).values(**values, **new))
    return _with(w, changed=seq)


def _with(w: Kept, **changes: Any) -> Kept:
    return Kept(**{**w.__dict__, **changes})


def _replace(b: Body, **changes: Any) -> Body:
    return msgspec.structs.replace(b, **changes)


def _begin(db: Connection, id: str, act: str, changed: int | None) -> Kept:
    """The warning upon which a person acts. Raises NotThere, Conflict, Refused if its state does not allow it."""
    w = get(db, id)
    check_seen(db, (WARNING, id), changed, of_people=False)
    if act not in TRANSITIONS[w.state]:
        acts = TRANSITIONS[w.state]
        raise Refused(f"a warning that is {w.state} cannot be given the act {act!r}; possible: "
                      f"{', '.join(acts) or 'none'}", "state",
                      zh=f"状态为“{_STATE[w.state]}”的预警不能{_ACT[act]}；可执行："
                         f"{'、'.join(_ACT[a] for a in acts) or '无'}")  # fmt: skip
    return w


def issue(db: Connection, s: Standards, id: str, actor: str, at: int, *, issuer: Text, changed: int | None = None,
          reason: str = "", parts: dict[str, Text] | None = None) -> Kept:  # fmt: skip
    """Issue a draft. ``changed``: the sequence that the person saw; ``parts`` as in :func:`edit`; ``at`` microseconds.

    Raises NotThere, Conflict, Refused.
    """
    w = _begin(db, id, "issue", changed)
    body = _replace(w.body, edited=w.body.edited | _parts(parts))
    return _announce(db, s, _with(w, body=body, issued_at=at), actor, "issue", at, w.level, issuer, reason)


def adjust(db: Connection, s: Standards, id: str, actor: str, at: int, *, issuer: Text, changed: int | None = None,
           reason: str = "", level: Level | None = None, parts: dict[str, Text] | None = None) -> Kept:  # fmt: skip
    """Issue a warning anew, by the facts as they are now: at ``level``, else as proposed, else as before."""
    w = _begin(db, id, "adjust", changed)
    if level is not None and level not in s.levels.levels:
        raise Refused(f"level {level!r} is none of {', '.join(s.levels.levels)}", "level",
                      zh=f"级别 {level!r} 不在以下取值之内：{', '.join(s.levels.levels)}")  # fmt: skip
    content = w.body.pending or w.body.content
    chosen = level or content.grade.level if w.body.pending else level or w.level
    if chosen is None:
        raise Refused("the matrix asks for no warning any more: lift it, or say the level", "level",
                      zh="矩阵已不再要求预警：请解除，或指明级别")  # fmt: skip
    body = _replace(w.body, content=content, pending=None, proposal=None, edited=w.body.edited | _parts(parts))
    return _announce(db, s, _with(w, body=body), actor, "adjust", at, chosen, issuer, reason)


def lift(db: Connection, s: Standards, id: str, actor: str, at: int, *, issuer: Text, changed: int | None = None,
         reason: str = "") -> Kept:  # fmt: skip
    """End a warning that is out. The notice of its end is the last one, with who lifted it."""
    w = _begin(db, id, "lift", changed)
    body = _replace(w.body, pending=None, proposal=None)
    return _announce(db, s, _with(w, body=body), actor, "lift", at, w.level, issuer, reason)


def dismiss(db: Connection, id: str, actor: str, at: int, *, changed: int | None = None, reason: str = "") -> Kept:
    """Say of a draft that no warning is needed. Its alerts make no warning again."""
    w = _begin(db, id, "dismiss", changed)
    return write(db, _with(w, state=TRANSITIONS[w.state]["dismiss"]), actor, "dismissed", at, {"reason": _text(reason)})


def edit(db: Connection, id: str, actor: str, at: int, *, parts: dict[str, Text], changed: int | None = None) -> Kept:
    """Put a person's words into a draft: any of EDITABLE, in both languages. An empty text gives the machine's back."""
    w = _begin(db, id, "edit", changed)
    given = w.body.edited | _parts(parts)
    kept = {k: t for k, t in given.items() if t.en or t.zh}
    before = {k: t.both() for k, t in w.body.edited.items()}
    said = {"before": before, "after": {k: t.both() for k, t in kept.items()}}
    return write(db, _with(w, body=_replace(w.body, edited=kept)), actor, "edited", at, said)


def _parts(parts: dict[str, Text] | None) -> dict[str, Text]:
    for key, value in (parts or {}).items():
        if key not in EDITABLE:
            raise Refused(f"{key!r} cannot be edited; what can be: {', '.join(EDITABLE)}", key,
                          zh=f"{key!r} 不可编辑；可编辑的有：{', '.join(EDITABLE)}")  # fmt: skip
        for lang, words in value.both().items():
            if len(words) > MAX_TEXT:
                raise Refused(f"{key}: at most {MAX_TEXT} characters", f"{key}.{lang}",
                              zh=f"{key}：最多 {MAX_TEXT} 个字符")  # fmt: skip
        if bool(value.en.strip()) != bool(value.zh.strip()):
            raise Refused(f"{key}: both languages are needed", key, zh=f"{key}：须同时填写中文和英文")
    return parts or {}


def _text(reason: str) -> str:
    if len(reason) > MAX_TEXT:
        raise Refused(f"a reason has at most {MAX_TEXT} characters", "reason", zh=f"理由最多 {MAX_TEXT} 个字符")
    return reason


_STATE = {"draft": "草案", "issued": "已发布", "adjusted": "已调整", "lifted": "已解除", "dismissed": "不予发布"}
_ACT = {"issue": "发布", "adjust": "调整", "lift": "解除", "dismiss": "不予发布", "edit": "编辑"}
_PAST = {"issue": "issued", "adjust": "adjusted", "lift": "lifted"}


def _announce(db: Connection, s: Standards, w: Kept, actor: str, act: str, at: int, level: Level, issuer: Text,
              reason: str) -> Kept:  # fmt: skip
    if not (issuer.en.strip() and issuer.zh.strip()):
        raise Refused("who issues it is needed, in both languages", "issuer", zh="须用中文和英文写明发布单位")
    notice = _signed(s, w.body, level, issuer) if act != "lift" else _reissued(w.body, issuer)
    version = Version(at, actor, act, level, _text(reason), notice)
    body = _replace(w.body, level_name=level_name(level, s), versions=(*w.body.versions, version))
    after = _with(w, state=TRANSITIONS[w.state][act], level=level, body=body)
    said = {"reason": reason, "notice": msgspec.to_builtins(notice), "before": {"state": w.state, "level": w.level}}
    return write(db, after, actor, _PAST[act], at, said)


def _signed(s: Standards, body: Body, level: Level, issuer: Text) -> dict[str, Notice]:
    """The notice at a level, which a person may have chosen against the matrix, and signed."""
    base = body.content
    if level != base.grade.level:
        category = body.content.category
        base = msgspec.structs.replace(base, notice={
            lang: msgspec.structs.replace(n, level=level_name(level, s).both()[lang],
                                          measures=measures(lang, level, category, s))
            for lang, n in base.notice.items()
        })  # fmt: skip
    return _sign(edited(base, body.edited), issuer)


def _reissued(body: Body, issuer: Text) -> dict[str, Notice]:
    return _sign(body.versions[-1].notice, issuer)


def _sign(notice: dict[str, Notice], issuer: Text) -> dict[str, Notice]:
    return {lang: msgspec.structs.replace(n, issuer=issuer.both()[lang]) for lang, n in notice.items()}


def item(db: Connection, id: str) -> dict[str, Any] | None:
    """A warning as a line of a list; None if it is not there."""
    found = read(db, table.c.id == id)
    return shown(found[0]) if found else None


def shown(w: Kept) -> dict[str, Any]:
    return {
        "id": w.id, "level": w.level, "level_name": w.body.level_name.both(), "state": w.state, "trigger": w.trigger,
        "title": w.body.content.title.both(), "orgs": list(w.body.content.orgs), "cities": list(w.body.content.cities),
        "subject": w.subject, "created_at": time_text(w.created_at),
        "issued_at": None if w.issued_at is None else time_text(w.issued_at), "changed": w.changed,
    }  # fmt: skip


def page(db: Connection, *, states: Collection[str] = (), levels: Collection[str] = (), limit: int = 50,
         after: tuple[int, str] | None = None) -> tuple[list[dict[str, Any]], tuple[int, str] | None]:  # fmt: skip
    """Warnings, the newest first; and where the next page begins (None at the end)."""
    where: list[ColumnElement[bool]] = []
    if states:
        where.append(table.c.state.in_(states))
    if levels:
        where.append(table.c.level.in_(levels))
    if after is not None:
        same = and_(table.c.created_at == after[0], table.c.id < after[1])
        where.append(or_(table.c.created_at < after[0], same))
    order = (table.c.created_at.desc(), table.c.id.desc())
    ids = db.execute(select(table.c.id).where(*where).order_by(*order).limit(limit + 1)).scalars().all()
    kept = {w.id: w for w in read(db, table.c.id.in_(ids[:limit]))}
    last = kept[ids[limit - 1]] if len(ids) > limit else None
    return [shown(kept[i]) for i in ids[:limit]], (last.created_at, last.id) if last else None


def naming(db: Connection, alert: str) -> list[dict[str, Any]]:
    """The warnings that rest on an alert, the newest first."""
    kept = read(db, table.c.body.contains(f'"{alert}"', autoescape=True))
    return [shown(w) for w in reversed(kept) if alert in w.body.content.severities]


def detail(db: Connection, id: str) -> dict[str, Any]:
    """All of a warning. ``basis`` has the ids of its alerts, the worst first. Raises NotThere."""
    w = get(db, id)
    g, body = w.body.content.grade, w.body
    return shown(w) | {
        "matrix": {"importance": g.importance, "damage": g.damage, "level": g.level, "why": g.why.both()},
        "notice": msgspec.to_builtins(notice_of(w)),
        "basis": list(body.content.severities),
        "proposal": {"level": body.proposal.level, "why": body.proposal.why.both()} if body.proposal else None,
        "record": _acts(db, id),
        "actions": list(TRANSITIONS[w.state]),
    }


def notice_of(w: Kept) -> dict[str, Notice]:
    """The notice as it was last announced; of what was never announced, as it would be."""
    return w.body.versions[-1].notice if w.body.versions else edited(w.body.content, w.body.edited)


def _acts(db: Connection, id: str) -> list[dict[str, Any]]:
    a = activity
    where = (a.c.object == WARNING) & (a.c.object_id == id)
    rows = db.execute(select(a).where(where).order_by(a.c.seq.desc()).limit(_RECORD))
    return [{"seq": r.seq, "at": time_text(r.at), "object": r.object, "object_id": r.object_id, "org": r.org,
             "actor": r.actor, "act": r.act, "body": msgspec.json.decode(r.body)} for r in rows]  # fmt: skip


def still_open(db: Connection) -> list[Kept]:
    return read(db, table.c.state.in_(OPEN))


def closed(db: Connection) -> list[Kept]:
    """Those that are over, as many as may still matter."""
    return read(db, table.c.state.notin_(OPEN), _REMEMBERED)
