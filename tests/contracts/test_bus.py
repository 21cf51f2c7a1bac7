"""What every bus must do. ``make_bus`` is the implementation under test."""

from __future__ import annotations

import pytest

from fengsui.bus.protocol import Commit, Output, Place
from fengsui.bus.topics import topics
from fengsui.errors import Fenced, Retry, Stopped

FLOW = "events.flow"


def send(bus, *values: bytes, key: str = "k", topic: str = FLOW, source: str = "s") -> None:
    session = bus.source(source)
    session.commit(Commit([Output(topic, key, v, {"n": v.decode()}) for v in values]))
    session.close()


def read_all(session, limit: int = 100) -> list[bytes]:
    out = []
    while messages := session.read(limit, 0):
        out += [m.value for m in messages]
    return out


def ends(messages) -> dict[Place, int]:
    return {m.place: m.offset + 1 for m in messages}


def test_what_was_sent_is_read_in_order_with_its_headers(make_bus):
    bus = make_bus()
    send(bus, b"1", b"2", b"3")
    messages = bus.member("g", [FLOW]).read(10, 0)
    assert [m.value for m in messages] == [b"1", b"2", b"3"]
    assert [m.headers["n"] for m in messages] == ["1", "2", "3"]
    assert [m.offset for m in messages] == sorted({m.offset for m in messages})


def test_the_same_key_goes_to_the_same_partition(make_bus):
    bus = make_bus()
    for i in range(20):
        send(bus, b"x", key=str(i % 4))
    places = {}
    for m in bus.member("g", [FLOW]).read(100, 0):
        places.setdefault(m.place, 0)
        places[m.place] += 1
    assert len(places) == 2
    assert all(n % 5 == 0 for n in places.values())


def test_outputs_positions_and_marks_are_committed_together_or_not_at_all(make_bus):
    bus = make_bus()
    send(bus, b"1")
    member = bus.member("g", [FLOW])
    messages = member.read(10, 0)
    with pytest.raises(Exception, match="no topic"):
        member.commit(Commit([Output("nowhere", "k", b"x")], ends(messages), {"m": b"1"}))
    assert member.mark("m") is None
    assert not bus.idle()
    member.commit(Commit([Output("findings", "k", b"x")], ends(messages), {"m": b"1"}))
    assert member.mark("m") == b"1"
    assert read_all(bus.member("h", ["findings"])) == [b"x"]


def test_a_restart_reads_on_from_what_was_committed(make_bus):
    bus = make_bus()
    send(bus, b"1", b"2", b"3")
    member = bus.member("g", [FLOW])
    first = member.read(2, 0)
    member.commit(Commit(positions=ends(first[:1])))
    member.close()
    assert read_all(make_bus().member("g", [FLOW])) == [b"2", b"3"]


def test_a_group_sees_all_whatever_another_group_has_read(make_bus):
    bus = make_bus()
    one, two = bus.member("one", [FLOW]), bus.member("two", [FLOW])
    send(bus, b"1", b"2")
    messages = one.read(10, 0)
    one.commit(Commit(positions=ends(messages)))
    assert read_all(two) == [b"1", b"2"]


def test_a_kept_topic_is_read_whole_by_a_group_that_comes_later(make_bus):
    bus = make_bus()
    first = bus.member("one", ["stored"])
    send(bus, b"1", b"2", topic="stored")
    first.commit(Commit(positions=ends(first.read(10, 0))))
    assert read_all(bus.member("late", ["stored"])) == [b"1", b"2"]


def test_two_members_share_the_partitions_and_no_message_is_read_by_both(make_bus):
    bus = make_bus()
    a, b = bus.member("g", [FLOW]), bus.member("g", [FLOW])
    for i in range(10):
        send(bus, str(i).encode(), key=str(i))
    a.read(0, 0)
    assert set(a.assignment.positions) | set(b.assignment.positions) == {Place(FLOW, 0), Place(FLOW, 1)}
    assert not set(a.assignment.positions) & set(b.assignment.positions)
    got = sorted(read_all(a) + read_all(b))
    assert got == [str(i).encode() for i in range(10)]


def test_a_commit_after_the_partitions_went_to_another_is_refused_and_leaves_nothing(make_bus):
    now = [0.0]
    bus = make_bus(clock=lambda: now[0], topics=topics(1))
    send(bus, b"1")
    zombie = bus.member("g", [FLOW])
    held = zombie.read(10, 0)
    now[0] = 60.0  # it sleeps past its session
    heir = bus.member("g", [FLOW])
    work = heir.read(10, 0)
    heir.commit(Commit([Output("findings", "k", b"heir")], ends(work)))
    with pytest.raises(Fenced):
        zombie.commit(Commit([Output("findings", "k", b"zombie")], ends(held), {"m": b"zombie"}))
    assert zombie.mark("m") is None
    assert read_all(bus.member("h", ["findings"])) == [b"heir"]


