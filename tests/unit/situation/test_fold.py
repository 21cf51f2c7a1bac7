"""The fold: what a finding changes in the registry, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import Engine, select

from fengsui import wire
from fengsui.bus.protocol import Assignment, Message, Place
from fengsui.errors import Fenced
from fengsui.finding import Conclusion, Detection, Finding, Rule, Window, added, result, withdraw
from fengsui.registry import models as m
from situation.fold import Fold, apply, refresh
from tests.conftest import DAY, HOUR

RULE = Rule("scan", "v1", "attack/scanning")
OTHER = Rule("other", "v1", "attack/other")
PLACE = Place("findings", 0)


@pytest.fixture
def fold(registry: Engine) -> Callable[..., dict[str, int]]:
    """Fold findings in one step; subject to count of every alert that is there afterwards."""

    def step(*findings: Finding) -> dict[str, int]:
        with registry.begin() as db:
            refresh(db, apply(db, findings), 1)
            return {r.subject: r.count for r in db.execute(select(m.alert))}

    return step


def acts(registry: Engine) -> list[tuple[str, dict[str, object]]]:
    with registry.connect() as db:
        return [(r.act, msgspec.json.decode(r.body)) for r in db.execute(select(m.activity).order_by(m.activity.c.seq))]


def concluded(subject: str, n: int, hour: int = DAY, **changes: object) -> Conclusion:
    values = {"severity": 3, "confidence": 50, "arguments": {}, "explanation": {}, "first_seen": hour,
              "last_seen": hour, "hours": {hour: n}}  # fmt: skip
    return Conclusion(subject, **values | changes)


def found(version: int, *subjects: tuple[str, int], window: int = 0, rule: Rule = RULE, **changes: object
          ) -> list[Finding]:  # fmt: skip
    """The result of one window: a finding for each (subject, count)."""
    start = DAY + window * HOUR
    conclusions = [concluded(s, n, start, **changes) for s, n in subjects]
    return result(rule, "hunt", "org", "net", Window(start, start + HOUR), version, conclusions)


def seen(subject: str, n: int, unit: str, origin: str = "capture", detector: str = "yara") -> Finding:
    return added(Detection(OTHER, "org", "net", concluded(subject, n, unit=unit, origin=origin)), detector)


def test_a_result_replaces_the_one_of_its_window_as_a_whole(fold):
    assert fold(*found(1, ("a", 3), ("b", 4))) == {"a": 3, "b": 4}
    assert fold(*found(2, ("b", 5), ("c", 6))) == {"b": 5, "c": 6}


def test_an_older_version_that_comes_late_changes_nothing(fold, registry):
    fold(*found(5, ("a", 3)))
    before = acts(registry)
    assert fold(*found(4, ("a", 9), ("b", 1))) == {"a": 3}
    assert fold(*found(4)) == {"a": 3}
    assert acts(registry) == before


def test_a_changed_rule_replaces_results_whatever_their_version(fold):
    assert fold(*found(5, ("a", 3))) == {"a": 3}
    assert fold(*found(2, ("b", 4), rule=Rule("scan", "v2", "attack/scanning"))) == {"b": 4}


def test_in_one_step_the_newest_version_holds_whatever_their_order(fold):
    assert fold(*found(2, ("a", 2)), *found(3, ("b", 3), ("c", 3)), *found(1, ("d", 1), ("e", 1))) == {"b": 3, "c": 3}


def test_an_empty_result_withdraws_also_in_the_same_step(fold):
    assert fold(*found(1, ("a", 3))) == {"a": 3}
    assert fold(*found(2)) == {}
    assert fold(*found(3, ("a", 3)), *found(4)) == {}
    assert fold(*found(3, ("a", 3))) == {}


def test_the_same_result_again_changes_nothing_and_writes_no_activity(fold, registry):
    fold(*found(1, ("a", 3)))
    before = acts(registry)
    assert [a for a, _ in before] == ["raised"]
    assert fold(*found(1, ("a", 3))) == {"a": 3}
    assert fold(*found(2, ("a", 3))) == {"a": 3}
    assert acts(registry) == before


def test_windows_and_rules_are_replaced_each_for_itself(fold):
    fold(*found(1, ("a", 3)), *found(1, ("a", 4), window=1), *found(1, ("b", 5), rule=OTHER))
    assert fold(*found(2)) == {"a": 4, "b": 5}
    assert fold(*found(2, window=1)) == {"b": 5}


def test_a_change_is_told_once_with_what_changed(fold, registry):
    fold(*found(1, ("a", 3)))
    fold(*found(2, ("a", 3), severity=5), *found(3, ("a", 8), severity=4))
    assert acts(registry) == [("raised", {"severity": 3, "count": 3}), ("updated", {"severity": 4, "count": 8})]


def test_an_alert_that_goes_is_told_once(fold, registry):
    fold(*found(1, ("a", 3)))
    fold(*found(2))
    fold(*found(3))
    assert [a for a, _ in acts(registry)] == ["raised", "withdrawn"]


def test_the_same_added_finding_again_counts_once(fold):
    assert fold(seen("a", 3, "1"), seen("a", 4, "2")) == {"a": 7}
    assert fold(seen("a", 3, "1")) == {"a": 7}
    assert fold(seen("a", 3, "1"), seen("a", 3, "1")) == {"a": 7}


def test_withdrawing_an_origin_takes_what_its_detector_added_from_it_and_nothing_else(fold):
    fold(seen("a", 1, "1"), seen("a", 2, "1", origin="another"), seen("b", 4, "1", detector="sigma"),
         *found(1, ("c", 8)))  # fmt: skip
    assert fold(withdraw("yara", "org", "net", "capture")) == {"a": 2, "b": 4, "c": 8}
    assert fold(withdraw("yara", "elsewhere", "net", "another")) == {"a": 2, "b": 4, "c": 8}


def test_in_one_step_a_withdrawal_takes_what_came_before_it_and_not_what_comes_after(fold):
    gone = withdraw("yara", "org", "net", "capture")
    assert fold(seen("a", 1, "1"), gone, seen("b", 2, "2"), seen("c", 3, "3"), gone, seen("d", 4, "4")) == {"d": 4}


def test_an_alert_that_a_person_touched_is_withdrawn_and_comes_back_as_new(fold, registry):
    fold(*found(1, ("a", 3)))
    with registry.begin() as db:
        db.execute(m.alert.update().values(touched=True, state="confirmed", assignee="somebody"))
    assert fold(*found(2)) == {"a": 0}
    fold(*found(3))
    with registry.connect() as db:
        assert [(r.state, r.assignee) for r in db.execute(select(m.alert))] == [("withdrawn", "somebody")]
    assert fold(*found(4, ("a", 3))) == {"a": 3}
    with registry.connect() as db:
        assert [(r.state, r.assignee) for r in db.execute(select(m.alert))] == [("new", "somebody")]
    assert [a for a, _ in acts(registry)] == ["raised", "withdrawn", "updated"]


def test_what_a_person_wrote_stays_when_the_numbers_change(fold, registry):
    fold(*found(1, ("a", 3)))
    with registry.begin() as db:
        db.execute(m.alert.update().values(touched=True, state="confirmed", assignee="somebody"))
    assert fold(*found(2, ("a", 5))) == {"a": 5}
    with registry.connect() as db:
        assert [(r.state, r.assignee) for r in db.execute(select(m.alert))] == [("confirmed", "somebody")]


def test_more_alerts_than_a_statement_takes_are_all_written(fold):
    many = [(f"host:{i}", 1) for i in range(1300)]
    assert len(fold(*found(1, *many))) == 1300
    assert fold(*found(2)) == {}


def message(offset: int, *findings: Finding) -> Message:
    (output,) = wire.finding_outputs(list(findings), 1)
    return Message(PLACE, offset, output.headers, output.value)


def begun(registry: Engine, bus_id: str = "one") -> Fold:
    fold = Fold(registry, lambda topic: bus_id)
    fold.assigned(Assignment(1, {PLACE: 0}))
    return fold


def subjects(registry: Engine) -> dict[str, int]:
    with registry.connect() as db:
        return {r.subject: r.count for r in db.execute(select(m.alert))}


def test_a_message_is_folded_once_and_the_position_is_the_registrys(registry):
    fold = begun(registry)
    commit = fold.work([message(0, seen("a", 3, "1")), message(4, seen("a", 4, "2"))], 1.0)
    assert commit.positions == {PLACE: 5}
    assert subjects(registry) == {"a": 7}
    assert Fold(registry, lambda topic: "one").assigned(Assignment(2, {PLACE: 0})) == {PLACE: 5}


def test_where_one_died_between_registry_and_bus_the_bus_learns_how_far_it_was(registry):
    begun(registry).work([message(0, seen("a", 3, "1"))], 1.0)
    heir = begun(registry)
    assert heir.work([], 2.0).positions == {PLACE: 1}
    assert heir.work([], 3.0) is None
    assert begun(registry).work([message(1, seen("b", 3, "1"))], 2.0).positions == {PLACE: 2}


def test_a_fold_that_was_overtaken_is_refused_and_writes_nothing(registry):
    slow, fast = begun(registry), begun(registry)
    fast.work([message(0, seen("a", 3, "1"))], 1.0)
    before = acts(registry)
    with pytest.raises(Fenced, match="another fold"):
        slow.work([message(0, seen("b", 3, "2"))], 1.0)
    assert subjects(registry) == {"a": 3}
    assert acts(registry) == before


def test_a_message_that_does_not_decode_becomes_a_dead_letter_and_the_others_are_folded(registry):
    bad = Message(PLACE, 1, {"kind": "finding", "version": "1", "op": "insert"}, b"no")
    commit = begun(registry).work([message(0, seen("a", 3, "1")), bad, message(2, seen("b", 4, "2"))], 1.0)
    letters = [msgspec.msgpack.decode(o.value, type=wire.DeadLetter) for o in commit.outputs]
    assert [(x.raw, x.place) for x in letters] == [(b"no", "findings/0/1")]
    assert subjects(registry) == {"a": 3, "b": 4}


def test_on_a_bus_made_anew_folding_begins_at_its_beginning_and_its_results_hold(registry):
    old = begun(registry)
    old.work([message(0, *found(90, ("a", 3)), *found(90, ("b", 3), window=1)), message(7, seen("c", 1, "1"))], 1.0)
    new = Fold(registry, lambda topic: "two")
    assert new.assigned(Assignment(1, {PLACE: 0})) == {PLACE: 0}
    new.work([message(0, *found(2, ("a", 5)))], 2.0)
    assert subjects(registry) == {"a": 5, "b": 3, "c": 1}
    again = Fold(registry, lambda topic: "two")
    assert again.assigned(Assignment(1, {PLACE: 0})) == {PLACE: 1}
    again.work([message(1, *found(1, ("a", 9)))], 3.0)
    assert subjects(registry) == {"a": 5, "b": 3, "c": 1}
