"""What an application parser is. Many will follow: keep this small.

A parser sees only payload bytes that can matter to it; it never sees packets, addresses or identities. It names the
flow of each row by the index it was given, and the decoder adds uid, addresses and event_id.

To add one: write a module beside this one, with columns declared in ``fengsui/schema.py``, and add it to the list in
``collectors/network/parsers/__init__.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Emit(Protocol):
    """Take one row of ``kind``: its time (microseconds) and its own columns by name; those left out are absent."""

    def __call__(self, kind: str, ts: int, **columns: Any) -> None: ...


class Keep(Protocol):
    """Take a carved file's content; returns whether it was kept as a blob (it is not if over the size limit)."""

    def __call__(self, sha256: str, content: bytes) -> bool: ...


class Stream(Protocol):
    """The parser of one TCP connection, called in stream order.

    ``data`` is each byte once, after reassembly; ``orig`` tells the side; ``ts`` is the time of the packet that
    completed it. Returns False when no more bytes of the connection are wanted. Must not block, must not raise on
    hostile bytes, must keep bounded memory.
    """

    def data(self, orig: bool, data: bytes, ts: int) -> bool: ...

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        """``size`` bytes of this side are missing from the capture."""
        ...

    def close(self, ts: int) -> None:
        """The connection ended, timed out, or the capture did: emit what is open."""
        ...


class StreamParser(Protocol):
    """A protocol over TCP. ``name`` is Zeek's service name and becomes ``flow.app``."""

    name: str

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        """Is this my protocol? The first bytes of each side (either may be empty), and the responder's port.

        None asks for more bytes; the decoder asks again up to a limit.
        """
        ...

    def open(self, emit: Emit, keep: Keep) -> Stream: ...


@dataclass(frozen=True)
class Datagrams:
    """Datagrams as columns, in time order: payload i is ``data[start[i]:start[i] + size[i]]``.

    data uint8; start, ts (microseconds) and flow (opaque index) int64; size int32; orig bool.
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    size: NDArray[np.int32]
    ts: NDArray[np.int64]
    flow: NDArray[np.int64]
    orig: NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Rows of one kind as columns: the flow of each, its time in microseconds, and the kind's own columns by name."""

    kind: str
    flow: NDArray[np.int64]
    ts: NDArray[np.int64]
    columns: dict[str, Any]


class DatagramParser(Protocol):
    """A protocol over UDP; an instance lives as long as one decoder and may keep bounded state between calls.

    ``ports`` choose the datagrams it is given. ``feed`` returns the rows completed, in the order of their completion;
    ``finish`` those still open (a query without an answer). ``recognised`` of the last feed: flow indices to label.
    """

    name: str
    ports: frozenset[int]

    def feed(self, packets: Datagrams) -> list[Rows]: ...

    def expire(self, now: int) -> list[Rows]:
        """Emit what has waited too long by ``now`` (microseconds of packet time)."""
        ...

    def finish(self) -> list[Rows]: ...

    def recognised(self) -> NDArray[np.int64]: ...
