"""Dead letters from the bus to a decision, on both databases, a real bus and a folder of blobs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import select

from fengsui import wire
from fengsui.blobs import FolderBlobs
from fengsui.bus.protocol import Commit, Message, Output, Place
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import DEAD, events, topics
from fengsui.errors import BadInput
from fengsui.pipeline import Worker, drain
from fengsui.registry import models as m
from situation import letters
from situation.acts import NotThere, Refused
from situation.letters import INLINE, Letters, Replays
from tests.conftest import flows

NOW = 1_700_000_000.0


@pytest.fixture
def bus(tmp_path):
    bus = SqliteBus(tmp_path / "bus.db", topics())
    yield bus
    bus.close()


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def kept(registry, blobs, bus) -> Callable[..., list]:
    """Send letters over the bus and have them kept; the rows, in the order of their places."""
    worker = Worker(Letters(registry, blobs, bus.bus_id), bus.member("letters", [DEAD]))

    def keep(*outputs: Output) -> list:
        session = bus.source("test")
        session.commit(Commit(outputs))
        session.close()
        drain([worker], lambda: NOW)
        with registry.connect() as db:
            return list(db.execute(select(m.dead_letter).order_by(m.dead_letter.c.place)))

    yield keep
    worker.close()


def of_message(raw: bytes = b"", offset: int = 5, reason: str = "does not decode") -> Output:
    (good,) = wire.event_outputs(flows(10), "0")
    return wire.dead_letter(Message(Place(events("flow"), 0), offset, good.headers, raw or good.value),
                            BadInput(reason))  # fmt: skip


def of_log() -> Output:
    letter = wire.DeadLetter(b"half a li", "3 of 20 fields", "conn.log", 812, "bank", "lan", "origin")
    return Output(DEAD, "bank", msgspec.msgpack.encode(letter))


def test_a_letter_is_kept_whole_with_its_reason_and_place(kept, blobs):
    (row,) = kept(of_log())
    assert letters.content(row, blobs) == b"half a li"
    assert letters.shown(row) | {"id": ""} == {
        "id": "", "at": int(NOW * 1e6), "state": "waiting", "reason": "3 of 20 fields", "place": "conn.log",
        "position": 812, "org": "bank", "network": "lan", "origin": "origin", "topic": "", "size": 9, "actor": "",
        "decided_at": None,
    }  # fmt: skip


def test_a_large_one_lies_in_the_blob_store(kept, blobs):
    raw = bytes(range(256)) * (INLINE // 256 + 1)
    (row,) = kept(of_message(raw))
    assert (bytes(row.raw), row.size) == (b"", len(raw))
    assert letters.content(row, blobs) == raw
    blobs.delete(row.sha256)
    with pytest.raises(BadInput, match="no longer in the blob store"):
        letters.content(row, blobs)


def test_the_same_message_again_is_one_letter(registry, blobs, bus, kept):
    kept(of_message(), of_log())
    worker = Worker(Letters(registry, blobs, bus.bus_id), bus.member("letters-again", [DEAD]))
    drain([worker], lambda: NOW + 5)
    worker.close()
    with registry.connect() as db:
        assert letters.counts(db) == {"waiting": 2, "replaying": 0, "replayed": 0, "dropped": 0}


def test_what_is_no_letter_is_kept_as_it_came(kept, blobs):
    (row,) = kept(Output(DEAD, "x", b"\xc1 not msgpack"))
    assert letters.content(row, blobs) == b"\xc1 not msgpack"
    assert "not a dead letter" in row.reason


def sent_again(bus) -> list[Message]:
    reader = bus.member("reader", [events("flow")])
    messages = reader.read(10, 0)
    reader.close()
    return messages


def test_a_replay_sends_the_message_to_its_topic_with_its_headers_once(registry, blobs, bus, kept):
    bus.member("reader", [events("flow")]).close()
    (row,) = kept(of_message())
    with registry.begin() as db:
        letters.replay(db, row.id, "ann", 7)
    replays = Replays(registry, blobs, bus)
    assert replays.step(NOW)
    with registry.begin() as db:  # as if it had died before the row was written
        db.execute(m.dead_letter.update().values(state="replaying"))
    replays.close()
    replays = Replays(registry, blobs, bus)
    assert replays.step(NOW)
    assert not replays.step(NOW)
    (message,) = sent_again(bus)
    assert len(wire.read_message(message)) == 10
    assert message.headers == msgspec.json.decode(row.headers)
    with registry.connect() as db:
        after = letters.find(db, row.id)
        assert (after.state, after.actor, after.decided_at) == ("replayed", "ann", 7)
        acts = [a.act for a in db.execute(select(m.activity).where(m.activity.c.object == "letter"))]
    assert acts == ["replaying", "replayed", "replayed"]
    replays.close()


def test_a_replay_whose_bytes_are_gone_waits_again(registry, blobs, bus, kept):
    (row,) = kept(of_message(b"x" * (INLINE + 1)))
    blobs.delete(row.sha256)
    with registry.begin() as db:
        letters.replay(db, row.id, "ann", 7)
    replays = Replays(registry, blobs, bus)
    replays.step(NOW)
    replays.close()
    with registry.connect() as db:
        assert letters.find(db, row.id).state == "waiting"


def test_another_process_that_sends_them_is_not_in_the_way(registry, blobs, bus, kept):
    (first, second) = kept(of_message(offset=5), of_message(offset=6))
    one, other = Replays(registry, blobs, bus), Replays(registry, blobs, bus)
    for replays, row in ((one, first), (other, second)):
        with registry.begin() as db:
            letters.replay(db, row.id, "ann", 7)
        replays.step(NOW)
    with registry.begin() as db:
        db.execute(m.dead_letter.update().where(m.dead_letter.c.id == first.id).values(id="f" * 32, state="replaying"))
    assert one.step(NOW)  # is fenced: the other began after it
    assert one.step(NOW)
    with registry.connect() as db:
        assert letters.counts(db)["replayed"] == 2
    one.close()
    other.close()


def test_one_decision_a_letter(registry, kept):
    (row,) = kept(of_message())
    with registry.begin() as db:
        letters.drop(db, row.id, "ann", 7)
    for act in (letters.drop, letters.replay):
        with registry.begin() as db, pytest.raises(Refused, match="ann has decided already: it is dropped") as e:
            act(db, row.id, "bob", 8)
        assert "已弃置" in e.value.zh
    with registry.connect() as db:
        assert letters.find(db, row.id).actor == "ann"


def test_what_was_no_message_cannot_be_sent_again(registry, kept):
    (row,) = kept(of_log())
    with registry.begin() as db, pytest.raises(Refused, match=r"conn\.log and is no message"):
        letters.replay(db, row.id, "ann", 7)
    with registry.begin() as db, pytest.raises(NotThere):
        letters.drop(db, "0" * 32, "ann", 7)


def test_pages_are_in_order_and_whole(registry, kept):
    rows = kept(*(of_message(offset=i) for i in range(25)), of_log())
    seen, after = [], None
    with registry.connect() as db:
        while True:
            page, after = letters.page(db, limit=10, after=after)
            seen += [r.id for r in page]
            if after is None:
                break
        assert sorted(seen) == sorted(r.id for r in rows)
        assert len(letters.page(db, topic=events("flow"))[0]) == 25
        assert len(letters.page(db, org="bank")[0]) == 1
        assert letters.page(db, states=["dropped"])[0] == []
        assert letters.begins(db, rows[0].id[:12]) == [rows[0].id]
        assert letters.begins(db, "%") == []
