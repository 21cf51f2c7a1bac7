"""One alert with everything behind it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from api import views
from api.context import Context
from api.event_query import Where, behind, evidence
from api.problems import not_found
from fengsui.finding import Finding
from fengsui.registry import models as m
from situation import warning_book

SHOWN_FINDINGS, SHOWN_ACTIVITY = 50, 100


def row(db: Connection, key: str) -> Any:
    """The alert's row. Raises a 404 problem."""
    found = db.execute(select(m.alert).where(m.alert.c.id == key)).first()
    if found is None:
        raise not_found(key)
    return found


def findings(db: Connection, key: str) -> list[Finding]:
    """All findings that hold, the newest first."""
    bodies = db.execute(select(m.finding.c.body).where(m.finding.c.alert_id == key)).scalars()
    held = [msgspec.json.decode(b, type=Finding) for b in bodies]
    return sorted(held, key=lambda f: (f.window_end or 0, f.last_seen, f.finding_id), reverse=True)


def filter_of(found: Any, held: list[Finding]) -> tuple[str, Where] | None:
    """Where all events behind an alert are found, if its newest finding says so."""
    wanted = next((views.numbers(f.filter) for f in held if f.filter), {})
    return behind(wanted, found.org, found.network, found.first_seen, found.last_seen)


def detail(db: Connection, ctx: Context, key: str) -> dict[str, Any]:
    found = row(db, key)
    held = findings(db, key)
    events = evidence(ctx.query, found.org, found.network, msgspec.json.decode(found.evidence))
    acts = select(m.activity).where(m.activity.c.object == "alert", m.activity.c.object_id == key)
    shown = db.execute(acts.order_by(m.activity.c.seq.desc()).limit(SHOWN_ACTIVITY)).all()
    wanted = next((views.numbers(f.filter) for f in held if f.filter), None)
    return views.alert(found, ctx.rules, ctx.names) | {
        "explanation": views.numbers(found.explanation),
        "findings": [views.finding(f, ctx.rules) for f in held[:SHOWN_FINDINGS]], "findings_total": len(held),
        "evidence": events, "evidence_missing": len(set(msgspec.json.decode(found.evidence))) - len(events),
        "activity": [views.activity(r) for r in shown], "warnings": _warnings(db, key),
        "filter": wanted, "organisation": ctx.names.organisation(found.org),
    }  # fmt: skip


def _warnings(db: Connection, key: str) -> list[dict[str, Any]]:
    """Warnings that rest on this alert."""
    return [{k: w[k] for k in ("id", "level", "state", "title")} for w in warning_book.naming(db, key)]
