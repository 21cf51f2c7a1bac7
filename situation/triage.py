"""Triage: a person gives an alert a state, an owner or a comment. What was before is kept in the activity."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from fengsui.registry.activity import ALERT, record
from fengsui.registry.models import activity, alert
from situation.acts import NotThere, Refused, check_seen
from situation.alerts import CLOSED, IN_PROGRESS, NEW, WITHDRAWN

STATES = (NEW, IN_PROGRESS, *CLOSED)
"""What people may set; ``withdrawn`` is the system's, for an alert that has lost its findings."""
TRIAGED = "triaged"
MAX_COMMENT, MAX_ASSIGNEE = 4_000, 200


def triage(db: Connection, id: str, actor: str, at: int, state: str | None = None, assignee: str | None = None,
           comment: str | None = None, seen: int | None = None) -> Row[Any]:  # fmt: skip
    """Do it at ``at`` (microseconds); the alert's row afterwards. Nothing changed and no comment: nothing is written.

    ``seen``: the sequence of the last change that the person saw. Raises Conflict if another person acted after it,
    NotThere, or Refused for what cannot be set.
    """
    before = _row(db, id)
    _check(before, state, assignee, comment)
    check_seen(db, (ALERT, id), seen, of_people=True)
    asked = {"state": state, "assignee": assignee}
    changed = {k: v for k, v in asked.items() if v is not None and v != getattr(before, k)}
    if not changed and not comment:
        return before
    body: dict[str, Any] = {k: {"before": getattr(before, k), "after": v} for k, v in changed.items()}
    body["severity"] = before.severity
    if comment:
        body["comment"] = comment
    seq = record(db, at, before.org, (ALERT, id), actor, TRIAGED, body)
    db.execute(update(alert).where(alert.c.id == id).values(**changed, touched=True, changed_seq=seq))
    return _row(db, id)


def severity_closed_at(db: Connection, id: str) -> int:
    """The severity that an alert had when a person last triaged it; -1 if nobody did."""
    a = activity
    where = (a.c.object == ALERT) & (a.c.object_id == id) & (a.c.act == TRIAGED)
    last = db.execute(select(a.c.body).where(where).order_by(a.c.seq.desc()).limit(1)).scalar()
    return -1 if last is None else int(msgspec.json.decode(last)["severity"])


def _row(db: Connection, id: str) -> Row[Any]:
    row = db.execute(select(alert).where(alert.c.id == id)).first()
    if row is None:
        raise NotThere(f"there is no alert {id!r}")
    return row


def _check(before: Row[Any], state: str | None, assignee: str | None, comment: str | None) -> None:
    if state is not None and state not in STATES:
        raise Refused(f"state {state!r} is none of {', '.join(STATES)}", "state",
                      zh=f"状态 {state!r} 不在以下取值之内：{', '.join(STATES)}")  # fmt: skip
    if state is not None and before.state == WITHDRAWN:
        raise Refused("the alert is withdrawn: it has no findings any more, and its state is the system's", "state",
                      zh="该告警已撤回：已没有任何发现，其状态由系统决定")  # fmt: skip
    if assignee is not None and len(assignee) > MAX_ASSIGNEE:
        raise Refused(f"an assignee has at most {MAX_ASSIGNEE} characters", "assignee",
                      zh=f"负责人最多 {MAX_ASSIGNEE} 个字符")  # fmt: skip
    if comment is not None and len(comment) > MAX_COMMENT:
        raise Refused(f"a comment has at most {MAX_COMMENT} characters", "comment",
                      zh=f"评论最多 {MAX_COMMENT} 个字符")  # fmt: skip
