"""The alert queue and triage."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.responses import Response

from api import alert_detail, charts, cursor, views
from api.alert_query import FacetCounts, listed
from api.context import Context
from api.event_query import evidence, page
from api.models.alerts import (
    Alert,
    AlertDetail,
    AlertFilter,
    AlertPage,
    AlertQuery,
    BulkDone,
    BulkTriage,
    Chart,
    Facets,
    Triage,
)
from api.models.common import Page
from api.models.events import EventPage
from api.problems import not_found
from api.routes.common import SIGNED_IN, Ctx, Id, problems
from fengsui.registry import models as m
from situation.triage import triage

router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=SIGNED_IN)
MOST_EVIDENCE = 1_000


@router.get("", operation_id="listAlerts", response_model=AlertPage, responses=problems())
def list_alerts(ctx: Ctx, asked: Annotated[AlertQuery, Query()]) -> Response:
    """A page of the queue."""
    with ctx.reader.connect() as db:
        rows, after = listed(db, asked, ctx.names)
    return views.json(views.page([ctx.lines.of(r) for r in rows], after))


@router.get("/facets", operation_id="countAlerts", response_model=Facets, responses=problems())
def facets(ctx: Ctx, request: Request, asked: Annotated[AlertFilter, Query()]) -> Response:
    """How many alerts there are by state, severity, organisation, city, rule and domain."""
    counts: FacetCounts = request.app.state.counts
    with ctx.reader.connect() as db:
        return views.json(counts.facets(db, asked, ctx.rules, ctx.names))


@router.post("/triage", operation_id="triageAlerts", response_model=BulkDone, responses=problems(403, 404, 409, 413))
def triage_alerts(ctx: Ctx, wanted: BulkTriage) -> Response:
    """Change many alerts at once: all of them or, if one cannot be changed, none."""
    with ctx.registry.begin() as db:
        rows = [_change(ctx, db, key, wanted.state, wanted.assignee, wanted.comment, None)
                for key in dict.fromkeys(wanted.ids)]  # fmt: skip
    return views.json({"changed": len(rows), "items": [views.alert(r, ctx.rules, ctx.names) for r in rows]})


@router.get("/{alert}", operation_id="getAlert", response_model=AlertDetail, responses=problems(404))
def get_alert(ctx: Ctx, alert: Id) -> Response:
    """An alert with its findings, its events, the numbers behind it and what people did."""
    with ctx.reader.connect() as db:
        return views.json(alert_detail.detail(db, ctx, alert))


@router.patch("/{alert}", operation_id="triageAlert", response_model=Alert, responses=problems(403, 404, 409, 413))
def triage_alert(ctx: Ctx, alert: Id, wanted: Triage) -> Response:
    """Set state or assignee, or comment. What was there before stays in the activity."""
    with ctx.registry.begin() as db:
        row = _change(ctx, db, alert, wanted.state, wanted.assignee, wanted.comment, wanted.changed)
    return views.json(views.alert(row, ctx.rules, ctx.names))


@router.get("/{alert}/events", operation_id="listAlertEvents", response_model=EventPage, responses=problems(404))
def alert_events(ctx: Ctx, alert: Id, asked: Annotated[Page, Query()]) -> Response:
    """All events behind an alert, newest first: by its filter, or those that its findings name."""
    with ctx.reader.connect() as db:
        found, held = alert_detail.row(db, alert), alert_detail.findings(db, alert)
    behind = alert_detail.filter_of(found, held)
    if behind is not None:
        items, after = page(ctx.query, *behind, ["alert", alert], asked.cursor, asked.limit)
        return views.json(views.page(items, after))
    start = cursor.decode(["alert", alert], asked.cursor, (int,))[0] if asked.cursor else 0
    named = list(dict.fromkeys(e for f in held for e in f.evidence))[:MOST_EVIDENCE]
    events = evidence(ctx.query, found.org, found.network, named)[::-1]
    end = max(0, start) + asked.limit
    after = cursor.encode(["alert", alert], [end]) if end < len(events) else None
    return views.json(views.page(events[max(0, start) : end], after))


@router.get("/{alert}/chart", operation_id="getAlertChart", response_model=Chart, response_model_exclude_unset=True,
            responses=problems(404))  # fmt: skip
def chart(ctx: Ctx, alert: Id) -> Response:
    """The calls of a beacon, the targets of a scan, or events by hour."""
    with ctx.reader.connect() as db:
        found, held = alert_detail.row(db, alert), alert_detail.findings(db, alert)
    return views.json(charts.of(ctx.query, found.rule, alert_detail.filter_of(found, held), held))


def _change(ctx: Context, db: Any, key: str, state: Any, assignee: str | None, comment: str | None,
            seen: int | None) -> Any:  # fmt: skip
    if db.execute(select(m.alert.c.id).where(m.alert.c.id == key)).first() is None:
        raise not_found(key)
    return triage(db, key, ctx.actor, ctx.now(), state=state and state.value, assignee=assignee, comment=comment,
                  seen=seen)  # fmt: skip
