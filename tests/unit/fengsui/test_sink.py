"""The sink on a store that remembers: what is inserted, announced and set aside."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from fengsui import wire
from fengsui.allowance import Allowance
from fengsui.bus.protocol import Assignment, Commit, Message, Place
from fengsui.errors import Stopped
from fengsui.sink import TRUST_READ, Sink
from tests.conftest import DAY, flows, queries

FLOW, DNS = Place("events.flow", 0), Place("events.dns", 0)


class Remembered:
    """A store of row counts by table, place and offset; ``calls`` in their order."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Place, int], int] = {}
        self.calls: list[tuple[str, str, int]] = []

    def insert(self, table, rows, place, offset, token):
        self.calls.append(("insert", table, offset))
        self.rows[table, place, offset] = rows.num_rows

    def offsets(self, table, place, start):
        self.calls.append(("offsets", table, start))
        return {o: n for (t, p, o), n in self.rows.items() if (t, p) == (table, place) and o >= start}

    def delete(self, table, org, network, origin, place, before):
        self.calls.append(("delete", table, before))


@pytest.fixture
def store() -> Remembered:
    return Remembered()


@pytest.fixture
def sink(store) -> Callable[..., Sink]:
    def make(now: list[float] | None = None, flow: int = 0) -> Sink:
        clock = now or [0.0]
        s = Sink(store, lambda topic: "bus", {"stored": 1}, lambda: clock[0])
        s.assigned(Assignment(1, {FLOW: flow, DNS: 0}))
        return s

    return make


def message(offset: int, batch=None, place: Place = FLOW) -> Message:
    (output,) = wire.event_outputs(flows(10, seed=offset + 1) if batch is None else batch, "0")
    return Message(place, offset, output.headers, output.value)


def deletion(offset: int) -> Message:
    output = wire.deletion_output("flow", "0", wire.Deletion("org", "net", "origin", (DAY,)))
    return Message(FLOW, offset, output.headers, output.value)


def told(commit: Commit) -> list[wire.Stored]:
    return [e for o in commit.outputs if o.topic == "stored"
            for e in wire.read_stored(Message(Place("stored", 0), 0, o.headers, o.value))]  # fmt: skip


def dead(commit: Commit) -> list[wire.DeadLetter]:
    return [msgspec.msgpack.decode(o.value, type=wire.DeadLetter) for o in commit.outputs if o.topic == "dead"]


def test_a_busy_sink_commits_each_second_and_a_quiet_one_at_once(sink, store):
    s = sink()
    assert s.work([message(0)], 100.0) is None
    assert s.work([message(1)], 100.9) is None
    commit = s.work([message(2)], 101.0)
    assert commit.positions == {FLOW: 3}
    assert [(e.offsets, e.rows) for e in told(commit)] == [((0, 1, 2), 30)]
    assert s.work([message(3)], 101.1) is None
    assert s.work([], 101.2).positions == {FLOW: 4}
    assert s.work([], 101.3) is None


def test_what_a_predecessor_inserted_is_announced_and_not_inserted_again(sink, store):
    first = sink()
    first.work([message(0), message(1)], 0.0)  # it dies before its commit
    commit = (heir := sink()).work([message(0), message(1), message(2)], 5.0) or heir.work([], 5.0)
    assert [c for c in store.calls if c[0] == "insert"] == [("insert", "flow", n) for n in (0, 1, 2)]
    assert [(e.offsets, e.rows) for e in told(commit)] == [((0, 1, 2), 30)]


def test_half_a_block_stops_it(sink, store):
    store.rows["flow", wire.at(FLOW, "bus"), 0] = 7
    with pytest.raises(Stopped, match="7 of 10"):
        sink().work([message(0)], 0.0)


def test_a_message_that_waited_long_is_looked_up_again_before_its_insert(sink, store):
    now = [0.0]
    s = sink(now)
    real = store.insert

    def slowly(*args) -> None:
        real(*args)
        store.rows["flow", wire.at(FLOW, "bus"), 1] = 10  # a zombie wakes and inserts the next
        now[0] += TRUST_READ + 1

    store.insert = slowly
    commit = s.work([message(0), message(1)], 0.0) or s.work([], 0.0)
    assert [c for c in store.calls if c[0] == "insert"] == [("insert", "flow", 0)]
    assert sum(e.rows for e in told(commit)) == 20


def test_what_came_before_a_deletion_is_committed_before_it_is_done(sink, store):
    s = sink()
    before = s.work([message(0), deletion(1), message(2)], 0.0)
    assert before.positions == {FLOW: 1}
    assert ("delete", "flow", 1) not in store.calls
    after = s.work([], 0.0)
    assert after.positions == {FLOW: 3}
    assert store.calls[-2:] == [("delete", "flow", 1), ("insert", "flow", 2)]
    gone, *_ = told(after)
    assert (gone.deleted, gone.hours, gone.origin) == (True, (DAY,), "origin")


@pytest.mark.parametrize(("headers", "raw", "reason"), [
    ({"kind": "flow", "version": "1", "op": "insert"}, b"no", "not an Arrow message"),
    ({}, b"no", "without the header"), (None, b"", "rows of dns in events.flow")])  # fmt: skip
def test_a_message_that_cannot_be_stored_is_a_dead_letter_and_the_next_is_stored(sink, store, headers, raw, reason):
    bad = message(1, queries(3)) if headers is None else Message(FLOW, 1, headers, raw)
    s = sink()
    commit = s.work([message(0), bad, message(2)], 0.0) or s.work([], 0.0)
    assert [(x.raw, x.place, reason in x.reason) for x in dead(commit)] == [(bad.value, "events.flow/0/1", True)]
    assert commit.positions == {FLOW: 3}
    assert [(e.kind, e.rows) for e in told(commit)] == [("flow", 20)]


def test_a_newer_message_pauses_its_partition_alone(sink, store):
    newer = Message(FLOW, 1, {"kind": "flow", "version": "9", "op": "insert"}, b"")
    s = sink()
    commit = s.work([message(0), newer, message(2), message(0, queries(3), DNS)], 0.0) or s.work([], 0.0)
    assert commit.positions == {FLOW: 1, DNS: 1}
    assert s.work([message(3)], 9.0) is None
    assert [c for c in store.calls if c[0] == "insert"] == [("insert", "flow", 0), ("insert", "dns", 0)]


def test_too_many_dead_letters_stop_it_after_what_came_before_is_committed(store):
    s = Sink(store, lambda topic: "bus", {"stored": 1}, lambda: 0.0, Allowance("sink", 2))
    s.assigned(Assignment(1, {FLOW: 0}))
    bad = [Message(FLOW, i, {}, b"x") for i in (1, 2, 3)]
    commit = s.work([message(0), *bad], 0.0)
    assert commit is not None
    assert (commit.positions, len(dead(commit))) == ({FLOW: 3}, 2)
    assert list(commit.marks) == ["letters/sink/events.flow/0"]
    with pytest.raises(Stopped, match="dead_letter_limit"):
        s.work([], 1.0)


def test_a_paused_partition_is_told_as_long_as_it_lasts(sink):
    s = sink()
    newer = message(0)
    newer = Message(FLOW, 0, {**newer.headers, "version": "99"}, newer.value)
    assert s.trouble is None
    s.work([newer], 0.0)
    assert "events.flow/0: flow version 99" in str(s.trouble)
    s.assigned(Assignment(2, {DNS: 0}))
    assert s.trouble is None
