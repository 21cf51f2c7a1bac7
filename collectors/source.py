"""What a collector reads: a source gives pieces, the collector makes messages and remembers how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import msgspec

from fengsui.batch import Batch, Identity
from fengsui.errors import BadInput


class NotYet(Exception):
    """What there is of a source does not tell yet whose continuation it is: it is still being written."""


@dataclass(frozen=True)
class Piece:
    """Some rows of a source, in its order.

    For sources that can go on: ``position`` after them (a byte of a log), and ``seal``, a digest of all before it.
    """

    batches: tuple[Batch, ...] = ()
    bad: tuple[BadInput, ...] = ()
    position: int | None = None
    seal: str = ""


class Mark(msgspec.Struct, frozen=True):
    """How far an origin is sent, and as whose: identity comes from here, never from today's configuration.

    ``rows`` and ``hours`` (first and last hour of each run, microseconds) by kind; ``bad`` counts dead letters;
    ``digest`` names decoder version and settings; ``read_at`` (microseconds) when it was begun.
    """

    identity: Identity
    digest: str
    read_at: int
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    hours: dict[str, list[tuple[int, int]]] = msgspec.field(default_factory=dict)
    bad: int = 0
    position: int | None = None
    seal: str = ""
    done: bool = False


class Source(Protocol):
    """A capture or log.

    ``resumes``: it can go on from a position; else it is decoded from the start and what was sent is dropped, so its
    order must be the same every time. ``kind`` becomes the rows' column ``source``.
    """

    place: str
    kind: str
    resumes: bool

    def origin(self) -> str:
        """Its identity; empty if there is nothing in it yet."""
        ...

    def digest(self) -> str: ...

    def continues(self, position: int, seal: str) -> bool:
        """Is what was sealed at ``position`` the beginning of this source? Always so if it does not resume.

        Raises NotYet if it is too short to tell and may grow.
        """
        ...

    def pieces(self, identity: Identity, position: int | None) -> Iterator[Piece]:
        """Its rows; raises BadInput at the end if it is broken there. Raises nothing else for hostile input."""
        ...


@runtime_checkable
class Whole(Protocol):
    """A source whose origin is all of its content: if it was read too early and has grown, it is another origin."""

    size: int
    """Bytes that the origin was taken of."""
    heads: Sequence[str]
    """Digests of its beginning, of several fixed lengths, the longest first: what it may be known by."""

    def began_as(self, size: int, origin: str) -> bool:
        """Whether its first ``size`` bytes, fewer than all, are the content that ``origin`` names."""
        ...


class Read(msgspec.Struct, frozen=True):
    """What was read of a content that began so: a capture that grows must not be read beside itself."""

    origin: str
    size: int


@dataclass
class Report:
    """What became of a source. ``unchanged``: all of it had been read before.

    ``replaced`` is the origin under which it had been read before it was whole; its rows are deleted.
    """

    place: str
    origin: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    already: int = 0
    unchanged: bool = False
    read_at: int = 0
    faults: list[str] = field(default_factory=list)
    more_faults: int = 0
    replaced: str = ""
