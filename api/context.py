"""What the routes work with: engines, rules, names and the parts of the platform that they may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from fastapi import Request
from sqlalchemy import Engine

from api.names import Names
from api.views import Lines
from detectors.software.verdict import Context as Software
from fengsui.blobs import Blobs
from fengsui.finding import Rule
from fengsui.registry.database import reading
from fengsui.store.protocol import Limits
from situation.standards import Standards


class Query(Protocol):
    """``Store.query``."""

    def __call__(self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Limits = ...) -> pa.Table: ...


@dataclass(frozen=True)
class Handed:
    """A file that was handed in: its name as given, where it lies now, bytes."""

    name: str
    path: Path
    size: int


class Analyses(Protocol):
    """Files to analyse: what takes them and what is known of each, as :class:`api.models.analyses.Analysis` says."""

    folder: Path

    def room(self) -> int: ...

    def submit(self, files: Sequence[Handed], org: str) -> dict[str, Any]: ...

    def get(self, key: str) -> dict[str, Any] | None: ...

    def page(self, before: tuple[int, str] | None, limit: int) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Context:
    """``clock`` gives seconds since 1970, ``as_of`` the moment (microseconds) that the situation speaks of, ``status``
    what the platform says of itself (``pipeline`` in /stats)."""

    registry: Engine
    query: Query
    rules: Mapping[str, Rule]
    names: Names
    clock: Callable[[], float]
    as_of: Callable[[], int]
    status: Callable[[], dict[str, Any]]
    analyses: Analyses
    blobs: Blobs
    standards: Standards
    token: str
    secret: bytes
    version: str
    hosts: Sequence[str] = ()
    made: bool = False
    actor: str = "admin"
    issuer: Mapping[str, str] = field(default_factory=lambda: {"en": "Fengsui", "zh": "烽燧"})
    map: Mapping[str, Any] = field(default_factory=dict)
    software: Software = field(default_factory=Software)
    key_file: Path | None = None

    @property
    def handed(self) -> Path:
        """The folder of software that is being handed in."""
        return self.analyses.folder.parent / "submitted"

    @property
    def signing_key(self) -> Path:
        """The file of the key that reports are signed with."""
        return self.key_file or self.analyses.folder.parent / "keys" / "signing.pem"

    @cached_property
    def lines(self) -> Lines:
        """Lines of the queue, encoded."""
        return Lines(self.rules, self.names)

    @property
    def reader(self) -> Engine:
        """The registry, to read only."""
        return reading(self.registry)

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self.clock() * 1_000_000)


def context(request: Request) -> Context:
    """For routes: ``Annotated[Context, Depends(context)]``."""
    found: Context = request.app.state.context
    return found
