"""The live stream: what happens to alerts, warnings and the situation, as server-sent events resumed by sequence.

One task reads what is new for all who listen and encodes it once; each listener takes from a ring, or, where it was
away too long, from the registry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from sqlalchemy import Engine, func, select

from fengsui.registry.models import activity

POLL, HEARTBEAT = 0.25, 15.0
RING, CHUNK = 5_000, 500
MOST = 1_000
"""Streams that may be open at once."""

Frame = tuple[int, str, bytes]
"""Sequence, organisation, the encoded event."""


class Live:
    """``show`` turns a row of the activity (with what it is about, today) into the event's data."""

    def __init__(self, registry: Engine, show: Callable[[list[Any]], list[dict[str, Any]]]) -> None:
        self._registry, self._show = registry, show
        self._ring: deque[Frame] = deque(maxlen=RING)
        self._newest = 0
        self._news: asyncio.Event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self.open = 0

    async def start(self) -> None:
        self._newest = await asyncio.to_thread(self._last)
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        self.end()
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """Let every stream end, so that the server can."""
        self._ended = True
        self._news.set()

    def _last(self) -> int:
        with self._registry.connect() as db:
            return int(db.execute(select(func.max(activity.c.seq))).scalar() or 0)

    async def _follow(self) -> None:
        while not self._ended:
            if not self.open:  # nobody listens: nothing is encoded
                self._ring.clear()
                self._newest = await asyncio.to_thread(self._last)
                await asyncio.sleep(POLL)
                continue
            frames = await asyncio.to_thread(self._after, self._newest, CHUNK)
            if frames:
                self._ring.extend(frames)
                self._newest = frames[-1][0]
                self._tell()
            if len(frames) < CHUNK:
                await asyncio.sleep(POLL)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _after(self, seq: int, limit: int) -> list[Frame]:
        with self._registry.connect() as db:
            sql = select(activity).where(activity.c.seq > seq).order_by(activity.c.seq).limit(limit)
            rows = list(db.execute(sql))
        shown = self._show(rows) if rows else []
        return [(r.seq, r.org, _frame(r.seq, data)) for r, data in zip(rows, shown, strict=True)]

    async def listen(self, after: int | None, org: str = "") -> AsyncIterator[bytes]:
        """Frames after ``after`` (None: from now on), of one organisation if named; comments when it is quiet."""
        self.open += 1
        try:
            at = await asyncio.to_thread(self._last) if after is None else after
            yield b": connected\nretry: 2000\n\n"
            while not self._ended:
                news = self._news
                frames = await self._since(at)
                if frames:
                    at = frames[-1][0]
                    mine = [f for _, whose, f in frames if not org or whose == org]
                    if mine:
                        yield b"".join(mine)
                    continue
                try:
                    await asyncio.wait_for(news.wait(), HEARTBEAT)
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            self.open -= 1

    async def _since(self, at: int) -> list[Frame]:
        if self._ring and self._ring[0][0] <= at + 1:
            return [f for f in self._ring if f[0] > at]
        if at >= self._newest:
            return []
        return await asyncio.to_thread(self._after, at, CHUNK)


def _frame(seq: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: activity\ndata: %s\n\n" % (seq, msgspec.json.encode(data))
