"""Feeding parsers by hand: what a decoder would do with one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from collectors.network.parsers.base import StreamParser

Piece = tuple[bool, bytes]
Row = dict[str, Any]


class Connection:
    """One connection given to one parser; ``rows`` and ``kept`` are what came of it."""

    def __init__(self, parser: StreamParser) -> None:
        self.rows: list[Row] = []
        self.kept: dict[str, bytes] = {}
        self.wanted = True
        self.now = 1_000_000
        self.stream = parser.open(self._emit, self._keep)

    def _emit(self, kind: str, ts: int, **columns: Any) -> None:
        self.rows.append({"kind": kind, "ts": ts, **columns})

    def _keep(self, sha256: str, content: bytes) -> bool:
        self.kept[sha256] = content
        return True

    def send(self, orig: bool, data: bytes) -> Connection:
        """Bytes as a decoder gives them: none any more after the parser said so."""
        self.now += 1000
        if self.wanted and data:
            self.wanted = self.stream.data(orig, data, self.now)
        return self

    def gap(self, orig: bool, size: int) -> Connection:
        if self.wanted:
            self.wanted = self.stream.gap(orig, size, self.now)
        return self

    def close(self) -> list[Row]:
        self.stream.close(self.now)
        return self.rows

    def of(self, kind: str) -> list[Row]:
        return [r for r in self.rows if r["kind"] == kind]


@pytest.fixture
def connect() -> Callable[[StreamParser], Connection]:
    return Connection


@pytest.fixture
def converse() -> Callable[[StreamParser, Iterable[Piece]], list[Row]]:
    """The rows of a whole connection."""

    def run(parser: StreamParser, pieces: Iterable[Piece]) -> list[Row]:
        connection = Connection(parser)
        for orig, data in pieces:
            connection.send(orig, data)
        return connection.close()

    return run
