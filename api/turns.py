"""Changes take turns before they take a thread: the registry has one writer, and who waits for it must not keep the
few threads from those who read."""

from __future__ import annotations

from anyio import Semaphore
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import SAFE

FREE = ("/api/v1/analyses", "/api/v1/session")
"""A file that comes in slowly, and signing in, wait for no writer."""


class Turns:
    """ASGI middleware: one change at a time. The semaphore belongs to the event loop that serves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn: Semaphore | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        if self._turn is None:
            self._turn = Semaphore(1)
        async with self._turn:
            await self._app(scope, receive, send)
