"""Signing in with the token printed at start, for as long as there are no accounts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import views
from api.auth import COOKIE, LIFE, Keys
from api.models.platform import Session, Token
from api.problems import ProblemError
from api.routes.common import SIGNED_IN, Ctx, problems

router = APIRouter(prefix="/session", tags=["session"])


def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.keys
    return keys


@router.post("", status_code=204, operation_id="signIn", responses=problems(403, 413))
def sign_in(token: Token, request: Request) -> Response:
    """Give a browser its cookie."""
    keys = _keys(request)
    if not keys.opens(token.token):
        raise ProblemError(401, "wrong-token")
    answer = Response(status_code=204)
    answer.set_cookie(COOKIE, keys.cookie(), max_age=LIFE, httponly=True, samesite="strict",
                      secure=request.url.scheme == "https")  # fmt: skip
    return answer


@router.delete("", status_code=204, operation_id="signOut", responses=problems(403), dependencies=SIGNED_IN)
def sign_out(request: Request) -> Response:
    """The cookie is no longer good."""
    _keys(request).leave(request.cookies.get(COOKIE, ""))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("", operation_id="getSession", response_model=Session, responses=problems(), dependencies=SIGNED_IN)
def session(ctx: Ctx) -> Response:
    """Who is signed in, and what the data is."""
    return views.json({"actor": ctx.actor, "roles": [], "version": ctx.version, "made": ctx.made,
                       "as_of": views.moment(ctx.as_of())})  # fmt: skip
