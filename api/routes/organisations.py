"""Organisations that are watched."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api import views
from api.models.platform import Organisations
from api.routes.common import SIGNED_IN, Ctx, problems

router = APIRouter(prefix="/organisations", tags=["organisations"], dependencies=SIGNED_IN)


@router.get("", operation_id="listOrganisations", response_model=Organisations, responses=problems())
def organisations(ctx: Ctx) -> Response:
    """All of them, by city."""
    found = sorted(ctx.names.organisations().values(), key=lambda o: (o["city"], o["id"]))
    return views.json(views.page(found, None))
