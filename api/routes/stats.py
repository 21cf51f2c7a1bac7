"""Numbers of the whole."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import views
from api.models.platform import StatsOut
from api.routes.common import SIGNED_IN, Ctx, problems

router = APIRouter(prefix="/stats", tags=["platform"], dependencies=SIGNED_IN)


@router.get("", operation_id="getStats", response_model=StatsOut, responses=problems())
def stats(ctx: Ctx, request: Request) -> Response:
    """Events by kind; open alerts by hour, severity, city, subject and rule; how the platform is."""
    return views.json(request.app.state.stats.get(ctx))
