"""A client that costs little: what is measured runs on the same cores."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any


class Connections:
    """Kept connections to one server, as many as are needed at once."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._at, self._token = (host, port), token
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str, method: str = "GET", body: Any = None) -> bytes:
        """The body of an answer. Raises RuntimeError for a status of 400 or more."""
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection(*self._at)
        raw = b"" if body is None else json.dumps(body).encode()
        writer.write((f"{method} {path} HTTP/1.1\r\nHost: {self._at[0]}\r\nAuthorization: Bearer {self._token}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
                      ).encode() + raw)  # fmt: skip
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        answer = await reader.readexactly(length)
        self._free.append((reader, writer))
        status = int(head.split(" ")[1])
        if status >= 400:
            raise RuntimeError(f"{status} {answer[:200]!r}")
        return answer

    async def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def listen(host: str, port: int, token: str, heard: Callable[[dict[str, Any]], None]) -> None:
    """Follow the live stream until cancelled."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
    writer.write(f"GET /api/v1/stream HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"data: ") and b'"triaged"' in line:
                heard(json.loads(line[6:]))
    finally:
        writer.close()
