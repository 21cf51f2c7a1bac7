"""Nothing lost and nothing twice, role by role."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from fengsui import wire
from fengsui.batch import encode
from fengsui.bus.protocol import Commit, Output, Place
from fengsui.bus.topics import DEAD, events
from fengsui.errors import Fenced, Stopped
from fengsui.pipeline import drain
from fengsui.registry.models import alert
from tests.conftest import DAY, HOUR, flows
from tests.support.path import Large, MadeSource, WholePath, small

FLOW = events("flow")


SMALL_ONLY = {
    "test_a_repeat_older_than_the_tokens_is_caught_by_asking_the_store",
    "test_rows_dropped_with_a_partition_are_inserted_again_when_the_bus_is_read_again",
    "test_a_topic_made_anew_under_a_filled_store_loses_nothing",
    "test_a_newer_message_pauses_its_partition_and_is_stored_after_the_upgrade",
    "test_a_fold_paused_while_another_goes_on_wakes_to_a_closed_door",
}
"""Tests that set positions in the bus's file, or step a role by hand."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On the embedded engines and on Kafka, the native protocol and PostgreSQL."""
    if "kind" in metafunc.fixturenames:
        only = metafunc.function.__name__ in SMALL_ONLY
        metafunc.parametrize("kind", ["small"] if only else ["small", "large"])


@pytest.fixture
def path(tmp_path: Path, kind: str) -> Iterator[Callable[..., WholePath]]:
    """Open the whole path in a folder (this test's by default); the one open before is closed."""
    opened: list[WholePath] = []
    engines = Large() if kind == "large" else small

    def make(folder: str = "path", between: Callable[[], None] = lambda: None, **changes: object) -> WholePath:
        while opened:
            opened.pop().close()
        between()
        opened.append(WholePath(tmp_path / folder, engines=engines, **changes))
        return opened[-1]

    yield make
    while opened:
        opened.pop().close()
    if isinstance(engines, Large):
        engines.close()


def undisturbed(path: Callable[..., WholePath], *sources: MadeSource) -> dict:
    p = path("undisturbed")
    p.collect(*sources)
    p.settle()
    assert p.rows()[0] == p.rows()[1] > 0
    assert p.alerts()
    return p.alerts()


def test_the_path_gives_rows_and_alerts_with_right_counts(path):
    alerts = undisturbed(path, MadeSource("a", DAY, 3000))
    assert {rule for _, rule, _ in alerts} == {"busy", "listed", "seen"}
    assert sum(count for (_, rule, _), (_, count, _, _) in alerts.items() if rule == "busy") == 3000


def test_a_collector_killed_between_commits_goes_on_and_sends_each_row_once(path):
    want = undisturbed(path, MadeSource("a", DAY, 120_000, piece=20_000))
    p = path("killed")
    with pytest.raises(KeyboardInterrupt):
        p.collect(MadeSource("a", DAY, 120_000, piece=20_000, break_at=80_000))
    p.collect(MadeSource("a", DAY, 120_000, piece=20_000))
    p.settle()
    assert p.rows() == (120_000, 120_000)
    assert p.alerts() == want


def test_settings_changed_between_kill_and_resume_delete_what_was_sent_and_read_anew(path):
    want = undisturbed(path, MadeSource("a", DAY, 100_000, piece=20_000, seed=2))
    p = path("changed")
    with pytest.raises(KeyboardInterrupt):
        p.collect(MadeSource("a", DAY, 100_000, piece=20_000, version="old", break_at=80_000))
    p.settle()
    p.collect(MadeSource("a", DAY, 100_000, piece=20_000, version="new", seed=2))
    p.settle()
    assert p.rows() == (100_000, 100_000)
    assert p.alerts() == want


def test_the_same_capture_in_two_folders_or_dropped_twice_is_answered_already_read(path):
    p = path()
    once = p.collect(MadeSource("a", DAY, 2000), MadeSource("a", DAY, 2000))
    assert [(r.rows, r.already) for r in once.reports] == [({"flow": 2000}, 0), ({"flow": 2000}, 2000)]
    later = p.collect(MadeSource("a", DAY, 2000))
    assert later.reports[0].already == 2000
    p.settle()
    assert p.rows() == (2000, 2000)


