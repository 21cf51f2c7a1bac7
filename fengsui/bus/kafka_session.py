"""One role's hold on Kafka: a consumer for what it reads, a transactional producer for what it commits."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError, OffsetOutOfRangeError
from kafka.structs import MemberState, OffsetAndMetadata

from fengsui.bus.kafka_client import GONE, REPLACED, producer_keywords, reader_keywords
from fengsui.bus.kafka_log import Log
from fengsui.bus.protocol import Assignment, Commit, Message, Place
from fengsui.bus.topics import partition_of
from fengsui.errors import Fenced, Retry, Stopped, UsageError

log = logging.getLogger("fengsui.kafka")

COMMITS = "commit/"
"""Marks that count the commits of a source: what tells whether a commit without an answer was done."""
FRESH = 1.0
"""Seconds that marks which a source has read to their end are taken for as they are. Whoever held its name before is
fenced by then; a folder of thousands of files would otherwise ask the brokers for each."""

LEAST, JOINING = 0.002, 0.5
"""Seconds that a read waits at least: in none at all the client does no work; while the group divides itself, more."""


@dataclass(frozen=True)
class Ways:
    """What sessions share. ``full`` raises Retry while sources must wait; ``poll_interval``, ``session``: seconds."""

    client: Mapping[str, Any]
    prefix: str
    partitions: Mapping[str, int]
    marks: Sequence[TopicPartition]
    log: Log
    positions: Callable[[str], dict[Place, int]]
    full: Callable[[], None]
    announce: Callable[[], None]
    poll_interval: float
    session: float

    def tp(self, place: Place) -> TopicPartition:
        return TopicPartition(self.prefix + place.topic, place.partition)

    def place(self, tp: TopicPartition) -> Place:
        return Place(tp.topic.removeprefix(self.prefix), tp.partition)

    def mark(self, key: str) -> TopicPartition:
        return self.marks[partition_of(key, len(self.marks))]


class KafkaSession:
    """See :class:`fengsui.bus.protocol.Session`."""

    def __init__(self, ways: Ways, *, source: str = "", group: str = "", topics: tuple[str, ...] = (),
                 instance: str = "") -> None:  # fmt: skip
        self._w, self._source, self._group, self._seat = ways, source, group, instance
        name = f"source/{source}" if source else f"{group}/{instance or secrets.token_hex(8)}"
        self._id = f"{ways.prefix}{name}"
        self._committed: dict[Place, int] = {}
        self._assignment = Assignment(0, self._committed)
        self._member: Any = None  # the consumer's membership when the assignment was made: what commits are fenced by
        self._own: dict[str, bytes | None] = {}
        self._looked: dict[TopicPartition, float] = {}
        self._unsure: Commit | None = None
        self._producer: KafkaProducer | None = None
        self._consumer: KafkaConsumer | None = None
        self.closed = False
        self._open()
        self._commits = self._counted() if source else 0
        if group:
            self._consumer = self._subscribed(topics)

    def _open(self) -> KafkaProducer:
        """A producer whose id is ours: a former holder is fenced, and what it left open is over."""
        if self._producer is None:
            producer = KafkaProducer(**self._w.client, **producer_keywords(self._id))
            try:
                producer.init_transactions()
            except KafkaError as e:
                producer.close(timeout=0)
                raise Retry(f"the bus does not answer: {e}") from e
            self._producer = producer
            self._looked = {}  # what was read before is from before the fence
        return self._producer

    def _subscribed(self, topics: Sequence[str]) -> KafkaConsumer:
        seat = {"group_instance_id": self._seat} if self._seat else {}
        consumer = KafkaConsumer(
            **self._w.client, **reader_keywords(), **seat, isolation_level="read_committed",
            group_id=self._w.prefix + self._group, session_timeout_ms=int(self._w.session * 1000),
            heartbeat_interval_ms=int(self._w.session * 1000 / 10),
            max_poll_interval_ms=int(self._w.poll_interval * 1000),
            partition_assignment_strategy=[RoundRobinPartitionAssignor])  # fmt: skip
        consumer.subscribe([self._w.prefix + t for t in topics])
        return consumer

    @property
    def assignment(self) -> Assignment:
        return self._assignment

    def read(self, limit: int, timeout: float) -> list[Message]:
        if self._consumer is None:
            return []
        settled = self._consumer.group_metadata().state == MemberState.STABLE
        patience = max(timeout, LEAST if settled else JOINING)
        try:
            found = self._consumer.poll(timeout_ms=int(patience * 1000), max_records=max(1, limit))
            self._adopt(self._consumer)
        except REPLACED as e:
            raise self._replaced() from e
        except OffsetOutOfRangeError as e:
            raise Stopped(f"group {self._group!r}: what it was to read next is no longer on the bus ({e}): it was away "
                          "for longer than the bus keeps messages. Nothing is skipped by itself; see docs/large.md"
                          ) from e  # fmt: skip
        except KafkaError as e:
            raise Retry(f"the bus does not answer: {e}") from e
        return [
            Message(self._w.place(tp), r.offset, {k: v.decode() for k, v in r.headers}, r.value or b"")
            for tp, records in found.items() for r in records
        ]  # fmt: skip

    def _adopt(self, consumer: KafkaConsumer) -> None:
        """A new assignment begins when the membership or the partitions have changed."""
        member = consumer.group_metadata()
        held = {self._w.place(tp) for tp in consumer.assignment()}
        old = self._member
        if old is not None and _who(old) == _who(member) and held == set(self._committed):
            return
        if member.generation_id < 0:
            held = set()
        # Read anew, not from what the consumer remembers: another member may have committed meanwhile. Should that
        # fail, nothing is adopted yet: the next read finds the same change.
        self._committed = self._positions(held) if held else {}
        self._member = member
        self._assignment = Assignment(max(1, member.generation_id), self._committed)
        self._unsure = None

    def _positions(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where the group is. Not asked over the consumer's own connection, where it would wait behind the others of
        the group that are still to join."""
        found = self._w.positions(self._group)
        wanted = list(places)
        lacking = [p for p in wanted if p not in found]
        if lacking:
            raise Stopped(f"group {self._group!r} has no position in {lacking}: it has expired, or was deleted")
        return {p: found[p] for p in wanted}

    def seek(self, positions: Mapping[Place, int]) -> None:
        if self._consumer is not None:
            held = self._consumer.assignment()
            for place, offset in positions.items():
                if self._w.tp(place) in held:
                    self._consumer.seek(self._w.tp(place), offset)

    def mark(self, key: str) -> bytes | None:
        if key in self._own:
            return self._own[key]
        place, now = self._w.mark(key), time.monotonic()
        if self._source and now - self._looked.get(place, float("-inf")) < FRESH:
            return self._w.log.known(place, key)
        value = self._w.log.mark(place, key)
        self._looked[place] = now
        return value

    def commit(self, commit: Commit) -> None:
        self._check(commit)
        if self._unsure is not None and self._settled():
            return
        if self._source and commit.outputs:
            self._w.full()
        marks = dict(commit.marks)
        if self._source:
            marks[COMMITS + self._source] = str(self._commits + 1).encode()
        if not (commit.outputs or commit.positions or marks):
            return
        try:
            self._transact(commit, marks)
        except KafkaError as e:
            self._failed(commit, e)
        self._done(commit)

    def _check(self, commit: Commit) -> None:
        for o in commit.outputs:
            if o.topic not in self._w.partitions:
                raise UsageError(f"no topic {o.topic!r}")
        for place in commit.positions:
            if place not in self._assignment.positions:
                raise Fenced(f"{place} is not held by this member of {self._group!r}")

    def _transact(self, commit: Commit, marks: Mapping[str, bytes | None]) -> None:
        producer = self._open()
        producer.begin_transaction()
        sent = []
        for o in commit.outputs:
            tp = self._w.tp(Place(o.topic, partition_of(o.key, self._w.partitions[o.topic])))
            headers = [(k, v.encode()) for k, v in o.headers.items()]
            sent.append(producer.send(tp.topic, o.value, partition=tp.partition, headers=headers))
        for key, value in marks.items():
            tp = self._w.mark(key)
            sent.append(producer.send(tp.topic, value, key=key.encode(), partition=tp.partition))
        if commit.positions:
            offsets = {self._w.tp(p): OffsetAndMetadata(n, "", -1) for p, n in commit.positions.items()}
            producer.send_offsets_to_transaction(offsets, self._member)
        producer.flush()
        for s in sent:
            s.get(timeout=0)  # a message that was refused ends the transaction here, with the reason
        self._unsure = commit  # from here on it may be done although no answer comes
        producer.commit_transaction()
        self._unsure = None

    def _done(self, commit: Commit) -> None:
        self._committed |= commit.positions
        self._own |= commit.marks
        self._commits += 1
        self._unsure = None
        if commit.outputs:
            self._w.announce()

    def _failed(self, commit: Commit, e: KafkaError) -> None:
        """Undo what was begun, and say what follows. Returns if the commit turns out to be done."""
        if isinstance(e, REPLACED):
            self._drop()
            self._unsure = None
            if self._source:
                raise Fenced(f"another collector of {self._source!r} has started; this one ends") from e
            if self._seat:
                raise self._replaced() from e
            raise Fenced(f"the partitions of group {self._group!r} were assigned anew") from e
        if self._unsure is not None:
            self._drop()
            if self._settled():
                return
            raise Retry(f"the bus does not answer: {e}") from e
        self._abort()
        if isinstance(e, GONE):
            self._member = None  # the next read makes a new assignment
            raise Fenced(f"the partitions of group {self._group!r} were assigned anew") from e
        raise Retry(f"the bus did not take it: {type(e).__name__}: {e}") from e

    def _settled(self) -> bool:
        """Whether the commit without an answer was done. Opening the producer anew ends its transaction either way."""
        commit = self._unsure
        assert commit is not None
        self._open()
        if self._source:
            done = self._counted() == self._commits + 1
        elif commit.positions:
            place, after = next(iter(commit.positions.items()))
            done = self._positions([place])[place] == after
        else:
            raise Stopped(f"it is not known whether the last commit of {self._group!r} was done, and nothing tells")
        self._unsure = None
        if done:
            self._done(commit)
        return done

    def _counted(self) -> int:
        return int(self._w.log.mark(self._w.mark(COMMITS + self._source), COMMITS + self._source) or b"0")

    def _abort(self) -> None:
        try:
            if self._producer is not None:
                self._producer.abort_transaction()
        except KafkaError as e:
            log.warning("%s: %s; the transaction is left to be ended by the next producer", self._id, e)
            self._drop()

    def _drop(self) -> None:
        """The producer is of no more use."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=0)
        except KafkaError as e:  # it waits for what will never be sent, and its thread would stay
            log.debug("%s: %s", self._id, e)
            producer._sender.force_close()
            producer._closed = True

    def _replaced(self) -> Stopped:
        return Stopped(f"another process has started as {self._seat!r} of group {self._group!r}; this one ends")

    def close(self) -> None:
        self.closed = True
        if self._consumer is not None:
            self._consumer.close(autocommit=False)
        self._drop()


def _who(member: Any) -> tuple[int, str]:
    return member.generation_id, member.member_id
