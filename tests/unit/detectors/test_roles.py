"""How announcements become slices and windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.roles import (
    MAX_OFFSETS,
    MAX_PLACES,
    MAX_SITES,
    DetectRole,
    SliceRole,
    WindowRole,
    dirty_windows,
    rows_by_hour,
    slices,
    together,
)
from fengsui import wire
from fengsui.bus.protocol import Assignment, Commit, Message, Place
from fengsui.finding import (
    ADDED,
    EMPTY,
    RESULT,
    WITHDRAW,
    Conclusion,
    Detection,
    Finding,
    Rule,
    Window,
    from_batch,
)
from fengsui.wire import Deletion, Stored
from tests.conftest import DAY, HOUR, flows, queries

RULE = Rule("r", "1", "attack/other")
PARTITIONS = {"findings": 1}
hours = st.sets(st.integers(0, 60).map(lambda h: DAY + h * HOUR), max_size=12)


@given(touched=hours, hold=hours, length=st.integers(0, 30))
def test_the_windows_to_compute_are_those_that_hold_a_touched_hour_and_end_in_one_with_data(touched, hold, length):
    want = set()
    for end in {*hold, *touched}:
        window = range(end - length * HOUR, end + HOUR, HOUR)
        if any(t in window for t in touched) and (end in hold or end in touched):
            want.add(Window(end - length * HOUR, end + HOUR))
    got = dirty_windows(set(touched), hold, length)
    assert set(got) == want
    assert got == sorted(got, key=lambda w: w.start)
    assert len(got) == len(set(got))


def test_an_hour_touches_its_own_window_and_each_that_reaches_back_to_it():
    got = dirty_windows({DAY}, {DAY + h * HOUR for h in (-1, 0, 2, 3, 4)}, 3)
    assert [((w.start - DAY) // HOUR, (w.end - DAY) // HOUR) for w in got] == [(-3, 1), (-1, 3), (0, 4)]


def test_a_touched_hour_that_lost_its_data_is_computed_to_withdraw_what_it_had():
    assert dirty_windows({DAY}, set(), 2) == [Window(DAY - 2 * HOUR, DAY + HOUR)]


def test_nothing_touched_is_nothing_to_compute():
    assert dirty_windows(set(), {DAY}, 5) == []


def stored(offset: int, **changes: Any) -> Stored:
    values = {
        "org": "org",
        "network": "net",
        "kind": "flow",
        "topic": "events.flow@x",
        "partition": 0,
        "offsets": (offset,),
        "rows": 1,
        "hours": (DAY,),
        "least": DAY + offset,
        "greatest": DAY + offset,
    }
    return Stored(**values | changes)


def test_announcements_of_all_organisations_become_the_fewest_slices_and_none_has_too_many_messages():
    n = MAX_OFFSETS * 2 + 7
    got = slices(stored(i, org=f"org{i % 2}") for i in range(n))
    assert [len(s.offsets) for s in got] == [MAX_OFFSETS, MAX_OFFSETS, 7]
    assert sorted(p for s in got for p in s.places) == sorted((f"org{i % 2}", "net", i) for i in range(n))
    assert all(s.least <= DAY + o <= s.greatest for s in got for o in s.offsets)


def test_organisations_that_share_a_message_are_asked_for_together_and_only_where_they_were_announced():
    (got,) = slices([stored(1, org="a"), stored(1, org="b"), stored(2, org="a")])
    assert (got.offsets, got.orgs) == ((1, 2), ("a", "b"))
    assert set(got.places) == {("a", "net", 1), ("b", "net", 1), ("a", "net", 2)}


def test_a_slice_holds_so_many_shares_of_messages_at_most():
    got = slices(stored(1, org=f"org{i}") for i in range(MAX_PLACES + 5))
    assert [len(s.places) for s in got] == [MAX_PLACES, 5]


def announced(offset: int, *entries: Stored) -> Message:
    return Message(Place("stored", 0), offset, {}, msgspec.json.encode(entries))


def findings(commit: Commit) -> list[Finding]:
    return [f for o in commit.outputs for f in from_batch(wire.read_message(Message(Place(o.topic, 0), 0, o.headers,
                                                                                      o.value)))]  # fmt: skip


def concluded(subject: str, **changes: Any) -> Conclusion:
    return Conclusion(subject, 3, 50, {}, {}, DAY, DAY, {DAY: 1}, **changes)


class Listed:
    """A slice hunt that concludes on each slice."""

    name, kinds, rules = "listed", ("flow",), (RULE,)

    def __init__(self) -> None:
        self.saw: list[tuple[tuple[str, str, int], ...]] = []

    def run(self, query, part):
        self.saw.append(part.places)
        return [Detection(RULE, org, network, concluded(f"host:{o}", origin="o", unit=str(o)))
                for org, network, o in part.places]  # fmt: skip


class Busy:
    """A window hunt that concludes where there is data, of two rules one."""

    name, kinds, hours = "busy", ("flow", "dns"), 1
    rules = (RULE, Rule("never", "1", "attack/other"))

    def __init__(self, *idle: str) -> None:
        self.ran: list[tuple[str, Window]] = []
        self.asked: list[tuple[list[str], Window]] = []
        self._idle = idle

    def worth(self, query, sites, span):
        self.asked.append(([org for org, _ in sites], span))
        return [s for s in sites if s[0] not in self._idle]

    def run(self, query, org, network, windows):
        for window in windows:
            self.ran.append((org, window))
            yield window, [(RULE, concluded("host:a"))]


def having(*hold: int):
    def query(sql: str, parameters: Mapping[str, Any]) -> pa.Table:
        assert parameters["start"] <= parameters["end"]
        rows = [(*site.split("/"), h) for site in parameters["sites"] for h in hold
                if parameters["start"] <= h < parameters["end"]]  # fmt: skip
        return pa.Table.from_pylist([{"org": org, "network": network, "hour": h, "n": 1} for org, network, h in rows])

    return query


def told(role: SliceRole | WindowRole, *messages: Message, now: float = 0.0) -> Commit | None:
    role.assigned(Assignment(1, {}))
    assert role.work(messages, now) is None
    return role.work([], now)


def test_a_slice_hunt_sees_each_announced_row_once_and_no_other_kind():
    hunt = Listed()
    commit = told(SliceRole(hunt, having(), PARTITIONS, 0), announced(3, stored(1), stored(2, kind="dns")),
                  announced(4, stored(5), stored(6, org="p")))  # fmt: skip
    assert hunt.saw == [(("org", "net", 1), ("org", "net", 5), ("p", "net", 6))]
    assert commit.positions == {Place("stored", 0): 5}
    assert [(f.form, f.subject) for f in findings(commit)] == [(ADDED, "host:1"), (ADDED, "host:5"), (ADDED, "host:6")]


def test_a_deletion_withdraws_in_its_place_among_the_rows():
    hunt = Listed()
    commit = told(SliceRole(hunt, having(), PARTITIONS, 0), announced(
        0, stored(1), stored(2, deleted=True, origin="o", offsets=(2,)), stored(3)))  # fmt: skip
    assert [f.form for f in findings(commit)] == [ADDED, WITHDRAW, ADDED]
    assert findings(commit)[1].origin == "o"


def test_a_window_hunt_answers_for_every_rule_and_dirty_window_with_the_last_offset_as_version():
    hunt = Busy()
    commit = told(
        WindowRole(hunt, having(DAY, DAY + HOUR, DAY + 9 * HOUR), PARTITIONS, 0),
        announced(3, stored(1), stored(2, org="p", hours=(DAY + 9 * HOUR,))),
        announced(7, stored(5)),
    )
    assert hunt.ran == [("org", Window(DAY - HOUR, DAY + HOUR)), ("org", Window(DAY, DAY + 2 * HOUR)),
                        ("p", Window(DAY + 8 * HOUR, DAY + 10 * HOUR))]  # fmt: skip
    got = [(f.org, f.rule, f.form, f.window_start, f.result_version) for f in findings(commit)]
    assert got == [x for org, start, v in (("org", DAY - HOUR, 7), ("org", DAY, 7), ("p", DAY + 8 * HOUR, 3))
                   for x in ((org, "r", RESULT, start, v), (org, "never", EMPTY, start, v))]  # fmt: skip


def test_organisations_are_asked_about_at_once_and_one_not_worth_it_is_answered_without_a_run():
    hunt = Busy("q")
    far = DAY + 90 * HOUR
    commit = told(WindowRole(hunt, having(DAY, far), PARTITIONS, 0), announced(3, stored(1), stored(2, org="p"), stored(
        3, org="q"), stored(4, org="far", hours=(far,))))  # fmt: skip
    here, there = Window(DAY - HOUR, DAY + HOUR), Window(far - HOUR, far + HOUR)
    assert hunt.asked == [(["org", "p", "q"], here), (["far"], there)]
    assert hunt.ran == [("org", here), ("p", here), ("far", there)]
    got = {(f.org, f.rule): (f.form, f.window_start) for f in findings(commit)}
    assert got["p", "r"] == (RESULT, here.start)
    assert got["q", "r"] == got["q", "never"] == (EMPTY, here.start)


def test_sites_are_grouped_by_days_and_a_group_covers_what_its_sites_span():
    sites = [((f"o{i}", "net"), Window(DAY + i, DAY + HOUR + i)) for i in range(MAX_SITES + 3)]
    other = (("o0", "net"), Window(DAY - HOUR, DAY + 40 * HOUR))
    got = list(together([*sites, other]))
    assert [g for g, _ in got] == [sites[:MAX_SITES], sites[MAX_SITES:], [other]]
    assert got[0][1] == Window(DAY, DAY + HOUR + MAX_SITES - 1)
    assert got[2][1] == other[1]


def test_rows_with_a_clock_ahead_alone_make_no_window_dirty():
    hunt = Busy()
    commit = told(WindowRole(hunt, having(DAY), PARTITIONS, 0), announced(3, stored(1, hours=())))
    assert hunt.ran == []
    assert commit.positions == {Place("stored", 0): 4}
    assert commit.outputs == []


def test_with_an_interval_a_hunt_waits_until_it_is_over():
    hunt = Listed()
    role = SliceRole(hunt, having(), PARTITIONS, 10.0)
    assert role.work([announced(0, stored(1))], 100.0) is None
    assert role.work([announced(1, stored(2))], 109.0) is None
    assert role.work([], 109.9) is None
    assert role.work([], 110.0) is not None
    assert hunt.saw == [(("org", "net", 1), ("org", "net", 2))]
    assert role.work([], 130.0) is None


def test_what_was_collected_is_dropped_with_a_new_assignment():
    hunt = Listed()
    role = SliceRole(hunt, having(), PARTITIONS, 0)
    role.work([announced(0, stored(1))], 0.0)
    role.assigned(Assignment(2, {}))
    assert role.work([], 0.0) is None
    assert hunt.saw == []


def test_an_announcement_that_does_not_decode_is_passed_and_the_others_are_hunted():
    hunt = Listed()
    commit = told(SliceRole(hunt, having(), PARTITIONS, 0), announced(0, stored(1)),
                  Message(Place("stored", 0), 1, {}, b"no"), announced(2, stored(2)))  # fmt: skip
    assert hunt.saw == [(("org", "net", 1), ("org", "net", 2))]
    assert commit.positions == {Place("stored", 0): 3}


class Seen:
    """A batch detector that concludes once a batch."""

    name, kinds, rules = "seen", ("flow",), (RULE,)

    def detect(self, batch, unit, read_blob):
        return [Detection(RULE, "org", "net", concluded(f"host:{len(batch)}", origin="o", unit=unit))]


def test_a_batch_detector_gets_batches_withdraws_deletions_and_passes_what_does_not_decode():
    def arrived(offset: int, output) -> Message:
        return Message(Place("events.flow", 0), offset, output.headers, output.value)

    (good,) = wire.event_outputs(flows(7), "0")
    gone = wire.deletion_output("flow", "0", Deletion("org", "net", "o", ()))
    bad = Message(Place("events.flow", 0), 8, {"kind": "flow", "version": "1", "op": "insert"}, b"no")
    role = DetectRole(Seen(), lambda sha256: None, PARTITIONS)
    assert role.work([], 0.0) is None
    commit = role.work([arrived(3, good), arrived(5, gone), bad], 0.0)
    assert commit.positions == {Place("events.flow", 0): 9}
    assert [(f.form, f.subject, f.detector) for f in findings(commit)] == [
        (ADDED, "host:7", "seen"), (WITHDRAW, "", "seen")]  # fmt: skip


@pytest.fixture
def store(make_store):
    store = make_store()
    for n, batch in enumerate((
        flows(3, start=DAY, every=HOUR, seed=1), queries(5, start=DAY + 5 * HOUR),
        flows(2, start=DAY + 7 * HOUR, org="p", seed=3),
        flows(1, start=DAY + 80 * HOUR, read_at=DAY, seed=4),
    )):  # fmt: skip
        store.insert(batch.kind, batch.rows, Place("t", 0), n, f"t/{n}")
    return store


def test_rows_by_hour_are_those_of_these_kinds_and_this_network_within_the_span(store):
    def ask(*kinds: str, org: str = "org", start: int = DAY, end: int = DAY + 100 * HOUR) -> dict[int, int]:
        rows = rows_by_hour(store.query, kinds, [(org, "net"), ("none", "net")], Window(start, end))
        assert set(rows) == {(org, "net")}
        return {(h - DAY) // HOUR: n for h, n in rows[org, "net"].items()}

    assert ask("flow") == {0: 1, 1: 1, 2: 1}
    assert ask("flow", "dns") == {0: 1, 1: 1, 2: 1, 5: 5}
    assert ask("flow", org="p") == {7: 2}
    assert ask("flow", start=DAY + 1, end=DAY + 2 * HOUR) == {1: 1}
    both = rows_by_hour(store.query, ("flow",), [("org", "net"), ("p", "net")], Window(DAY, DAY + 100 * HOUR))
    assert {org: sum(hours.values()) for (org, _), hours in both.items()} == {"org": 3, "p": 2}
    assert rows_by_hour(store.query, ("flow",), [("org", "other")], Window(DAY, DAY + 100 * HOUR)) == {}
