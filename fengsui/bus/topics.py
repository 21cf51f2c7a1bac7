"""Topics: which there are, how many partitions each has, which key sends where, and what is kept after it was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fengsui.schema import EVENTS


@dataclass(frozen=True)
class Topic:
    """``keep``: messages stay after every group has read them, for groups that are still to come."""

    name: str
    partitions: int = 1
    keep: bool = False


STORED, FINDINGS, ALERTS, DEAD = "stored", "findings", "alerts", "dead"
SMALL = "small."


def events(kind: str) -> str:
    """The topic of an event kind."""
    return f"events.{kind}"


def small(kind: str) -> str:
    """The topic to which very many collectors send an event kind, for the role that packs."""
    return f"{SMALL}{kind}"


def topics(partitions: int = 1, *, packed: bool = False) -> list[Topic]:
    """Every topic. ``partitions`` is for those that are read in parallel; one is enough inside one process. ``packed``
    adds those before the role that packs."""
    return [
        *(Topic(small(k), partitions) for k in EVENTS if packed),
        *(Topic(events(k), partitions) for k in EVENTS),
        Topic(STORED, partitions, keep=True),
        Topic(FINDINGS, partitions),
        Topic(ALERTS, partitions, keep=True),
        Topic(DEAD, 1, keep=True),
    ]


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, the same on every bus and in every version."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % partitions
