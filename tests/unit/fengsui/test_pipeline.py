"""The step and its loops: what is done again after an error, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.bus.topics import topics
from fengsui.errors import Fenced, Retry, Stopped
from fengsui.pipeline import Worker, drain, run, together

FLOW, STORED = "events.flow", "stored"


class Recorder:
    """Commits each message that it reads; ``trouble`` is called before, with all that was seen so far."""

    def __init__(self, name: str = "g", trouble: Callable[[list[bytes]], None] = lambda seen: None) -> None:
        self.name, self.trouble = name, trouble
        self.seen: list[bytes] = []
        self.begun = 0

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        self.begun += 1
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not messages:
            return None
        self.trouble(self.seen)
        self.seen += [m.value for m in messages]
        return Commit(positions={m.place: m.offset + 1 for m in messages})


class Feeder:
    """A source of ``n`` messages."""

    name = "feed"

    def __init__(self, n: int, topic: str = STORED, size: int = 1) -> None:
        self._left, self._topic, self._size = n, topic, size

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not self._left:
            return None
        self._left -= 1
        return Commit([Output(self._topic, "k", b"x" * self._size)])


def send(bus, *values: bytes, topic: str = STORED) -> None:
    session = bus.source("s")
    session.commit(Commit([Output(topic, "k", v) for v in values]))
    session.close()


def once(error: BaseException, after: int) -> Callable[[list[bytes]], None]:
    """Raise once, when so many messages were seen."""
    left = [error]

    def trouble(seen: list[bytes]) -> None:
        if len(seen) >= after and left:
            raise left.pop()

    return trouble


@pytest.mark.parametrize("topic", [STORED, FLOW])
def test_after_an_error_work_begins_from_what_is_committed_and_not_from_the_start(make_bus, topic):
    bus = make_bus(topics=topics(1))
    role = Recorder(trouble=once(Retry("busy"), after=2))
    slow = bus.member("slow", [topic])  # keeps the messages on the bus
    worker = Worker(role, bus.member("g", [topic]), limit=1)
    send(bus, b"1", b"2", b"3", b"4", topic=topic)
    run(worker, lambda: 0.0, lambda: True, lambda _: None, timeout=0)
    assert role.seen == [b"1", b"2", b"3", b"4"]
    assert role.begun == 2
    assert len(slow.read(10, 0)) == 4


def test_what_was_in_hand_when_work_failed_is_read_again(make_bus):
    bus = make_bus(topics=topics(1))
    role = Recorder(trouble=once(ValueError("mistake"), after=1))
    worker = Worker(role, bus.member("g", [STORED]), limit=1)
    send(bus, b"1", b"2")
    with pytest.raises(ValueError, match="mistake"):
        drain([worker], lambda: 0.0)
    drain([worker], lambda: 0.0)
    assert role.seen == [b"1", b"2"]


def test_a_commit_that_could_not_be_done_now_is_tried_again_before_anything_else_is_read(make_bus, monkeypatch):
    bus = make_bus(topics=topics(1))
    role, session = Recorder(), bus.member("g", [STORED])
    worker = Worker(role, session, limit=1)
    send(bus, b"1", b"2")
    real, refusals = session.commit, [Retry("full"), Retry("full")]

    def commit(c: Commit) -> None:
        if refusals:
            raise refusals.pop()
        real(c)

    monkeypatch.setattr(session, "commit", commit)
    waits: list[float] = []
    run(worker, lambda: 0.0, lambda: True, waits.append, timeout=0)
    assert role.seen == [b"1", b"2"]
    assert waits == [0.05, 0.1]
    assert bus.idle()


def test_who_lost_its_partitions_drops_the_work_and_the_heir_does_it_once(make_bus):
    now = [0.0]
    bus = make_bus(topics=topics(1), clock=lambda: now[0])
    zombie, heir = Recorder(), Recorder()
    session = bus.member("g", [STORED])
    worker = Worker(zombie, session)
    worker.step(0.0)
    send(bus, b"1")
    heirs: list[Worker] = []

    def stolen(seen: list[bytes]) -> None:
        now[0] += 60.0
        heirs.append(Worker(heir, bus.member("g", [STORED])))
        drain(heirs, lambda: 0.0)

    zombie.trouble = stolen
    worker.step(0.0)  # reads, is taken for dead while it works, and is refused
    assert heir.seen == [b"1"]
    zombie.trouble = lambda seen: None
    heirs[0].close()
    send(bus, b"2")
    drain([worker], lambda: 0.0)
    assert zombie.seen == [b"1", b"2"]  # the first was in hand when it was refused; it never was read again


def test_a_source_that_was_replaced_ends(make_bus):
    bus = make_bus()
    worker = Worker(Feeder(3), bus.source("s"))
    worker.step(0.0)
    bus.source("s")
    with pytest.raises(Fenced):
        drain([worker], lambda: 0.0)


def feed_and_follow(bus, n: int, role: Recorder, topic: str = STORED, size: int = 1) -> None:
    workers = [Worker(role, bus.member(role.name, [topic]), limit=1)]
    source = Worker(Feeder(n, topic, size), bus.source("s"))
    try:
        together([source], workers, lambda: 0.0)
    finally:
        for w in (source, *workers):
            w.close()


def test_followers_in_threads_have_read_all_when_it_returns(make_bus):
    role = Recorder()
    before = set(threading.enumerate())
    feed_and_follow(make_bus(topics=topics(1)), 50, role)
    assert len(role.seen) == 50
    assert set(threading.enumerate()) <= before


def test_the_error_of_a_follower_is_raised_and_stops_its_feeder(make_bus):
    bus = make_bus(topics=topics(1))
    role = Recorder(trouble=once(Stopped("half a block"), after=3))
    with pytest.raises(Stopped, match="half a block"):
        feed_and_follow(bus, 10**9, role)


def test_the_error_of_a_follower_stops_a_feeder_that_waits_for_a_full_bus(make_bus):
    bus = make_bus(topics=topics(1), max_bytes=10_000)
    role = Recorder(trouble=once(Stopped("half a block"), after=0))
    with pytest.raises(Stopped, match="half a block"):
        feed_and_follow(bus, 10**9, role, FLOW, 5000)


def test_the_error_of_a_feeder_is_raised_when_its_followers_have_ended(make_bus):
    bus = make_bus(topics=topics(1))
    feeder = Feeder(3)
    feeder.work = lambda messages, now: (_ for _ in ()).throw(KeyboardInterrupt())
    follower = Worker(Recorder(), bus.member("g", [STORED]))
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        together([Worker(feeder, bus.source("s"))], [follower], lambda: 0.0)
    assert set(threading.enumerate()) <= before


def test_a_full_bus_makes_the_feeder_wait_and_loses_nothing(make_bus):
    role = Recorder()
    feed_and_follow(make_bus(topics=topics(1), max_bytes=10_000), 20, role, FLOW, 4000)
    assert len(role.seen) == 20