def test_a_member_that_lost_its_partitions_sees_a_new_assignment(make_bus):
    bus = make_bus()
    a = bus.member("g", [FLOW])
    before = a.assignment
    b = bus.member("g", [FLOW])
    a.read(1, 0)
    assert a.assignment is not before
    assert len(a.assignment.positions) == 1
    b.close()
    a.read(1, 0)
    assert len(a.assignment.positions) == 2


def test_a_second_source_of_the_same_name_fences_the_first(make_bus):
    bus = make_bus()
    first = bus.source("collector")
    first.commit(Commit([Output(FLOW, "k", b"1")]))
    second = bus.source("collector")
    with pytest.raises(Fenced, match="another collector"):
        first.commit(Commit([Output(FLOW, "k", b"late")]))
    second.commit(Commit([Output(FLOW, "k", b"2")]))
    assert read_all(bus.member("g", [FLOW])) == [b"1", b"2"]


def test_who_comes_back_to_its_seat_has_its_partitions_at_once_and_a_former_holder_is_stopped(make_bus):
    bus = make_bus(topics=topics(1))
    send(bus, b"1")
    killed = bus.member("g", [FLOW], instance="0")
    held = killed.read(10, 0)
    heir = bus.member("g", [FLOW], instance="0")
    messages = heir.read(10, 0)
    assert [m.value for m in messages] == [b"1"]
    with pytest.raises(Stopped, match="another process"):
        killed.commit(Commit([Output("findings", "k", b"zombie")], ends(held)))
    heir.commit(Commit([Output("findings", "k", b"heir")], ends(messages)))
    assert read_all(bus.member("h", ["findings"])) == [b"heir"]


def test_a_full_bus_refuses_sources_until_readers_have_gone_on_and_never_refuses_readers(make_bus):
    bus = make_bus(max_bytes=1000, topics=topics(1))
    member = bus.member("g", [FLOW])
    source = bus.source("s")
    source.commit(Commit([Output(FLOW, "k", bytes(1500))]))
    with pytest.raises(Retry, match="full"):
        source.commit(Commit([Output(FLOW, "k", b"more")], marks={"m": b"1"}))
    assert source.mark("m") is None
    messages = member.read(10, 0)
    member.commit(Commit([Output("findings", "k", bytes(5000))], ends(messages)))
    bus.member("h", ["findings"])
    assert len(messages) == 1
    with pytest.raises(Retry):
        source.commit(Commit([Output(FLOW, "k", b"more")]))


def test_idle_means_that_every_group_has_committed_all(make_bus):
    bus = make_bus()
    member = bus.member("g", [FLOW])
    assert bus.idle()
    send(bus, b"1")
    assert not bus.idle()
    messages = member.read(10, 0)
    assert not bus.idle()
    member.commit(Commit(positions=ends(messages)))
    assert bus.idle()


def test_a_busy_topic_does_not_starve_the_others(make_bus):
    bus = make_bus(topics=topics(1))
    for i in range(50):
        send(bus, b"busy %d" % i)
    send(bus, b"quiet", topic="findings")
    member = bus.member("g", [FLOW, "findings"])
    assert b"quiet" in [m.value for _ in range(4) for m in member.read(5, 0)]


def test_a_forgotten_group_no_longer_holds_messages(make_bus):
    bus = make_bus(topics=topics(1))
    reader, gone = bus.member("reader", [FLOW]), bus.member("gone", [FLOW])
    send(bus, b"1")
    reader.commit(Commit(positions=ends(reader.read(10, 0))))
    gone.close()
    assert not bus.idle()
    bus.forget("gone")
    assert bus.idle()
    assert bus.groups() == ["reader"]


def test_seek_reads_again_from_there(make_bus):
    bus = make_bus(topics=topics(1))
    send(bus, b"1", b"2", topic="stored")
    member = bus.member("g", ["stored"])
    messages = member.read(10, 0)
    member.seek({messages[0].place: messages[1].offset})
    assert read_all(member) == [b"2"]


def test_a_mark_can_be_forgotten(make_bus):
    source = make_bus().source("s")
    source.commit(Commit(marks={"m": b"1"}))
    source.commit(Commit(marks={"m": None}))
    assert source.mark("m") is None


def test_a_topic_made_anew_has_another_identity(make_bus, tmp_path):
    one = make_bus().bus_id(FLOW)
    assert make_bus().bus_id(FLOW) == one
    assert make_bus(path=tmp_path / "other.db").bus_id(FLOW) != one
