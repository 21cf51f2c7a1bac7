"""Pack on a real bus: what comes out is what went in, in full messages."""

from __future__ import annotations

import pyarrow as pa
import pytest

from fengsui import wire
from fengsui.allowance import Allowance
from fengsui.bus.protocol import Commit, Output
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import DEAD, events, small, topics
from fengsui.errors import NewerSchema, Stopped
from fengsui.pack import FLUSH, Pack
from fengsui.pipeline import Worker
from tests.conftest import DAY, flows, queries

NOW = 1_700_000_000.0


@pytest.fixture
def bus(tmp_path):
    bus = SqliteBus(tmp_path / "bus.db", topics(1, packed=True))
    bus.member("reader", [events("flow"), events("dns"), DEAD]).close()
    yield bus
    bus.close()


@pytest.fixture
def packer(bus):
    worker = Worker(Pack(Allowance("pack", 3)), bus.member("pack", [small("flow"), small("dns")]), limit=500)
    worker.step(NOW)
    yield worker
    worker.close()


def send(bus, *outputs: Output) -> None:
    session = bus.source("collect/0")
    session.commit(Commit(outputs))
    session.close()


def little(batch) -> list[Output]:
    return list(wire.event_outputs(batch, "0", small(batch.kind)))


def out(bus) -> list:
    """What has been sent on, as batches and deletions; dead letters as they are."""
    reader = bus.member("reader", [events("flow"), events("dns"), DEAD])
    found = reader.read(1000, 0)
    reader.close()
    return [m if m.place.topic == DEAD else wire.read_message(m) for m in found]


def ids(batches) -> list[bytes]:
    return [i for b in batches for i in b.column("event_id").to_pylist()]


def test_a_hundred_small_messages_become_one_with_the_same_rows_in_order_and_one_read_at(bus, packer):
    small_ones = [flows(7, seed=i, read_at=DAY + i) for i in range(100)]
    for b in small_ones:
        send(bus, *little(b))
    send(bus, *little(queries(5)))
    packer.step(NOW)
    assert out(bus) == []
    packer.step(NOW + FLUSH)
    found = out(bus)
    assert sorted((b.kind, len(b)) for b in found) == [("dns", 5), ("flow", 700)]
    (packed,) = [b for b in found if b.kind == "flow"]
    assert ids([packed]) == ids(small_ones)
    assert set(packed.column("read_at").cast(pa.int64()).to_pylist()) == {int((NOW + FLUSH) * 1_000_000)}


def test_a_full_message_goes_at_once(bus, packer):
    for i in range(6):
        send(bus, *little(flows(10_000, seed=i)))
    packer.step(NOW)
    assert sum(map(len, out(bus))) == 60_000


def test_a_deletion_comes_after_what_it_deletes_and_before_what_follows(bus, packer):
    deletion = wire.Deletion("org", "net", "origin", (DAY,))
    send(bus, *little(flows(3)), wire.deletion_output("flow", "0", deletion, small("flow")), *little(flows(4, seed=2)))
    packer.step(NOW)
    packer.step(NOW + FLUSH)
    first, second, third = out(bus)
    assert (len(first), second, len(third)) == (3, deletion, 4)


def test_one_that_dies_before_its_commit_has_sent_nothing_and_its_heir_sends_all(bus):
    first = Worker(Pack(), bus.member("pack", [small("flow")]), limit=500)
    send(bus, *little(flows(9)))
    first.step(NOW)
    first.step(NOW)
    assert out(bus) == []
    first.close()
    heir = Worker(Pack(), bus.member("pack", [small("flow")]), limit=500)
    for i in range(4):
        heir.step(NOW + i)
    assert sum(map(len, out(bus))) == 9
    assert bus.lag()["pack"] == 0
    heir.close()


def test_what_does_not_decode_is_a_dead_letter_beside_the_others_and_too_many_stop_it(bus, packer):
    bad = Output(small("flow"), "0", b"x", {})
    send(bus, *little(flows(2)), bad, *little(flows(3, seed=2)))
    packer.step(NOW)
    packer.step(NOW + FLUSH)
    found = out(bus)
    assert sum(len(b) for b in found if hasattr(b, "kind")) == 5
    assert len([m for m in found if not hasattr(m, "kind")]) == 1
    send(bus, bad, bad, bad)
    with pytest.raises(Stopped, match="dead_letter_limit"):
        packer.step(NOW + 2)


def test_a_newer_message_is_not_passed_by(bus, packer):
    (good,) = little(flows(2))
    send(bus, Output(good.topic, good.key, good.value, {**good.headers, "version": "99"}))
    for i in range(2):
        with pytest.raises(NewerSchema, match="version 99"):
            for _ in range(3):
                packer.step(NOW + i)
    assert bus.lag()["pack"] == 1
