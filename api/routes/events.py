"""Events, as they are stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import views
from api.event_query import asked_for, page
from api.models.events import EventPage, EventQuery
from api.problems import ProblemError
from api.routes.common import SIGNED_IN, Ctx, problems
from fengsui.schema import EVENTS

router = APIRouter(prefix="/events", tags=["events"], dependencies=SIGNED_IN)


@router.get("/{kind}", operation_id="listEvents", response_model=EventPage, responses=problems(404))
def list_events(
    ctx: Ctx,
    kind: Annotated[str, Path(description=f"One of {', '.join(EVENTS)}", examples=["flow"])],
    asked: Annotated[EventQuery, Query()],
) -> Response:
    """Events of a kind, newest first."""
    if kind not in EVENTS:
        there = ", ".join(EVENTS)
        raise ProblemError(404, "unknown-kind", (f"There are {there}.", f"现有种类：{there}。"))
    query = asked.model_dump(mode="json", exclude={"cursor", "limit"}) | {"kind": kind}
    items, after = page(ctx.query, kind, asked_for(kind, asked), query, asked.cursor, asked.limit)
    return views.json(views.page(items, after))
