"""What every bus must do: SQLite in the small, Kafka in the large."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fengsui.bus.protocol import Commit, Output, Place
from fengsui.bus.topics import Topic, topics
from fengsui.errors import Fenced, Retry, Stopped, UsageError

FLOW = "events.flow"
SOME = ("events.flow", "findings", "stored", "alerts", "dead")
"""Topics that these tests use: making all of them for each test would be most of its time on Kafka."""
PATIENCE = {"sqlite": 0.0, "kafka": 20.0}
"""Seconds that a message, or a rebalance, may take to come."""
QUIET = {"sqlite": 0.0, "kafka": 1.0}
"""Seconds without a message after which there is none."""


@pytest.fixture(params=["sqlite", "kafka"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_bus(kind: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open the bus of this test; again opens the same one. ``partitions`` of each topic, ``max_bytes``; ``short``:
    a member that does not read for two seconds has lost its partitions; ``other``: another bus."""
    opened: list[Any] = []
    name = secrets.token_hex(4)

    def some(partitions: int) -> list[Topic]:
        return [t for t in topics(partitions) if t.name in SOME]

    def sqlite(partitions: int = 2, *, short: bool = False, other: bool = False, **changes: Any) -> Any:
        from fengsui.bus.sqlite import SESSION_TIMEOUT, SqliteBus

        speed = SESSION_TIMEOUT / 2 if short else 1.0
        path = tmp_path / ("other.db" if other else "bus.db")
        return SqliteBus(path, some(partitions), clock=lambda: time.time() * speed, **changes)

    def kafka(partitions: int = 2, *, short: bool = False, other: bool = False, **changes: Any) -> Any:
        from fengsui.bus.kafka import KafkaBus
        from tests.support.kafka import bootstrap

        client = {"bootstrap_servers": bootstrap(), "retry_backoff_ms": 5}
        if short:
            changes |= {"poll_interval": 2.0, "session": 2.0}
        if "max_bytes" in changes:
            changes["full_every"] = 0.0
        return KafkaBus(client, some(partitions), prefix=f"{'other' if other else ''}{name}.", **changes)

    def make(*arguments: Any, **changes: Any) -> Any:
        opened.append({"sqlite": sqlite, "kafka": kafka}[kind](*arguments, **changes))
        return opened[-1]

    yield make
    for bus in opened:
        bus.close()


@pytest.fixture
def take(kind: str) -> Callable[..., list[Any]]:
    """Read ``n`` messages (or what comes, with None, until it is quiet)."""

    def read(session: Any, n: int | None = None, limit: int = 100) -> list[Any]:
        out: list[Any] = []
        held = session.assignment
        end = time.monotonic() + PATIENCE[kind]
        quiet = time.monotonic() + QUIET[kind]
        while True:
            found = session.read(limit if n is None else min(limit, n - len(out)), min(0.1, PATIENCE[kind]))
            if session.assignment is not held:  # as a worker does: begin from what is committed
                held, out = session.assignment, []
                session.seek(held.positions)
                quiet = time.monotonic() + QUIET[kind]
                continue
            out += found
            if found:
                quiet = time.monotonic() + QUIET[kind]
            now = time.monotonic()
            if n is not None and len(out) >= n:
                return out
            if not found and now >= (quiet if n is None and held.positions else end):
                return out

    return read


@pytest.fixture
def until(kind: str) -> Callable[[Callable[[], bool]], bool]:
    """Wait until something holds, as long as this kind of bus may take."""

    def wait(what: Callable[[], bool]) -> bool:
        end = time.monotonic() + PATIENCE[kind]
        while not what():
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        return True

    return wait


def send(bus, *values: bytes, key: str = "k", topic: str = FLOW, source: str = "s") -> None:
    session = bus.source(source)
    session.commit(Commit([Output(topic, key, v, {"n": v.decode()}) for v in values]))
    session.close()


def values(messages: list[Any]) -> list[bytes]:
    return [m.value for m in messages]


def share(*sessions: Any) -> Callable[[], bool]:
    """Whether these members have divided the partitions of the topic among themselves."""

    def divided() -> bool:
        with ThreadPoolExecutor(len(sessions)) as pool:  # members wait for one another while they divide
            for s, found in zip(sessions, pool.map(lambda s: s.read(1, 0), sessions), strict=True):
                s.seek({m.place: m.offset for m in found})
        held = [p for s in sessions for p in s.assignment.positions]
        return sorted(held) == [Place(FLOW, 0), Place(FLOW, 1)] and all(s.assignment.positions for s in sessions)

    return divided


def ends(messages) -> dict[Place, int]:
    return {m.place: m.offset + 1 for m in messages}


def test_what_was_sent_is_read_in_order_with_its_headers(make_bus, take):
    bus = make_bus()
    send(bus, b"1", b"2", b"3")
    messages = take(bus.member("g", [FLOW]), 3)
    assert values(messages) == [b"1", b"2", b"3"]
    assert [m.headers["n"] for m in messages] == ["1", "2", "3"]
    assert [m.offset for m in messages] == sorted({m.offset for m in messages})


