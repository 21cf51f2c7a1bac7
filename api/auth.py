"""Who may ask: the token printed at start, or the cookie that a browser got for it. Checked before anything is read.

The cookie is its time of expiry and an HMAC of it under the platform's secret: a browser stays signed in when the
platform starts again, and nothing about it is kept. Accounts will put a person's name where ``actor`` is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import ProblemError, response
from api.uploads import PART

COOKIE = "fengsui_session"
LIFE = 12 * 3600
SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = {("POST", "/api/v1/session"), ("GET", "/healthz"), ("HEAD", "/healthz")}
"""What needs no sign-in: signing in, and being asked whether one is alive. The console's files hold nothing secret."""
SMALL = 1_000_000
"""Bytes that a request may have, other than files."""
LARGE = frozenset({"/api/v1/analyses", "/api/v1/submissions"})
PARTS = "/api/v1/uploads/"


class Keys:
    """``token`` is the one printed at start; ``secret`` signs cookies; ``clock`` gives seconds since 1970."""

    def __init__(self, token: str, secret: bytes, clock: Callable[[], float]) -> None:
        self._token, self._secret, self._clock = token.encode(), secret, clock
        self._left: set[str] = set()

    def opens(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token)

    def cookie(self) -> str:
        body = f"{int(self._clock()) + LIFE}.{secrets.token_hex(8)}"
        return f"{body}.{self._sign(body)}"

    def holds(self, cookie: str) -> bool:
        body, _, signature = cookie.rpartition(".")
        good = hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), self._sign(body).encode())
        return good and cookie not in self._left and int(body.partition(".")[0]) > self._clock()

    def leave(self, cookie: str) -> None:
        if self.holds(cookie):
            self._left.add(cookie)

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware: refuses before a body is read. ``hosts`` are the names answered to; none means any."""

    def __init__(self, app: ASGIApp, keys: Keys, hosts: frozenset[str]) -> None:
        self._app, self._keys, self._hosts = app, keys, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(Request(scope))
            except ProblemError as e:
                await response(Headers(scope=scope), e)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        path, method = request.url.path, request.method
        if self._hosts and _name(request.headers.get("host", "")) not in self._hosts:
            raise ProblemError(400, "wrong-host")  # a page of another name must not reach us through the browser
        _fits(request, path)
        if "\0" in path or "%00" in request.url.query:
            raise ProblemError(400, "nul")  # engines take it for the end of a text
        if not path.startswith("/api/") and path != "/metrics":
            return
        if (method, path) in OPEN:
            return
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._keys.opens(token):
            return
        if not self._keys.holds(request.cookies.get(COOKIE, "")):
            raise ProblemError(401, "unauthorised")
        if method not in SAFE and request.headers.get("x-fengsui") != "1":
            raise ProblemError(403, "missing-header")


def _fits(request: Request, path: str) -> None:
    if path in LARGE or request.method in SAFE:
        return
    length, most = request.headers.get("content-length", ""), PART if path.startswith(PARTS) else SMALL
    if (length.isdigit() and int(length) > most) or (not length and "transfer-encoding" in request.headers):
        raise ProblemError(413, "too-large")


def _name(host: str) -> str:
    """The host without its port: ``[::1]:8000`` is ``[::1]``."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
