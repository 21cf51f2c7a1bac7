"""Warnings: what is drafted and why, what people do to it, what the machine may never do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from fengsui.registry import models as m
from situation import warning_book as book
from situation.acts import Conflict, NotThere, Refused
from situation.area import Member, Organisation
from situation.assess import Assessment
from situation.standards import Standards
from situation.tables import text
from situation.triage import triage
from situation.warning_cases import makers
from situation.warnings import DISMISSED, OPEN, TRANSITIONS, Basis, Case, grade
from tests.conftest import HOUR
from tests.unit.situation.conftest import NOW, Province

ISSUER = text("Office", "发布办公室")
OUTSIDE = '["host:203.0.113.9"]'


class Desk:
    """A province, its assessment, and a person at the warnings."""

    def __init__(self, province: Province, standards: Standards) -> None:
        self.p, self.s, self.now = province, standards, NOW
        self.assessment = Assessment(province.engine, lambda: self.now, standards)

    def step(self) -> None:
        self.assessment.step(1.0)

    def all(self, **where: Any) -> list[book.Kept]:
        self.step()
        with self.p.engine.connect() as db:
            found = book.read(db, m.warning.c.id != "")
        return [w for w in found if all(getattr(w, k) == v for k, v in where.items())]

    def one(self, **where: Any) -> book.Kept:
        (w,) = self.all(**where)
        return w

    def do(self, act: str, id: str, **asked: Any) -> book.Kept:
        standards = (self.s,) if act in ("issue", "adjust", "lift") else ()
        if standards:
            asked = {"issuer": ISSUER} | asked
        with self.p.engine.begin() as db:
            return getattr(book, act)(db, *standards, id, "wang", 9, **asked)

    def close(self, alert: str, state: str) -> None:
        with self.p.engine.begin() as db:
            triage(db, alert, "wang", NOW, state=state)

    def detail(self, id: str) -> dict[str, Any]:
        with self.p.engine.connect() as db:
            return book.detail(db, id)

    def acts(self, id: str) -> list[str]:
        return [a["act"] for a in reversed(self.detail(id)["record"])]


@pytest.fixture
def desk(province: Province, standards: Standards) -> Desk:
    for i, city in enumerate(("hangzhou", "hangzhou", "ningbo", "quzhou", "lishui")):
        province.organisation(f"o{i}", city, level=3)
    return Desk(province, standards)


def share(p: Province, *orgs: str, severity: int = 3, **changes: Any) -> list[str]:
    return [p.alert(o, severity, related=OUTSIDE, **changes) for o in orgs]


@pytest.mark.parametrize(("level", "critical", "severity", "colour"), [
    (4, False, 6, "red"), (4, False, 5, "orange"), (1, True, 5, "orange"), (3, False, 6, "orange"),
    (3, False, 5, "yellow"), (3, False, 4, "blue"), (3, False, 3, "blue"), (1, False, 6, "yellow"),
    (2, False, 5, "blue"), (2, False, 4, "blue"), (2, False, 3, None),
])  # fmt: skip
def test_the_colour_is_where_importance_and_damage_meet_in_the_matrix(standards, level, critical, severity, colour):
    o = Organisation("a", "甲", "A", "hangzhou", "finance", "small", level, critical)
    b = Basis("1", "a", "beacon", "malware/botnet", "host:10.0.0.5", severity, "[]", 0, 0)
    assert grade(Case("critical_alert", "k", (b,)), {"a": o}, standards).level == colour


def test_a_subject_of_five_organisations_is_a_step_worse_than_of_three(desk):
    share(desk.p, "o0", "o1", "o2", severity=4)
    assert desk.one().level == "blue"
    share(desk.p, "o3", "o4", severity=4)
    w = desk.one()
    assert w.level == "yellow" and "5 家单位提高一档" in w.body.content.grade.why.zh


def test_a_critical_alert_that_nobody_is_done_with_is_drafted_once(desk):
    id = desk.p.alert("o0", 5)
    w = desk.one()
    assert (w.trigger, w.state, w.level, list(w.body.content.severities)) == ("critical_alert", "draft", "yellow", [id])
    desk.p.change(id, count=9, last_seen=NOW)
    assert desk.one().changed == w.changed
    assert desk.acts(w.id) == ["drafted"]


@pytest.mark.parametrize("changes", [{"queued": False}, {"state": "resolved"}, {"severity": 4},
                                     {"last_seen": NOW - 73 * HOUR, "first_seen": NOW - 80 * HOUR}])  # fmt: skip
def test_an_alert_that_is_below_the_line_dealt_with_milder_or_old_is_not(desk, changes):
    desk.p.alert("o0", **({"severity": 5} | changes))
    assert desk.all(trigger="critical_alert") == []


def test_alerts_of_uploads_and_of_nobody_make_no_warning(desk):
    desk.p.organisation("uploads", city="")
    for org in ("uploads", "stranger", "else"):
        desk.p.alert(org, 6, related=OUTSIDE)
    assert desk.all() == []


@pytest.mark.parametrize("subject", ["host:10.0.0.5", "host:192.168.1.1", "host:100.64.0.9", "host:fe80::1", "host:x",
                                     "org:a", "host:127.0.0.1"])  # fmt: skip
def test_a_private_address_is_another_host_in_each_organisation(desk, subject):
    for org in ("o0", "o1", "o2"):
        desk.p.alert(org, 3, subject=subject)
    assert desk.all(trigger="shared_subject") == []


@pytest.mark.parametrize("subject", ["domain:bad.example", "file:" + "a" * 64, "pkg:npm/left-pad", "host:203.0.113.9",
                                     "host:2001:db8::1"])  # fmt: skip
def test_a_public_subject_in_three_organisations_is_one_warning(desk, subject):
    for org in ("o0", "o1", "o2"):
        desk.p.alert(org, 3, subject=subject)
    w = desk.one(trigger="shared_subject")
    assert w.subject == subject and w.body.content.orgs == ("o0", "o1", "o2")
    assert w.body.content.cities == ("hangzhou", "ningbo")


def test_two_organisations_or_three_over_two_days_share_nothing(desk):
    share(desk.p, "o0", "o1")
    share(desk.p, "o2", first_seen=NOW - 40 * HOUR, last_seen=NOW - 30 * HOUR)
    assert desk.all(trigger="shared_subject") == []


def test_sightings_are_found_again_after_a_restart(desk, standards):
    share(desk.p, "o0", "o1")
    desk.step()
    desk.assessment = Assessment(desk.p.engine, lambda: NOW, standards)
    share(desk.p, "o2")
    assert desk.one(trigger="shared_subject").body.content.orgs == ("o0", "o1", "o2")


def test_a_critical_alert_of_a_shared_subject_joins_its_basis_and_its_own_draft_goes(desk):
    (first,) = share(desk.p, "o0", severity=5)
    alone = desk.one(trigger="critical_alert")
    share(desk.p, "o1", "o2")
    shared = desk.one(trigger="shared_subject")
    assert first in shared.body.content.severities and shared.level == "yellow"
    assert desk.one(id=alone.id).state == DISMISSED
    share(desk.p, "o3", severity=5)
    assert desk.one(trigger="shared_subject").body.content.orgs == ("o0", "o1", "o2", "o3")
    assert len(desk.all(trigger="critical_alert")) == 1


def test_an_index_that_jumps_is_drafted_but_its_colour_comes_from_alerts_and_organisations(desk):
    desk.step()
    for i in range(40):
        desk.p.alert("o0", 4, subject=f"host:10.0.1.{i}")
    w = desk.one(trigger="index_jump", key="index_jump:organisation:o0")
    assert w.level == "blue"  # important, general damage by alerts that are high: whatever the index
    assert len(w.body.content.severities) == 20 and w.body.moved[1] - w.body.moved[0] >= 15


def test_an_organisations_jump_that_other_warnings_explain_is_not_told_twice(desk):
    desk.step()
    desk.p.alert("o0", 5)
    assert [w.trigger for w in desk.all()] == ["critical_alert"]


def test_a_city_jumps_only_by_more_than_one_of_its_organisations(desk):
    for i in range(3):
        desk.p.organisation(f"h{i}", "hangzhou", level=3)
    desk.step()
    for org in ("o0", "o1", "h0", "h1", "h2", "o2"):
        for i in range(40):
            desk.p.alert(org, 4, subject=f"host:10.0.1.{i}")
    found = {w.key: w for w in desk.all()}
    assert "index_jump:city:hangzhou" in found and "index_jump:city:ningbo" not in found
    assert set(found["index_jump:city:hangzhou"].body.content.orgs) < {"h0", "h1", "h2", "o0", "o1"}


def test_an_areas_jump_is_of_those_who_give_most_of_it_unless_it_is_one_alone(standards):
    def of(*indices: float) -> list[str]:
        return makers([Member(f"{i}", x, 1.0) for i, x in enumerate(indices)], standards)

    assert of(80, 5, 5, 5) == [] and of() == [] and of(0, 0) == []
    assert of(60, 60, 50, 60, 1, 1, 0) == ["0", "1", "3", "2"]
    assert len(of(*[50.0] * 10)) == 8
    assert of(90, *[2.0] * 60) == [], "the floor of the worst holds the area up"


def test_a_general_organisation_with_general_damage_gets_no_warning(desk):
    desk.p.organisation("small", "wenzhou", level=2)
    desk.step()
    for i in range(300):
        desk.p.alert("small", 3, subject=f"host:10.0.{i // 250}.{i % 250}")
    assert desk.all(key="index_jump:organisation:small") == []


@pytest.mark.parametrize("state", ["false_positive", "withdrawn"])
def test_a_draft_whose_alerts_never_were_is_dismissed_by_the_machine_with_the_reason(desk, state):
    id = desk.p.alert("o0", 5)
    desk.step()
    desk.p.change(id, state=state)
    w = desk.one()
    assert w.state == DISMISSED and desk.acts(w.id) == ["drafted", "dismissed"]
    assert "误报" in desk.detail(w.id)["record"][0]["body"]["why"]["zh"]
    desk.p.change(id, state="new")
    assert desk.one().state == "draft"


def test_an_alert_that_is_gone_dismisses_its_draft_too(desk):
    id = desk.p.alert("o0", 5)
    desk.step()
    desk.p.remove(id)
    assert desk.one().state == DISMISSED


def test_a_shared_subject_of_which_too_few_are_left_is_dismissed(desk):
    ids = share(desk.p, "o0", "o1", "o2")
    desk.step()
    desk.close(ids[0], "false_positive")
    assert desk.one().state == DISMISSED


def test_a_draft_follows_the_facts_and_says_so(desk):
    id = desk.p.alert("o0", 5)
    assert desk.one().level == "yellow"
    desk.p.change(id, severity=6)
    w = desk.one()
    assert w.level == "orange" and desk.acts(w.id) == ["drafted", "updated"]
    assert w.body.content.notice["zh"].level == "橙色预警（重大）"


def test_what_was_issued_stays_as_it_was_and_changed_facts_are_proposed(desk):
    id = desk.p.alert("o0", 5)
    issued = desk.do("issue", desk.one().id)
    desk.p.change(id, severity=6)
    w = desk.one()
    assert (w.state, w.level) == ("issued", "yellow")
    assert w.body.content == issued.body.content and w.body.versions == issued.body.versions
    shown = desk.detail(w.id)
    assert shown["proposal"]["level"] == "orange" and shown["notice"]["zh"]["level"] == "黄色预警（较大）"
    assert desk.acts(w.id) == ["drafted", "issued", "proposed"]
    desk.p.change(id, severity=5)
    assert desk.one().body.proposal is None


def test_an_issued_warning_whose_alerts_never_were_gets_a_proposal_to_lift_it(desk):
    id = desk.p.alert("o0", 5)
    w = desk.do("issue", desk.one().id)
    desk.close(id, "false_positive")
    assert desk.one().state == "issued" and desk.detail(w.id)["proposal"]["level"] == "none"
    assert desk.do("lift", w.id, reason="误报").state == "lifted"


def test_adjusting_takes_up_what_was_proposed(desk):
    share(desk.p, "o0", "o1", "o2", severity=4)
    w = desk.do("issue", desk.one().id)
    share(desk.p, "o3", "o4", severity=4)
    assert desk.one().body.proposal.level == "yellow"
    adjusted = desk.do("adjust", w.id, reason="wider")
    assert (adjusted.state, adjusted.level, len(adjusted.body.content.orgs)) == ("adjusted", "yellow", 5)
    assert [v.level for v in adjusted.body.versions] == ["blue", "yellow"]
    assert desk.one().body.proposal is None


def test_a_level_against_the_matrix_is_a_persons_choice_and_is_not_proposed_away(desk):
    id = desk.p.alert("o0", 5)
    w = desk.do("issue", desk.one().id)
    w = desk.do("adjust", w.id, level="red", reason="I know more")
    assert w.level == "red" and w.body.versions[-1].notice["en"].level == "Red (particularly severe)"
    assert "24" in w.body.versions[-1].notice["zh"].measures
    desk.p.change(id, last_seen=NOW)
    assert desk.one().body.proposal is None


def test_the_activity_has_the_complete_notice_as_issued(desk):
    desk.p.alert("o0", 5)
    w = desk.do("issue", desk.one().id, reason="ok", parts={"matters": text("Watch out", "请注意")})
    said = desk.detail(w.id)["record"][0]["body"]
    assert said["notice"] == desk.detail(w.id)["notice"]
    assert set(said["notice"]["zh"]) == {"category", "level", "start_time", "scope", "matters", "measures", "issuer"}
    assert (said["notice"]["zh"]["matters"], said["notice"]["en"]["issuer"]) == ("请注意", "Office")
    assert said["before"] == {"state": "draft", "level": "yellow"}


def test_who_has_not_seen_the_last_change_is_told_who_made_it(desk):
    id = desk.p.alert("o0", 5)
    seen = desk.one().changed
    desk.p.change(id, severity=6)
    desk.step()
    with pytest.raises(Conflict, match="assess did 'updated'"):
        desk.do("issue", desk.one().id, changed=seen)
    assert desk.do("issue", desk.one().id, changed=desk.one().changed).state == "issued"


@pytest.mark.parametrize("act", ["issue", "adjust", "lift", "dismiss", "edit"])
@pytest.mark.parametrize("state", list(TRANSITIONS))
def test_each_act_goes_where_the_table_says_and_nowhere_else(desk, act, state):
    desk.p.alert("o0", 5)
    id = desk.one().id
    ways = {"draft": [], "issued": ["issue"], "adjusted": ["issue", "adjust"], "lifted": ["issue", "lift"],
            "dismissed": ["dismiss"]}  # fmt: skip
    for before in ways[state]:
        desk.do(before, id)
    asked = {"parts": {"matters": text("x", "某")}} if act == "edit" else {}
    assert desk.detail(id)["actions"] == list(TRANSITIONS[state])
    if act in TRANSITIONS[state]:
        assert desk.do(act, id, **asked).state == TRANSITIONS[state][act]
    else:
        with pytest.raises(Refused, match=state):
            desk.do(act, id, **asked)


def test_a_persons_words_outlast_the_machines_updates(desk):
    id = desk.p.alert("o0", 5)
    w = desk.do("edit", desk.one().id, parts={"scope": text("all of it", "全部")})
    desk.p.change(id, severity=6)
    shown = desk.detail(desk.one().id)
    assert shown["level"] == "orange" and shown["notice"]["zh"]["scope"] == "全部"
    desk.do("edit", w.id, parts={"scope": text("", "")})
    assert "单位o0" in desk.detail(w.id)["notice"]["zh"]["scope"]


@pytest.mark.parametrize(("parts", "field"), [
    ({"issuer": text("a", "b")}, "issuer"), ({"scope": text("a", "")}, "scope"),
    ({"matters": text("x" * 4001, "y")}, "matters.en"),
])  # fmt: skip
def test_words_that_cannot_be_taken_are_refused(desk, parts, field):
    desk.p.alert("o0", 5)
    with pytest.raises(Refused) as e:
        desk.do("edit", desk.one().id, parts=parts)
    assert e.value.field == field


def test_nobody_issues_without_a_name(desk):
    desk.p.alert("o0", 5)
    with pytest.raises(Refused, match="who issues"):
        desk.do("issue", desk.one().id, issuer=text("", ""))


def test_what_a_person_dismissed_does_not_come_again(desk):
    id = desk.p.alert("o0", 5)
    desk.do("dismiss", desk.one().id, reason="a test of ours")
    desk.p.change(id, severity=6)
    assert desk.one().state == DISMISSED


def test_after_lifting_only_new_alerts_make_a_warning_of_the_subject_again(desk):
    share(desk.p, "o0", "o1", "o2")
    w = desk.do("issue", desk.one().id)
    desk.do("lift", w.id, reason="over")
    share(desk.p, "o3")
    assert desk.one().state == "lifted"
    new = share(desk.p, "o0", "o4")
    again = desk.one(state="draft")
    assert again.key == f"{w.key}#2" and set(new) <= set(again.body.content.severities)


def test_a_warning_that_is_not_there_is_named(desk):
    with pytest.raises(NotThere, match="nothing"):
        desk.do("issue", "nothing")


def test_lists_come_in_pages_the_newest_first_and_can_be_chosen_from(desk):
    for i in range(5):
        desk.p.alert("o0", 5, subject=f"host:10.0.0.{i}")
    kept = desk.all()
    assert len(kept) == 5
    with desk.p.engine.connect() as db:
        first, after = book.page(db, limit=3)
        rest, end = book.page(db, limit=3, after=after)
        assert len({w["id"] for w in first + rest}) == 5 and end is None
        assert book.page(db, states=["issued"])[0] == [] and len(book.page(db, levels=["yellow"])[0]) == 5
        alert = next(iter(kept[0].body.content.severities))
        assert [w["id"] for w in book.naming(db, alert)] == [kept[0].id]
        assert book.item(db, first[0]["id"]) == first[0] and book.item(db, "nothing") is None


def test_the_activity_of_a_warning_is_written_with_it(desk, registry):
    desk.p.alert("o0", 5)
    w = desk.one()
    with registry.connect() as db:
        a = m.activity
        row = db.execute(select(a).where(a.c.object == "warning")).one()
    assert (row.object_id, row.org, row.actor, row.seq) == (w.id, "o0", "assess", w.changed)
    assert msgspec.json.decode(row.body)["level"] == "yellow" and w.state in OPEN
