"""The bus in the large: Kafka through kafka-python. One Kafka transaction is one commit.

Outputs, marks and (with the offsets in the transaction) positions are committed together, fenced by the transactional
id of a source, or by the assignment that a member's work belongs to. Tried on Kafka 4.1: see docs/decisions/0007.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaConnectionError, KafkaError, NodeNotReadyError, NoError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from fengsui.bus.kafka_client import WAIT, configuration, keywords, marks_configuration
from fengsui.bus.kafka_log import Log
from fengsui.bus.kafka_repair import repair
from fengsui.bus.kafka_session import KafkaSession, Ways
from fengsui.bus.protocol import Place
from fengsui.bus.topics import Topic, topics
from fengsui.config import Settings
from fengsui.errors import Retry, UsageError

log = logging.getLogger("fengsui.kafka")

TRIES = 40
FEW = 16
ELSEWHERE = 3.0
"""Seconds in which a question is asked again of other brokers."""
IDLE = 0.05
"""Seconds between two looks at what came: a poll that finds nothing costs about 0.1 ms."""
MAX_WAITING = 200_000_000_000
FULL_EVERY = 10.0
"""Seconds between two looks at how much waits to be read."""
MARKS = "marks"


def connect(settings: Settings) -> KafkaBus:
    """The bus that the settings name, with every topic that Fengsui uses. Raises UsageError if no broker answers."""
    wanted = topics(settings.kafka_partitions, packed=settings.kafka_pack)
    return KafkaBus(keywords(settings), wanted, prefix=settings.kafka_prefix, replication=settings.kafka_replication)


class KafkaBus:
    """``client``: keywords of every client. ``prefix`` stands before every name (topics, groups, ids).

    ``max_bytes`` is what may wait unread for the slowest group before sources must wait, looked at each ``full_every``
    seconds: the broker keeps what travels for a time, not for its readers. ``poll_interval`` (seconds): a member that
    does not read for longer has lost its partitions; ``session``: so has one that is gone.
    """

    def __init__(self, client: Mapping[str, Any], wanted: Sequence[Topic], *, prefix: str = "", replication: int = 1,
                 max_bytes: int = MAX_WAITING, full_every: float = FULL_EVERY, poll_interval: float = 300.0,
                 session: float = 10.0) -> None:  # fmt: skip
        repair()
        self._client, self._prefix, self.max_bytes = dict(client), prefix, max_bytes
        self._full_every, self._looked, self._full = full_every, float("-inf"), 0
        self._arrived = threading.Condition()
        self._guard = threading.Lock()
        self._sessions: list[KafkaSession] = []
        try:
            self._admin = _Admin(**client, request_timeout_ms=int(WAIT * 1000))
        except KafkaError as e:
            raise UsageError(f"no broker answers at {client['bootstrap_servers']}: {e}") from e
        self._make(wanted, replication)
        topics = self._ask(self._admin.describe_topics)
        described = {t["name"]: t for t in topics if t["name"].startswith(prefix)}
        mine = {n.removeprefix(prefix): t for n, t in described.items()}
        self._ids = {n: str(t["topic_id"]) for n, t in mine.items()}
        counts = {n: len(t["partitions"]) for n, t in mine.items()}
        self._marks = [self.tp(Place(MARKS, p)) for p in range(counts.pop(MARKS))]
        self.partitions = counts
        self.kept = frozenset(t.name for t in wanted if t.keep)
        self.log = Log(client)
        self._ways = Ways(client=self._client, prefix=prefix, partitions=counts, marks=self._marks, log=self.log,
                          positions=self._stable, full=self._check_full, announce=self.announce,
                          poll_interval=poll_interval, session=session)  # fmt: skip

    def _make(self, wanted: Sequence[Topic], replication: int) -> None:
        there = set(self._ask(self._admin.list_topics))
        missing = {
            self._prefix + t.name: {"num_partitions": t.partitions, "replication_factor": replication,
                                    "configs": configuration(t, replication)}
            for t in wanted if self._prefix + t.name not in there
        }  # fmt: skip
        if self._prefix + MARKS not in there:
            most = max(t.partitions for t in wanted)
            missing[self._prefix + MARKS] = {"num_partitions": most, "replication_factor": replication,
                                             "configs": marks_configuration(replication)}  # fmt: skip
        for name, how in missing.items():
            try:
                self._ask(lambda: self._admin.create_topics({name: how}, wait_for_metadata=True))  # noqa: B023 at once
            except Retry as e:
                if not isinstance(e.__cause__, TopicAlreadyExistsError):
                    raise
                continue  # another process of ours was faster

    def tp(self, place: Place) -> TopicPartition:
        return TopicPartition(self._prefix + place.topic, place.partition)

    def bus_id(self, topic: str) -> str:
        return self._ids[topic]

    def source(self, name: str) -> KafkaSession:
        return self._kept(KafkaSession(self._ways, source=name))

    def member(self, group: str, topics: Sequence[str], *, instance: str = "") -> KafkaSession:
        unknown = [t for t in topics if t not in self.partitions]
        if unknown:
            raise UsageError(f"no topic {unknown}; there are {sorted(self.partitions)}")
        self._begin(group, [Place(t, p) for t in topics for p in range(self.partitions[t])])
        return self._kept(KafkaSession(self._ways, group=group, topics=tuple(topics), instance=instance))

    def _kept(self, session: KafkaSession) -> KafkaSession:
        """To be closed with the bus: a client that is only forgotten goes on, and keeps its sockets."""
        with self._guard:
            self._sessions = [*(s for s in self._sessions if not s.closed), session]
        return session

    def _begin(self, group: str, places: Sequence[Place]) -> None:
        """Give a group a position in every partition: the oldest message. It never jumps to anywhere by itself."""
        missing: list[TopicPartition] = []
        for _ in range(TRIES):
            try:
                known = self._positions(group)
                missing = [self.tp(p) for p in places if p not in known]
                if not missing:
                    return
                begins = self.log.begins(missing)
                with self._guard:
                    done = self._ask(lambda: self._admin.alter_group_offsets(self._prefix + group, _offsets(begins)))  # noqa: B023
            except Retry as e:  # a cluster that has just started makes its inner topics when they are first asked for
                log.info("group %s: %s", group, e)
                done = {}
            if not done or any(error is not NoError for error in done.values()):
                time.sleep(0.25)  # others of the group are there: one of them has done it, or does it when it leaves
        raise Retry(f"group {group!r} has no position in {missing}: stop its members, and start them again")

    def _stable(self, group: str) -> dict[Place, int]:
        """Where a group is once no transaction that may move it is open. Raises Retry while one is."""
        return self._positions(group, stable=True)

    def _positions(self, group: str, *, stable: bool = False) -> dict[Place, int]:
        with self._guard:
            self._admin.stable = stable
            found = self._ask(lambda: self._admin.list_group_offsets({self._prefix + group: None}))
        out = {}
        for tp, at in found.get(self._prefix + group, {}).items():
            if at.offset >= 0 and tp.topic.startswith(self._prefix):
                out[Place(tp.topic.removeprefix(self._prefix), tp.partition)] = at.offset
        return out

    def _ask(self, ask: Callable[[], Any]) -> Any:
        """Raises Retry. A broker that is away is no reason yet: the client asks another one the next time."""
        end = time.monotonic() + ELSEWHERE
        while True:
            try:
                return ask()
            except (KafkaConnectionError, NodeNotReadyError) as e:
                if time.monotonic() > end:
                    raise Retry(f"the bus does not answer: {e}") from e
                time.sleep(0.1)
            except KafkaError as e:
                raise Retry(f"the bus does not answer: {e}") from e

    def forget(self, group: str) -> None:
        with self._guard:
            (said,) = self._ask(lambda: self._admin.delete_groups([self._prefix + group])).values()
        if said not in ("OK", "NonEmptyGroupError", "GroupIdNotFoundError"):  # not empty: an older version still runs
            raise Retry(f"group {group!r} cannot be dropped: {said}")

    def groups(self) -> list[str]:
        with self._guard:
            found = self._ask(self._admin.list_groups)
        names = [g["group_id"] for g in found if g["group_id"].startswith(self._prefix)]
        return sorted(n.removeprefix(self._prefix) for n in names)

    def lag(self) -> dict[str, int]:
        """As offsets say: markers of transactions count as messages, except where nothing but markers is left."""
        out = {}
        for group, places in self._behind().items():
            out[group] = sum(end - at for _, at, end in places)
        return out

    def _behind(self, *, exact: bool = False) -> dict[str, list[tuple[Place, int, int]]]:
        """For each group the partitions where messages wait: (place, position, end).

        Unless ``exact``, more than FEW offsets are taken for messages without a look: looking fetches the first.
        """
        positions = {g: self._positions(g) for g in self.groups()}
        ends = self.log.ends({self.tp(p) for held in positions.values() for p in held if p.topic in self.partitions})
        waits: dict[tuple[Place, int], bool] = {}
        out: dict[str, list[tuple[Place, int, int]]] = {}
        for group, held in positions.items():
            out[group] = []
            for place, at in held.items():
                end = ends.get(self.tp(place), 0)
                if (place, at) not in waits:
                    many = end - at > FEW and not exact
                    waits[(place, at)] = many or not self.log.empty(self.tp(place), at, end)
                if waits[(place, at)]:
                    out[group].append((place, at, end))
        return out

    def idle(self) -> bool:
        return not any(self._behind(exact=True).values())

    def ends(self, topics: Sequence[str]) -> dict[Place, int]:
        places = [Place(t, p) for t in topics for p in range(self.partitions[t])]
        found = self.log.ends([self.tp(p) for p in places])
        return {p: found[self.tp(p)] for p in places}

    def reached(self, ends: Mapping[Place, int]) -> bool:
        for group in self.groups():
            for place, at in self._positions(group).items():
                if place in ends and not self.log.empty(self.tp(place), at, ends[place]):
                    return False
        return True

    def marks(self, prefix: str) -> dict[str, bytes]:
        return self.log.marks(self._marks, prefix)

    def _check_full(self) -> None:
        """Raise Retry while more than ``max_bytes`` wait for the slowest group."""
        now = time.monotonic()
        with self._arrived:
            due = now - self._looked >= self._full_every
            if due:
                self._looked = now
        if due:
            self._full = self._waiting()
        if self._full > self.max_bytes:
            raise Retry(f"the bus is full: {self._full} bytes wait to be read; the limit is {self.max_bytes}")

    def _waiting(self) -> int:
        """Bytes before the slowest group, by the mean size of what each partition holds."""
        most: dict[Place, tuple[int, int]] = {}
        for places in self._behind().values():
            for place, at, end in places:
                if place.topic not in self.kept:
                    most[place] = min(most.get(place, (at, end)), (at, end))
        if not most:
            return 0
        with self._guard:
            sizes = _sizes(self._ask(self._admin.describe_log_dirs))
        begins = self.log.begins([self.tp(p) for p in most])
        total = 0.0
        for place, (at, end) in most.items():
            tp = self.tp(place)
            total += sizes.get((tp.topic, tp.partition), 0) * (end - at) / max(1, end - begins[tp])
        return int(total)

    def announce(self) -> None:
        with self._arrived:
            self._arrived.notify_all()

    def wait(self, timeout: float) -> None:
        with self._arrived:
            self._arrived.wait(min(timeout, IDLE))

    def close(self) -> None:
        with self._guard:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()
        self.log.close()
        self._admin.close()


class _Admin(KafkaAdminClient):  # type: ignore[misc]
    """``stable``: ask for positions that no open transaction is about to move; the client has no word for it."""

    stable = False

    def _list_group_offsets_requests(self, group_specs: Any) -> Iterator[Any]:
        for group, request in super()._list_group_offsets_requests(group_specs):
            request.require_stable = self.stable
            yield group, request


def _offsets(found: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
    return {tp: OffsetAndMetadata(offset, "", -1) for tp, offset in found.items()}


def _sizes(answer: Any) -> dict[tuple[str, int], int]:
    """Bytes of each partition's log, of its largest replica."""
    out: dict[tuple[str, int], int] = {}
    for broker in answer:
        for folder in broker["log_dirs"]:
            for topic in folder["topics"]:
                for p in topic["partitions"]:
                    key = (topic["name"], p["partition_index"])
                    out[key] = max(out.get(key, 0), p["partition_size"])
    return out
