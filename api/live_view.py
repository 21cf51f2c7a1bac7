"""What the live stream says: each act, with the alert, warning or score it was about as it is today."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from api import views
from api.alert_query import LINE
from api.context import Context
from fengsui.registry import models as m
from situation import warning_book


def shown(ctx: Context, rows: list[Any]) -> list[dict[str, Any]]:
    """An object for each row of the activity, in their order."""
    of = {kind: sorted({r.object_id for r in rows if r.object == kind}) for kind in ("alert", "warning")}
    with ctx.reader.connect() as db:
        found = db.execute(select(*LINE).where(m.alert.c.id.in_(of["alert"]))) if of["alert"] else ()
        alerts = {r.id: views.alert(r, ctx.rules, ctx.names) for r in found}
        warnings = {k: warning_book.item(db, k) for k in of["warning"]}
    return [_one(r, alerts, warnings) for r in rows]


def _one(row: Any, alerts: dict[str, Any], warnings: dict[str, Any]) -> dict[str, Any]:
    said = views.activity(row)
    return said | {
        "alert": alerts.get(row.object_id) if row.object == "alert" else None,
        "warning": warnings.get(row.object_id) if row.object == "warning" else None,
        "situation": said["body"] if row.object == "situation" else None,
    }
