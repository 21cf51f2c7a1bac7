"""What is Kafka's alone: markers between messages, a new assignment in steps, transactions that were left open."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from fengsui.bus.kafka import KafkaBus
from fengsui.bus.kafka_client import producer_keywords
from fengsui.bus.protocol import Commit, Output, Place
from fengsui.bus.topics import topics
from fengsui.errors import Retry, Stopped
from tests.support.kafka import bootstrap

FLOW = "events.flow"


@pytest.fixture
def bus() -> Iterator[KafkaBus]:
    wanted = [t for t in topics(1) if t.name in (FLOW, "findings", "stored")]
    client = {"bootstrap_servers": bootstrap(), "retry_backoff_ms": 5}
    found = KafkaBus(client, wanted, prefix=f"{secrets.token_hex(4)}.")
    yield found
    found.close()


def joined(bus: KafkaBus, group: str = "g") -> Any:
    member = bus.member(group, [FLOW])
    end = time.monotonic() + 20
    while not member.assignment.positions and time.monotonic() < end:
        member.read(1, 0.1)
    member.seek(member.assignment.positions)
    return member


def read(member: Any, n: int, seconds: float = 20) -> list[Any]:
    out: list[Any] = []
    end = time.monotonic() + seconds
    while len(out) < n and time.monotonic() < end:
        out += member.read(n, 0.1)
    return out


def test_an_assignment_whose_positions_could_not_be_read_is_adopted_at_the_next_read(bus):
    member = joined(bus)
    before, positions = member.assignment, member._w.positions
    member._member = member._member._replace(generation_id=-7)  # as if divided anew, with the same outcome

    def away(group: str) -> dict[Place, int]:
        raise Retry("the bus does not answer")

    member._w = replace(member._w, positions=away)
    with pytest.raises(Retry):
        member.read(1, 0)
    member._w = replace(member._w, positions=positions)
    member.read(1, 0)
    assert member.assignment is not before
    assert member.assignment.positions == before.positions
    member.close()


def test_what_a_killed_producer_left_open_is_never_read(bus):
    open_one = KafkaProducer(bootstrap_servers=bootstrap(), **producer_keywords(f"{bus._prefix}source/killed"))
    open_one.init_transactions()
    open_one.begin_transaction()
    open_one.send(bus.tp(Place(FLOW, 0)).topic, b"half", partition=0)
    open_one.flush()
    after = bus.source("killed")  # who comes back ends what was left open
    after.commit(Commit([Output(FLOW, "k", b"whole")]))
    member = joined(bus)
    assert [m.value for m in read(member, 1)] == [b"whole"]
    for s in (after, member):
        s.close()
    open_one._sender.force_close()
    open_one._closed = True


def lost_answer(session: Any, *, done: bool) -> None:
    """Have the next commit end without an answer, after it was done or before."""
    producer = session._open()
    commit = producer.commit_transaction

    def without_answer() -> None:
        if done:
            commit()
        raise KafkaTimeoutError("no answer")

    producer.commit_transaction = without_answer


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_of_a_source_without_an_answer_is_done_once(bus, done):
    source = bus.source("s")
    commit = Commit([Output(FLOW, "k", b"1")], marks={"m": b"1"})
    lost_answer(source, done=done)
    if done:
        source.commit(commit)
    else:
        with pytest.raises(Retry):
            source.commit(commit)
        source.commit(commit)
    source.commit(Commit([Output(FLOW, "k", b"2")]))
    member = joined(bus)
    assert [m.value for m in read(member, 3, seconds=6)] == [b"1", b"2"]
    assert bus.source("other").mark("m") == b"1"


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_of_a_member_without_an_answer_is_done_once(bus, done):
    bus.source("s").commit(Commit([Output(FLOW, "k", b"1")]))
    member = joined(bus)
    (message,) = read(member, 1)
    commit = Commit([Output("findings", "k", b"found")], {message.place: message.offset + 1})
    lost_answer(member, done=done)
    if done:
        member.commit(commit)
    else:
        with pytest.raises(Retry):
            member.commit(commit)
        member.commit(commit)
    other = bus.member("h", ["findings"])
    end, out = time.monotonic() + 5, []
    while time.monotonic() < end:
        out += other.read(5, 0.2)
    assert [m.value for m in out] == [b"found"]
    assert bus.lag()["g"] == 0


def test_messages_lost_to_retention_stop_the_group_loudly(bus):
    source = bus.source("s")
    source.commit(Commit([Output(FLOW, "k", b"1"), Output(FLOW, "k", b"2")]))
    joined(bus).close()
    bus._admin.delete_records({bus.tp(Place(FLOW, 0)): 2})
    with pytest.raises(Stopped, match="no longer on the bus"):
        late = bus.member("g", [FLOW])
        for _ in range(100):
            late.read(1, 0.1)
