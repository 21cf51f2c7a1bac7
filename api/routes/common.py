"""What routes share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.security import APIKeyCookie, HTTPBearer

from api.auth import COOKIE
from api.context import Context, context
from api.models.common import Problem

Ctx = Annotated[Context, Depends(context)]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]

# Said to the reader of the OpenAPI document; the guard in front (api/auth.py) is what checks.
_BEARER = HTTPBearer(auto_error=False, description="The token printed at start")
_COOKIE = APIKeyCookie(name=COOKIE, auto_error=False, description="Set by POST /session; changes need X-Fengsui: 1 too")
SIGNED_IN = [Depends(_BEARER), Depends(_COOKIE)]

_NAMES = {400: "The request cannot be understood", 401: "Not signed in", 403: "Not allowed", 404: "Not found",
          409: "Changed by somebody else meanwhile, or not possible in this state", 410: "Deleted", 413: "Too large",
          422: "Does not fit this description", 503: "Busy: try again"}  # fmt: skip


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of a route, for its description."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {s: {"description": _NAMES[s], "content": {"application/problem+json": {"schema": schema}}}
            for s in (400, 401, 422, 503, *statuses)}  # fmt: skip