def test_read_again_on_purpose_gives_the_same_rows_and_counts(path):
    want = undisturbed(path, MadeSource("a", DAY, 2000), MadeSource("b", DAY + HOUR, 2000, seed=5))
    p = path("again")
    p.collect(MadeSource("a", DAY, 2000), MadeSource("b", DAY + HOUR, 2000, seed=5))
    p.settle()
    p.collect(MadeSource("a", DAY, 2000), again=True)
    p.settle()
    assert p.rows() == (4000, 4000)
    assert p.alerts() == want


def test_a_capture_read_again_that_has_become_empty_takes_its_alerts_with_it(path):
    p = path()
    p.collect(MadeSource("a", DAY, 2000))
    p.settle()
    assert p.alerts()
    p.collect(MadeSource("a", DAY, 0), again=True)
    p.settle()
    assert p.rows() == (0, 0)
    assert p.alerts() == {}


def test_a_sink_that_dies_after_the_insert_and_before_the_commit_doubles_nothing(path, monkeypatch):
    p = path()
    p.collect(MadeSource("a", DAY, 2000))
    monkeypatch.setattr(p.sink.session, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        p.drain(p.sink)
    assert p.rows() == (2000, 2000)
    p = path()
    p.settle()
    assert p.rows() == (2000, 2000)
    assert sum(c for (_, r, _), (_, c, _, _) in p.alerts().items() if r == "busy") == 2000


def test_a_repeat_older_than_the_tokens_is_caught_by_asking_the_store(path):
    p = path()
    p.collect(MadeSource("a", DAY, 300, piece=300))
    settled = p.bus.member("other", [FLOW])  # keeps the messages on the bus
    p.settle()
    p.store.command("ALTER TABLE flow MODIFY SETTING non_replicated_deduplication_window = 2")
    for i in range(5):
        p.store.insert("flow", flows(1, seed=100 + i).rows, Place("events.other", 0), i, f"fill/{i}")
    before = p.rows()
    p.bus._db.execute("UPDATE position SET next = 0 WHERE grp = 'sink' AND topic = ?", (FLOW,))
    settled.close()
    p = path()
    p.settle()
    assert p.rows() == before


def test_rows_dropped_with_a_partition_are_inserted_again_when_the_bus_is_read_again(path):
    p = path()
    p.collect(MadeSource("a", DAY, 300, piece=300))
    p.bus.member("other", [FLOW])
    p.settle()
    (day,) = p.store.query("SELECT DISTINCT toString(toDate(read_at)) AS d FROM flow").column(0).to_pylist()
    p.store.command(f"ALTER TABLE flow DROP PARTITION '{day}'")
    assert p.rows() == (0, 0)
    p.bus._db.execute("UPDATE position SET next = 0 WHERE grp = 'sink' AND topic = ?", (FLOW,))
    p = path()
    p.settle()
    assert p.rows() == (300, 300)


def test_a_topic_made_anew_under_a_filled_store_loses_nothing(path, tmp_path):
    p = path()
    p.collect(MadeSource("a", DAY, 300, piece=300))
    p.settle()
    p = path(between=lambda: [f.unlink() for f in (tmp_path / "path").glob("bus.db*")])
    p.collect(MadeSource("b", DAY, 400, piece=400))
    p.drain(p.sink)
    assert p.rows() == (700, 700)


def test_a_half_block_in_the_store_stops_the_sink_loudly(path):
    p = path()
    p.collect(MadeSource("a", DAY, 300, piece=300))
    p.store.insert("flow", flows(7).rows, wire.at(Place(FLOW, 0), p.bus.bus_id(FLOW)), 0, "foreign/0")
    with pytest.raises(Stopped, match="7 of 300"):
        p.settle()


def test_a_bad_message_between_good_ones_becomes_a_dead_letter_whole_with_its_reason(path):
    p = path()
    p.collect(MadeSource("a", DAY, 300, piece=300))
    source = p.bus.source("rogue")
    source.commit(Commit([Output(FLOW, "0", b"not arrow", {"kind": "flow", "version": "1", "op": "insert"})]))
    p.collect(MadeSource("b", DAY, 200, piece=200, seed=3))
    p.settle()
    assert p.rows() == (500, 500)
    (dead,) = p.read("reader", DEAD, 1)
    letter = msgspec.msgpack.decode(dead.value, type=wire.DeadLetter)
    assert letter.raw == b"not arrow"
    assert "not an Arrow message of flow" in letter.reason
    assert letter.place.startswith("events.flow/0/")


def test_a_newer_message_pauses_its_partition_and_is_stored_after_the_upgrade(path, monkeypatch):
    p = path()
    batch = flows(50)
    headers = {"kind": "flow", "version": "2", "op": "insert", "batch_id": "ab"}
    p.bus.source("newer").commit(Commit([Output(FLOW, "0", encode(batch), headers)]))
    p.collect(MadeSource("a", DAY, 100, piece=100))
    drain([p.sink], p.clock)
    assert p.rows() == (0, 0)
    assert not p.bus.idle()
    monkeypatch.setitem(wire.KINDS, "flow", replace(wire.KINDS["flow"], version=2))
    monkeypatch.setitem(__import__("fengsui.batch").batch.KINDS, "flow", wire.KINDS["flow"])
    p = path()
    drain([p.sink], p.clock)
    assert p.rows() == (150, 150)


def test_the_last_block_of_a_quiet_topic_is_announced_and_hunted(path):
    p = path(interval=0)
    p.collect(MadeSource("a", DAY, 20, piece=20, every=1))
    p.settle()
    assert p.bus.idle()
    assert p.rows() == (20, 20)


def test_hunts_run_each_hour_out_of_order_or_once_at_the_end_give_the_same_alerts(path, kind):
    hours = 24 if kind == "small" else 3
    day = [MadeSource(f"h{h}", DAY + h * HOUR, 600, seed=h, every=6_000_000) for h in range(hours)]
    want = undisturbed(path, *day)
    shuffled = day[:]
    random.Random(4).shuffle(shuffled)
    for name, order in (("hourly", day), ("shuffled", shuffled)):
        p = path(name)
        for source in order:
            p.collect(source)
            p.settle()
        assert p.alerts() == want, name


def test_a_fold_paused_while_another_goes_on_wakes_to_a_closed_door(path):
    p = path()
    p.collect(MadeSource("a", DAY, 1000))
    p.drain(p.sink, p.detect)
    p.drain(p.windows, p.slices)
    sleeper = p.fold.role
    sleeper.assigned(p.fold.session.assignment)
    messages = p.fold.session.read(100, 0)
    assert messages
    p.fold.session.seek({m.place: 0 for m in messages})
    p.drain(p.fold)
    want = p.alerts()
    with pytest.raises(Fenced, match="another fold"):
        type(sleeper).work(_as_it_slept(sleeper), messages, 0.0)
    assert p.alerts() == want


def _as_it_slept(fold):
    twin = type(fold)(fold._registry)
    twin._next = {Place("findings", 0): 0}
    return twin


def test_a_fold_that_dies_after_the_registry_and_before_the_bus_counts_nothing_twice(path, monkeypatch):
    p = path()
    p.collect(MadeSource("a", DAY, 1000))
    p.drain(p.sink, p.detect)
    p.drain(p.windows, p.slices)
    monkeypatch.setattr(p.fold.session, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        p.drain(p.fold)
    want = p.alerts()
    assert want
    p = path()
    p.settle()
    assert p.alerts() == want


def test_an_alert_that_a_person_touched_is_withdrawn_and_not_lost(path):
    p = path()
    p.collect(MadeSource("a", DAY, 1000))
    p.settle()
    with p.registry.begin() as db:
        db.execute(update(alert).values(touched=True, state="confirmed"))
    p.collect(MadeSource("a", DAY, 0), again=True)
    p.settle()
    with p.registry.connect() as db:
        states = {r[0] for r in db.exec_driver_sql("SELECT state FROM alert")}
    assert states == {"withdrawn"}


def test_two_organisations_with_the_same_addresses_never_meet(path):
    p = path()
    p.collect(MadeSource("a", DAY, 1000), org="one")
    p.collect(MadeSource("a", DAY, 2000), org="two")
    p.settle()
    counts = {"one": 0, "two": 0}
    for (org, rule, _), (_, count, _, _) in p.alerts().items():
        counts[org] += count if rule == "busy" else 0
    assert counts == {"one": 1000, "two": 2000}


