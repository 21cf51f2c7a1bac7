"""The situation: the index of the province, its cities and their organisations, and what each is made of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import views
from api.event_query import stored_time
from api.models.situation import AtQuery, Scope, ScoreDetail, SituationOut
from api.routes.common import SIGNED_IN, Ctx, problems
from situation import queries

router = APIRouter(prefix="/situation", tags=["situation"], dependencies=SIGNED_IN)


@router.get("", operation_id="getSituation", response_model=SituationOut, responses=problems(404))
def situation(ctx: Ctx, asked: Annotated[AtQuery, Query()]) -> Response:
    """The province and its cities, with the map to show them on."""
    at = None if asked.at is None else stored_time("at", asked.at)
    with ctx.reader.connect() as db:
        found = queries.overview(db, ctx.standards, ctx.as_of(), at)
    return views.json(found | {"map": ctx.map})


@router.get("/{scope}/{key}", operation_id="getScore", response_model=ScoreDetail, responses=problems(404))
def score(ctx: Ctx, scope: Scope, key: Annotated[str, Path(max_length=200)],
          asked: Annotated[AtQuery, Query()]) -> Response:  # fmt: skip
    """An index, hour by hour, and what it is made of: members and alerts, whose points add up to it."""
    at = None if asked.at is None else stored_time("at", asked.at)
    with ctx.reader.connect() as db:
        return views.json(queries.detail(db, ctx.standards, scope.value, key, ctx.as_of(), at))