def test_the_same_key_goes_to_the_same_partition(make_bus, take):
    bus = make_bus()
    for i in range(20):
        send(bus, b"x", key=str(i % 4))
    places: dict[Place, int] = {}
    for m in take(bus.member("g", [FLOW]), 20):
        places[m.place] = places.get(m.place, 0) + 1
    assert len(places) == 2
    assert all(n % 5 == 0 for n in places.values())


def test_outputs_positions_and_marks_are_committed_together_or_not_at_all(make_bus, take, until):
    bus = make_bus()
    send(bus, b"1")
    member = bus.member("g", [FLOW])
    messages = take(member, 1)
    with pytest.raises(UsageError, match="no topic"):
        member.commit(Commit([Output("nowhere", "k", b"x")], ends(messages), {"m": b"1"}))
    assert member.mark("m") is None
    assert not bus.idle()
    member.commit(Commit([Output("findings", "k", b"x")], ends(messages), {"m": b"1"}))
    assert member.mark("m") == b"1"
    assert values(take(bus.member("h", ["findings"]), 1)) == [b"x"]


def test_a_restart_reads_on_from_what_was_committed(make_bus, take):
    bus = make_bus()
    send(bus, b"1", b"2", b"3")
    member = bus.member("g", [FLOW])
    first = take(member, 2)
    member.commit(Commit(positions=ends(first[:1])))
    member.close()
    assert values(take(make_bus().member("g", [FLOW]), 2)) == [b"2", b"3"]


def test_a_mark_is_there_after_a_restart(make_bus):
    bus = make_bus()
    source = bus.source("s")
    for i in range(3):
        source.commit(Commit([Output(FLOW, "k", b"x")], marks={"m": str(i).encode(), "n": b"other"}))
    source.close()
    again = make_bus().source("s")
    assert (again.mark("m"), again.mark("n"), again.mark("nothing")) == (b"2", b"other", None)
    assert make_bus().marks("m") == {"m": b"2"}


def test_a_group_sees_all_whatever_another_group_has_read(make_bus, take):
    bus = make_bus()
    one, two = bus.member("one", [FLOW]), bus.member("two", [FLOW])
    send(bus, b"1", b"2")
    one.commit(Commit(positions=ends(take(one, 2))))
    assert values(take(two, 2)) == [b"1", b"2"]


def test_a_kept_topic_is_read_whole_by_a_group_that_comes_later(make_bus, take):
    bus = make_bus()
    first = bus.member("one", ["stored"])
    send(bus, b"1", b"2", topic="stored")
    first.commit(Commit(positions=ends(take(first, 2))))
    assert values(take(bus.member("late", ["stored"]), 2)) == [b"1", b"2"]


def test_two_members_share_the_partitions_and_no_message_is_read_by_both(make_bus, take, until):
    bus = make_bus()
    a, b = bus.member("g", [FLOW]), bus.member("g", [FLOW])
    assert until(share(a, b))
    for i in range(10):
        send(bus, str(i).encode(), key=str(i))
    got = sorted(values(take(a)) + values(take(b)))
    assert got == [str(i).encode() for i in range(10)]


def test_a_commit_after_the_partitions_went_to_another_is_refused_and_leaves_nothing(make_bus, take):
    bus = make_bus(1, short=True)
    send(bus, b"1")
    zombie = bus.member("g", [FLOW])
    held = take(zombie, 1)
    time.sleep(3.0)  # it sleeps past its session
    heir = bus.member("g", [FLOW])
    work = take(heir, 1)
    heir.commit(Commit([Output("findings", "k", b"heir")], ends(work)))
    with pytest.raises(Fenced):
        zombie.commit(Commit([Output("findings", "k", b"zombie")], ends(held), {"m": b"zombie"}))
    assert zombie.mark("m") is None
    assert values(take(bus.member("h", ["findings"]))) == [b"heir"]


def test_a_zombie_that_wakes_goes_on_from_what_is_committed(make_bus, take):
    bus = make_bus(1, short=True)
    send(bus, b"1", b"2")
    zombie = bus.member("g", [FLOW])
    take(zombie, 1)
    time.sleep(3.0)
    heir = bus.member("g", [FLOW])
    heir.commit(Commit(positions=ends(take(heir, 2)[:1])))
    heir.close()
    assert values(take(zombie, 1)) == [b"2"]


def test_a_member_that_lost_its_partitions_sees_a_new_assignment(make_bus, take, until):
    bus = make_bus()
    a = bus.member("g", [FLOW])
    assert until(lambda: not a.read(1, 0) and len(a.assignment.positions) == 2)
    before = a.assignment
    b = bus.member("g", [FLOW])
    assert until(share(a, b))
    assert a.assignment is not before
    b.close()
    assert until(lambda: not a.read(1, 0) and len(a.assignment.positions) == 2)


