"""Is it alive, does it make progress, how much does it do."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.responses import Response

from api import views
from api.metrics import exposed
from api.models.platform import Health
from api.routes.common import SIGNED_IN, Ctx, problems

router = APIRouter(tags=["platform"])


@router.get("/healthz", operation_id="getHealth", response_model=Health,
            responses={503: {"model": Health, "description": "Alive, but something makes no progress"}})  # fmt: skip
def health(ctx: Ctx) -> Response:
    """ok, or degraded with what is wrong; 503 if a role makes no progress, so that it may be started again."""
    status = ctx.status()
    body = {"status": "degraded" if status["problems"] else "ok", "problems": status["problems"],
            "version": ctx.version}  # fmt: skip
    return views.json(body, 503 if status["stuck"] else 200, {"cache-control": "no-store"})


@router.get("/metrics", operation_id="getMetrics", dependencies=SIGNED_IN,
            responses=problems() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})  # fmt: skip
def metrics(request: Request) -> Response:
    """For Prometheus; docs/metrics.md says what each is."""
    return Response(exposed(request.app.state.metrics), media_type=CONTENT_TYPE_PLAIN_1_0_0)
