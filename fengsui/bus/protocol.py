"""The bus: what a role needs of it, and nothing more. Two implementations: SQLite in the small, Kafka in the large.

One step everywhere: **read, work, commit(outputs, positions, marks)**. The commit is atomic, and it is refused
(:class:`fengsui.errors.Fenced`) when the work belongs to an assignment or a transactional id that another has taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, order=True)
class Place:
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True)
class Message:
    """What was read. Offsets grow along a partition, with gaps: never compute with them."""

    place: Place
    offset: int
    headers: Mapping[str, str]
    value: bytes


@dataclass(frozen=True)
class Output:
    """What to send. ``key`` chooses the partition: the same key goes to the same partition."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """The end of a step: what comes out, where reading goes on (the next offset), what to remember (None forgets)."""

    outputs: Sequence[Output] = ()
    positions: Mapping[Place, int] = field(default_factory=dict)
    marks: Mapping[str, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """The partitions a session holds and the committed position of each, which follows the session's commits.

    A new object at every rebalance.
    """

    generation: int
    positions: Mapping[Place, int]


class Session(Protocol):
    """One role's hold on the bus. Not shared between threads."""

    @property
    def assignment(self) -> Assignment:
        """What it holds as of the last ``read`` or ``open``. Work in hand belongs to the assignment it began under."""
        ...

    def read(self, limit: int, timeout: float) -> list[Message]:
        """Up to ``limit`` messages in order per partition, waiting up to ``timeout`` seconds for the first.

        Adopts a rebalance: compare ``assignment`` after each call. Returns nothing for a session without topics.
        """
        ...

    def seek(self, positions: Mapping[Place, int]) -> None:
        """Read on from here; partitions that are not held are ignored."""
        ...

    def commit(self, commit: Commit) -> None:
        """All of it or nothing. Raises Fenced (drop the work in hand), Retry (bus full; nothing was done)."""
        ...

    def mark(self, key: str) -> bytes | None:
        """What was last remembered under ``key``."""
        ...

    def close(self) -> None: ...


class Bus(Protocol):
    """``partitions``: how many each topic has."""

    partitions: dict[str, int]

    def source(self, name: str) -> Session:
        """A session that only sends. A second one of the same name fences the first."""
        ...

    def member(self, group: str, topics: Sequence[str], *, instance: str = "") -> Session:
        """A member of a consumer group; the partitions of ``topics`` are shared among its members.

        ``instance`` names its seat: who comes back under the same name has its partitions at once, and a former holder
        that still runs is stopped. Without a name, a dead member's partitions are free after its session times out.
        """
        ...

    def bus_id(self, topic: str) -> str:
        """Random identity made with the topic: another one after the topic was made anew."""
        ...

    def groups(self) -> list[str]:
        """Every group that was ever opened and not forgotten."""
        ...

    def forget(self, group: str) -> None:
        """Drop a group that will not come back: its positions go, and it no longer holds messages."""
        ...

    def idle(self) -> bool:
        """True when every group that was ever opened has committed all that was sent to its topics."""
        ...

    def lag(self) -> dict[str, int]:
        """How many messages each group has not committed yet."""
        ...

    def ends(self, topics: Sequence[str]) -> dict[Place, int]:
        """Where the next message of each partition of these topics would go."""
        ...

    def reached(self, ends: Mapping[Place, int]) -> bool:
        """True when every group that reads these partitions has committed all before these ends."""
        ...

    def marks(self, prefix: str) -> dict[str, bytes]:
        """What is remembered under keys that begin so, as of what was committed."""
        ...

    def wait(self, timeout: float) -> None:
        """Wait until something may have come, at most so many seconds; :meth:`announce` ends it."""
        ...

    def announce(self) -> None:
        """Wake those of this process that wait."""
        ...

    def close(self) -> None: ...
