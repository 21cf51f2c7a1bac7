"""What is in the logs of a Kafka cluster: ends, marks, and whether anything but transaction markers lies in between.

Offsets have gaps: the marker that ends a transaction takes one. So a committed position and the end of a log differ
although nothing is left to read, and only reading tells. One consumer without a group does it, under a lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from fengsui.bus.kafka_client import WAIT, reader_keywords
from fengsui.errors import Retry

PATIENT = int(WAIT * 1000)
"""Milliseconds: without a limit the client waits for ever for a broker that died before it answered."""
LOOK = 2.0
"""Seconds that a look for messages between two offsets may take; then it counts as there being some."""


class Log:
    """``client``: keywords of every client."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._lock = threading.RLock()
        self._committed = KafkaConsumer(**client, **reader_keywords(), isolation_level="read_committed")
        self._all = KafkaConsumer(**client, **reader_keywords(), isolation_level="read_uncommitted")
        self._values: dict[TopicPartition, dict[str, bytes]] = {}
        self._read: dict[TopicPartition, int] = {}

    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the next message of each partition goes, what is not yet committed counted in."""
        wanted = list(places)
        with self._lock:
            return dict(_asked(lambda: self._all.end_offsets(wanted, PATIENT))) if wanted else {}

    def begins(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The oldest offset that is still there."""
        wanted = list(places)
        with self._lock:
            return dict(_asked(lambda: self._all.beginning_offsets(wanted, PATIENT))) if wanted else {}

    def empty(self, place: TopicPartition, start: int, end: int) -> bool:
        """True if no committed message lies in [start, end), and all transactions that began there have ended."""
        if start >= end:
            return True
        with self._lock:
            c = self._committed
            c.assign([place])
            c.seek(place, start)
            give_up = time.monotonic() + LOOK
            while time.monotonic() < give_up:
                found = c.poll(timeout_ms=100, max_records=1).get(place, [])
                if found:
                    return bool(found[0].offset >= end)
                if c.position(place) >= end:
                    return True
        return False

    def mark(self, place: TopicPartition, key: str) -> bytes | None:
        """The last committed value under a key of a compacted partition.

        All that was sent until now is waited for: behind the open transaction of another, what is committed cannot be
        read yet, and an older value would have its owner do again what it did. Raises Retry after WAIT: the transaction
        of one that was killed ends by itself within twice TRANSACTION.
        """
        with self._lock:
            return self._values_of([place], self._all)[place].get(key)

    def known(self, place: TopicPartition, key: str) -> bytes | None:
        """As :meth:`mark`, as of when the partition was last read to its end."""
        with self._lock:
            return self._values[place].get(key)

    def marks(self, places: Iterable[TopicPartition], prefix: str) -> dict[str, bytes]:
        with self._lock:
            values = self._values_of(list(places), self._committed)
            return {k: v for held in values.values() for k, v in held.items() if k.startswith(prefix)}

    def _values_of(self, places: list[TopicPartition], until: KafkaConsumer) -> dict[TopicPartition, dict[str, bytes]]:
        """Read on to the ends of these partitions as ``until`` sees them; what they hold. A reader of what is committed
        sees the last stable offset, one of all the last."""
        c = self._committed
        ends = _asked(lambda: until.end_offsets(places, PATIENT))
        fresh = [p for p in places if p not in self._read]
        if fresh:
            self._read |= _asked(lambda: self._all.beginning_offsets(fresh, PATIENT))
            self._values |= {p: {} for p in fresh}
        behind = [p for p in places if self._read[p] < ends[p]]
        if behind:
            c.assign(behind)
            for p in behind:
                c.seek(p, self._read[p])
            self._read_to(behind, ends)
        return {p: self._values[p] for p in places}

    def _read_to(self, places: list[TopicPartition], ends: Mapping[TopicPartition, int]) -> None:
        give_up = time.monotonic() + WAIT
        while any(self._committed.position(p) < ends[p] for p in places):
            if time.monotonic() > give_up:
                raise Retry("the marks on the bus cannot be read now")
            for place, records in self._committed.poll(timeout_ms=100).items():
                held = self._values[place]
                for r in records:
                    key = r.key.decode()
                    if r.value is None:
                        held.pop(key, None)
                    else:
                        held[key] = r.value
        for p in places:
            self._read[p] = self._committed.position(p)

    def close(self) -> None:
        with self._lock:
            self._committed.close(autocommit=False)
            self._all.close(autocommit=False)


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except KafkaError as e:
        raise Retry(f"the bus does not answer: {e}") from e
