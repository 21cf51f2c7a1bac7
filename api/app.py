"""The API as an application: routes, who may ask, errors, the live stream, the console's files."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import live_view, metrics, problems
from api.alert_query import FacetCounts
from api.auth import Guard, Keys
from api.console import Console, folder
from api.context import Context
from api.models.common import FieldError, Problem
from api.problems import ProblemError
from api.routes import (
    alerts,
    analyses,
    events,
    health,
    letters,
    organisations,
    session,
    situation,
    stats,
    stream,
    submissions,
    warnings,
)
from api.stats import Stats
from api.stream import Live
from api.turns import Turns
from fengsui.errors import Retry
from situation.acts import Conflict, NotThere, Refused

log = logging.getLogger("fengsui.api")
PREFIX = "/api/v1"
THREADS = 4
"""Requests worked on at once. More wait for one another: each row from SQLite lets go of the interpreter's lock, and
with forty threads an answer queues for it again and again (measured: a third of the throughput)."""
NOUNS = (session, alerts, events, organisations, situation, warnings, analyses, submissions, letters, stats, stream)


def create(ctx: Context) -> FastAPI:
    """The application. Nothing is opened here: engines come with ``ctx``."""
    live = Live(ctx.reader, lambda rows: live_view.shown(ctx, rows))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await live.start()
        yield
        await live.stop()

    app = FastAPI(title="Fengsui", version=ctx.version, lifespan=lifespan, docs_url=None, redoc_url=None,
                  openapi_url=f"{PREFIX}/openapi.json")  # fmt: skip
    app.state.context, app.state.live, app.state.counts = ctx, live, FacetCounts()
    app.state.stats = Stats(app.state.counts)
    app.state.keys = Keys(ctx.token, ctx.secret, ctx.clock)
    app.state.metrics = metrics.registry(ctx.status, lambda: live.open)
    _route(app)
    app.add_route("/{path:path}", Console(folder()).answer, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_exception_handler(ProblemError, problems.problem)
    app.add_exception_handler(HTTPException, problems.http)
    app.add_exception_handler(RequestValidationError, problems.invalid)
    app.add_exception_handler(Conflict, problems.conflict)
    app.add_exception_handler(Refused, problems.refused)
    app.add_exception_handler(NotThere, problems.absent)
    app.add_exception_handler(Retry, _busy)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(Exception, _internal)
    app.add_middleware(Turns)
    app.add_middleware(Guard, keys=app.state.keys, hosts=frozenset(ctx.hosts))
    app.add_middleware(metrics.Timed, metrics=app.state.metrics)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _route(app: FastAPI) -> None:
    for noun in NOUNS:
        app.include_router(noun.router, prefix=PREFIX)
    app.include_router(health.router)


def document(version: str) -> dict[str, Any]:
    """The OpenAPI document alone, without a platform: the console's types are made from it."""
    app = FastAPI(title="Fengsui", version=version)
    _route(app)
    return _described(app)


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("%s %s: %s", request.method, request.url.path, error)
    return problems.response(request.headers, ProblemError(503, "busy"))


async def _internal(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return problems.response(request.headers, ProblemError(500, "internal"))


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; errors are problems everywhere, also where the framework would say otherwise."""
    if app.openapi_schema is None:
        document = get_openapi(title="Fengsui", version=app.version, routes=app.routes, description=_ABOUT)
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        template = "#/components/schemas/{model}"
        schemas["Problem"] = Problem.model_json_schema(ref_template=template)
        schemas["Problem"].pop("$defs", None)
        schemas["FieldError"] = FieldError.model_json_schema(ref_template=template)
        app.openapi_schema = document
    return app.openapi_schema


_ABOUT = """Alerts, events, the situation and warnings of a Fengsui platform.

Sign in with `Authorization: Bearer TOKEN`, the token printed at start. Lists come in pages: give `next` back as
`cursor`. Times are RFC 3339 in UTC; text that people read comes in English and Chinese. Errors are
application/problem+json in the language of Accept-Language."""
