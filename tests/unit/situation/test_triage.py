"""Triage: what a person changes, what is kept, and when it is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select

from fengsui.finding import Conclusion, Finding, Rule, Window, result
from fengsui.registry import models as m
from situation.acts import Conflict, NotThere, Refused
from situation.fold import apply, refresh
from situation.triage import triage
from tests.conftest import DAY, HOUR

RULE = Rule("scan", "v1", "attack/scanning")


def found(version: int, severity: int) -> list[Finding]:
    c = Conclusion("host:10.0.0.5", severity, 50, {}, {}, DAY, DAY, {DAY: version})
    return result(RULE, "hunt", "org", "net", Window(DAY, DAY + HOUR), version, [c])


def fold(registry: Engine, findings: list[Finding]) -> Any:
    with registry.begin() as db:
        refresh(db, apply(db, findings), 1)
        return db.execute(select(m.alert)).first()


def act(registry: Engine, id: str, actor: str = "wang", **asked: Any) -> Any:
    with registry.begin() as db:
        return triage(db, id, actor, 7, **asked)


def bodies(registry: Engine) -> list[tuple[str, str, dict[str, Any]]]:
    with registry.connect() as db:
        rows = db.execute(select(m.activity).order_by(m.activity.c.seq))
        return [(r.actor, r.act, msgspec.json.decode(r.body)) for r in rows]


def test_what_was_before_is_kept_with_what_came_after(registry):
    alert = fold(registry, found(1, 3))
    row = act(registry, alert.id, state="in_progress", assignee="li", comment="mine")
    assert (row.state, row.assignee, row.touched) == ("in_progress", "li", True)
    assert bodies(registry)[-1] == ("wang", "triaged", {
        "severity": 3, "state": {"before": "new", "after": "in_progress"}, "assignee": {"before": "", "after": "li"},
        "comment": "mine"})  # fmt: skip
    assert row.changed_seq == 2


def test_the_same_again_writes_nothing_but_a_comment_alone_is_kept(registry):
    alert = fold(registry, found(1, 3))
    act(registry, alert.id, state="new", assignee="")
    assert len(bodies(registry)) == 1
    act(registry, alert.id, comment="looked at it")
    assert bodies(registry)[-1][2]["comment"] == "looked at it"


def test_who_did_not_see_anothers_act_is_told_of_it(registry):
    alert = fold(registry, found(1, 3))
    seen = act(registry, alert.id, state="in_progress").changed_seq
    act(registry, alert.id, "li", state="resolved", seen=seen)
    with pytest.raises(Conflict, match="li did 'triaged'") as e:
        act(registry, alert.id, state="false_positive", seen=seen)
    assert (e.value.actor, e.value.at) == ("li", 7)


def test_what_the_machine_changed_in_between_is_no_conflict(registry):
    alert = fold(registry, found(1, 3))
    fold(registry, found(2, 4))
    assert act(registry, alert.id, state="in_progress", seen=alert.changed_seq).state == "in_progress"


@pytest.mark.parametrize(("asked", "field"), [
    ({"state": "withdrawn"}, "state"), ({"state": "closed"}, "state"), ({"assignee": "x" * 201}, "assignee"),
    ({"comment": "x" * 4001}, "comment"),
])  # fmt: skip
def test_what_cannot_be_set_is_refused_with_the_field(registry, asked, field):
    alert = fold(registry, found(1, 3))
    with pytest.raises(Refused) as e:
        act(registry, alert.id, **asked)
    assert e.value.field == field and len(bodies(registry)) == 1


def test_a_withdrawn_alert_keeps_its_state_but_takes_comments(registry):
    alert = fold(registry, found(1, 3))
    act(registry, alert.id, comment="hm")
    c: list[Finding] = result(RULE, "hunt", "org", "net", Window(DAY, DAY + HOUR), 2, [])
    assert fold(registry, c).state == "withdrawn"
    with pytest.raises(Refused, match="withdrawn"):
        act(registry, alert.id, state="resolved")
    assert act(registry, alert.id, comment="gone").state == "withdrawn"


def test_an_alert_that_is_not_there_is_named(registry):
    with pytest.raises(NotThere, match="nothing"):
        act(registry, "nothing", state="resolved")


@pytest.mark.parametrize("state", ["resolved", "false_positive"])
def test_a_closed_alert_that_gets_worse_is_new_again(registry, state):
    alert = fold(registry, found(1, 3))
    act(registry, alert.id, state=state, assignee="li")
    row = fold(registry, found(2, 4))
    assert (row.state, row.assignee) == ("new", "li")
    assert bodies(registry)[-1] == ("fold", "reopened", {"severity": 4, "state": "new", "count": 2})


def test_a_closed_alert_that_is_as_bad_as_when_it_was_closed_stays_closed(registry):
    alert = fold(registry, found(1, 4))
    act(registry, alert.id, state="resolved")
    assert fold(registry, found(2, 3)).state == "resolved"
    assert fold(registry, found(3, 4)).state == "resolved"
    assert fold(registry, found(4, 5)).state == "new"


def test_an_alert_in_progress_that_gets_worse_stays_in_progress(registry):
    alert = fold(registry, found(1, 3))
    act(registry, alert.id, state="in_progress")
    assert fold(registry, found(2, 5)).state == "in_progress"
