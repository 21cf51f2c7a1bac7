"""The live stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.models.common import Asked
from api.problems import ProblemError
from api.routes.common import SIGNED_IN, problems
from api.stream import MOST, Live

router = APIRouter(prefix="/stream", tags=["live"], dependencies=SIGNED_IN)


EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


class StreamQuery(Asked):
    after: Annotated[int | None, Query(ge=0, le=2**53, description="Sequence number after which to begin")] = None
    org: Annotated[str, Query(max_length=200, description="Only what happens in this organisation")] = ""


@router.get("", operation_id="streamActivity", response_class=StreamingResponse,
            responses=problems() | EVENTS)  # fmt: skip
def stream(request: Request, asked: Annotated[StreamQuery, Query()],
           last_event_id: Annotated[str, Header(max_length=20)] = "") -> StreamingResponse:  # fmt: skip
    """What happens from now on, or after a sequence number (`after`, or Last-Event-ID as browsers send it)."""
    live: Live = request.app.state.live
    if live.open >= MOST:
        raise ProblemError(503, "too-many")
    after = int(last_event_id) if last_event_id.isdecimal() and last_event_id.isascii() else asked.after
    return StreamingResponse(live.listen(after, asked.org), media_type="text/event-stream",
                             headers={"cache-control": "no-store", "x-accel-buffering": "no"})  # fmt: skip