def test_a_second_source_of_the_same_name_fences_the_first(make_bus, take):
    bus = make_bus()
    first = bus.source("collector")
    first.commit(Commit([Output(FLOW, "k", b"1")]))
    second = bus.source("collector")
    with pytest.raises(Fenced, match="another collector"):
        first.commit(Commit([Output(FLOW, "k", b"late")]))
    second.commit(Commit([Output(FLOW, "k", b"2")]))
    assert values(take(bus.member("g", [FLOW]))) == [b"1", b"2"]


def test_who_comes_back_to_its_seat_has_its_partitions_at_once_and_a_former_holder_is_stopped(make_bus, take):
    bus = make_bus(1)
    send(bus, b"1")
    killed = bus.member("g", [FLOW], instance="0")
    held = take(killed, 1)
    began = time.monotonic()
    heir = bus.member("g", [FLOW], instance="0")
    messages = take(heir, 1)
    assert values(messages) == [b"1"]
    assert time.monotonic() - began < 5.0  # well before a session would time out
    with pytest.raises(Stopped, match="another process"):
        killed.commit(Commit([Output("findings", "k", b"zombie")], ends(held)))
    heir.commit(Commit([Output("findings", "k", b"heir")], ends(messages)))
    assert values(take(bus.member("h", ["findings"]))) == [b"heir"]


def test_a_full_bus_refuses_sources_until_readers_have_gone_on_and_never_refuses_readers(make_bus, take):
    bus = make_bus(1, max_bytes=1000)
    member = bus.member("g", [FLOW])
    source = bus.source("s")
    source.commit(Commit([Output(FLOW, "k", bytes(1500))]))
    with pytest.raises(Retry, match="full"):
        source.commit(Commit([Output(FLOW, "k", b"more")], marks={"m": b"1"}))
    assert source.mark("m") is None
    messages = take(member, 1)
    other = bus.member("h", ["findings"])
    member.commit(Commit([Output("findings", "k", bytes(5000))], ends(messages)))
    assert len(messages) == 1
    with pytest.raises(Retry):
        source.commit(Commit([Output(FLOW, "k", b"more")]))
    other.commit(Commit(positions=ends(take(other, 1))))
    source.commit(Commit([Output(FLOW, "k", b"more")]))


def test_idle_means_that_every_group_has_committed_all(make_bus, take):
    bus = make_bus()
    member = bus.member("g", [FLOW])
    assert bus.idle()
    send(bus, b"1")
    assert not bus.idle()
    before = bus.ends([FLOW])
    messages = take(member, 1)
    assert not bus.idle()
    assert not bus.reached(before)
    assert bus.lag()["g"] > 0
    member.commit(Commit(positions=ends(messages)))
    assert bus.idle()
    assert bus.reached(before)
    assert bus.lag() == {"g": 0}


def test_a_busy_topic_does_not_starve_the_others(make_bus, take):
    bus = make_bus(1)
    source = bus.source("s")
    source.commit(Commit([Output(FLOW, "k", b"busy %d" % i) for i in range(50)]))
    send(bus, b"quiet", topic="findings", source="t")
    member = bus.member("g", [FLOW, "findings"])
    assert b"quiet" in values(take(member, 20, limit=5))


def test_a_forgotten_group_no_longer_holds_messages(make_bus, take):
    bus = make_bus(1)
    reader, gone = bus.member("reader", [FLOW]), bus.member("gone", [FLOW])
    send(bus, b"1")
    reader.commit(Commit(positions=ends(take(reader, 1))))
    gone.close()
    assert not bus.idle()
    bus.forget("gone")
    assert bus.idle()
    assert bus.groups() == ["reader"]


def test_seek_reads_again_from_there(make_bus, take):
    bus = make_bus(1)
    send(bus, b"1", b"2", topic="stored")
    member = bus.member("g", ["stored"])
    messages = take(member, 2)
    member.seek({messages[0].place: messages[1].offset})
    assert values(member.read(10, 5.0)) == [b"2"]


def test_a_mark_can_be_forgotten(make_bus):
    source = make_bus().source("s")
    source.commit(Commit(marks={"m": b"1"}))
    source.commit(Commit(marks={"m": None}))
    assert source.mark("m") is None


def test_a_topic_made_anew_has_another_identity(make_bus):
    one = make_bus().bus_id(FLOW)
    assert make_bus().bus_id(FLOW) == one
    assert make_bus(other=True).bus_id(FLOW) != one


def test_messages_of_many_megabytes_travel(make_bus, take):
    bus = make_bus(1)
    whole = secrets.token_bytes(6_000_000)
    bus.source("s").commit(Commit([Output(FLOW, "k", whole), Output(FLOW, "k", whole)]))
    assert [v == whole for v in values(take(bus.member("g", [FLOW]), 2))] == [True, True]
