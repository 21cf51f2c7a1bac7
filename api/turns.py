"""Changes take turns before they take a thread: the registry has one writer, and who waits for it must not keep the
few threads from those who read."""

from __future__ import annotations

from anyio import Semaphore
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import SAFE

FREE = ("/api/v1/analyses", "/api/v1/session")
"""A file that comes in slowly, and signing in, wait for no writer."""


class Turns:
    """ASGI middleware: one change at a time. The semaphore belongs to the event loop that serves.

    A request is read to its end before it takes its turn (the guard in front bounds it): one that comes in slowly must
    not hold up the others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turn: Semaphore | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        if self._turn is None:
            self._turn = Semaphore(1)
        read = await _whole(receive)

        async def again() -> Message:
            return read.pop(0) if read else await receive()

        async with self._turn:
            await self._app(scope, again, send)


async def _whole(receive: Receive) -> list[Message]:
    """The messages of a request's body, to its end or to the end of the connection."""
    out = []
    while True:
        message = await receive()
        out.append(message)
        if message["type"] != "http.request" or not message.get("more_body", False):
            return out
