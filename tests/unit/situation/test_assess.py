"""The assessment: only what changed is computed, and it is the same as computing everything."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select, update

from fengsui.registry import models as m
from situation import assess, table
from situation.assess import Assessment
from situation.rows import Body, newest
from situation.triage import triage
from tests.conftest import DAY, HOUR
from tests.unit.situation.conftest import NOW, Province

CITIES = ("hangzhou", "ningbo", "quzhou")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def assessment(registry, standards, clock) -> Assessment:
    return Assessment(registry, clock, standards)


def body(row: Any) -> Body:
    return msgspec.json.decode(row.body, type=Body)


def last(province: Province, scope: str, id: str) -> Any:
    (row,) = (r for r in province.rows(scope, id) if newest(r.at))
    return row


def told(province: Province) -> list[dict[str, Any]]:
    a = m.activity
    with province.engine.connect() as db:
        rows = db.execute(select(a.c.body).where(a.c.object == "situation").order_by(a.c.seq))
        return [msgspec.json.decode(r.body) for r in rows]


def test_an_organisation_gets_a_row_for_each_hour_and_one_for_now(assessment, province, standards):
    province.organisation("a")
    province.alert("a", 5)
    assert assessment.step(1.0)
    rows = province.rows("organisation", "a")
    assert [r.at for r in rows] == [DAY + 30 * HOUR - i * HOUR for i in range(71, -1, -1)] + [NOW]
    assert rows[-1].index == pytest.approx(0.8 * 100 * (1 - 2.718281828459045 ** -(0.8 * 2 ** -(0.0))), abs=1)
    assert {r.weights for r in rows} == {standards.weights.version}
    assert sum(p for _, _, p in body(rows[-1]).points) == pytest.approx(rows[-1].index, abs=1e-9)


def test_nothing_changed_is_nothing_to_do(assessment, province):
    province.organisation("a")
    province.alert("a")
    assert assessment.step(1.0)
    before = province.rows()
    assert not assessment.step(2.0)
    assert province.rows() == before


def test_an_organisation_without_enough_data_is_insufficient_never_excellent(assessment, province):
    province.organisation("silent", hours=0)
    province.organisation("half", hours=5)
    province.organisation("enough", hours=6)
    assessment.step(1.0)
    found = {i: last(province, "organisation", i) for i in ("silent", "half", "enough")}
    assert {i: (r.band, r.index) for i, r in found.items()} == {
        "silent": ("insufficient", None), "half": ("insufficient", None), "enough": ("excellent", 0.0)}  # fmt: skip
    assert found["silent"].at_least is None
    assert body(found["half"]).coverage.reporting == 5


def test_what_is_known_of_a_silent_organisation_is_said_as_at_least(assessment, province):
    province.organisation("silent", hours=0)
    province.alert("silent", 5)
    assessment.step(1.0)
    row = last(province, "organisation", "silent")
    assert row.index is None and row.band == "insufficient" and row.at_least > 30
    city = last(province, "city", "hangzhou")
    assert city.index is None and city.at_least > 0


def test_a_silent_organisation_does_not_enter_its_citys_mean(assessment, province):
    province.organisation("a")
    province.organisation("b")
    province.organisation("silent", hours=0)
    province.alert("a", 5)
    province.alert("b", 5)
    assessment.step(1.0)
    city = last(province, "city", "hangzhou")
    assert city.index == pytest.approx(last(province, "organisation", "a").index)
    assert (body(city).coverage.reporting, body(city).coverage.registered) == (2, 3)


def test_a_city_of_which_too_few_report_is_insufficient(assessment, province):
    province.organisation("a")
    province.organisation("silent", hours=0, level=5)
    assessment.step(1.0)
    assert last(province, "city", "hangzhou").band == "insufficient"
    assert last(province, "city", "ningbo").band == "insufficient"


def test_uploads_and_what_is_not_registered_are_in_no_index(assessment, province):
    province.organisation("uploads", city="")
    province.alert("uploads", 6)
    province.alert("stranger", 6)
    assessment.step(1.0)
    assert province.rows("organisation") == []
    assert last(province, "province", "province").at_least is None


@pytest.mark.parametrize("state", ["false_positive", "withdrawn"])
def test_what_never_was_leaves_the_past_hours_too(assessment, province, state):
    province.organisation("a")
    id = province.alert("a", 5)
    assessment.step(1.0)
    province.change(id, state=state)
    assessment.step(2.0)
    assert {r.index for r in province.rows("organisation", "a") if r.index is not None} == {0.0}


def test_what_was_resolved_counts_less_from_then_on_but_not_before(assessment, province, clock):
    province.organisation("a", hours=100)
    id = province.alert("a", 5, first_seen=NOW - 40 * HOUR, last_seen=NOW)
    assessment.step(1.0)
    with province.engine.begin() as db:
        triage(db, id, "wang", NOW, state="resolved")
    assessment.step(2.0)
    rows = province.rows("organisation", "a")
    assert rows[-2].index > 2 * rows[-1].index > 0


def test_below_the_alert_line_nothing_counts(assessment, province):
    province.organisation("a")
    province.alert("a", 2, queued=False)
    assessment.step(1.0)
    assert last(province, "organisation", "a").index == 0


def test_only_what_is_touched_is_written_anew(assessment, province):
    for i, city in enumerate(CITIES):
        province.organisation(f"o{i}", city)
        province.alert(f"o{i}")
    assessment.step(1.0)
    province.alert("o1", 5)
    assessment.step(2.0)
    touched = {(r.scope, r.scope_id) for r in province.rows() if r.computed_at == 2_000_000}
    assert touched == {("organisation", "o1"), ("city", "ningbo"), ("province", "province")}


def test_data_that_comes_for_a_past_hour_touches_its_organisation(assessment, province):
    province.organisation("a", hours=5)
    assessment.step(1.0)
    assert last(province, "organisation", "a").band == "insufficient"
    province.present("a", DAY + 20 * HOUR)
    assert assessment.step(2.0)
    assert last(province, "organisation", "a").band == "excellent"


def test_a_full_hour_later_everything_is_told_for_then(assessment, province, clock):
    province.organisation("a")
    province.alert("a", 5)
    assessment.step(1.0)
    before = last(province, "organisation", "a")
    clock.at += HOUR // 2
    assert not assessment.step(2.0)
    clock.at += HOUR // 2
    assert assessment.step(3.0)
    now = last(province, "organisation", "a")
    assert now.at == NOW + HOUR and now.index < before.index
    assert max(r.at for r in province.rows("organisation", "a") if not newest(r.at)) == DAY + 31 * HOUR


def test_the_activity_tells_of_what_moved_by_half_a_point_or_changed_its_band(assessment, province, clock):
    province.organisation("a")
    assessment.step(1.0)
    first = [t for t in told(province) if t["scope"] == "organisation"]
    assert [(t["index"], t["band"], t["before"]) for t in first] == [(0.0, "excellent", None)]
    province.alert("a", 3, confidence=30)
    assessment.step(2.0)
    assert [t for t in told(province) if t["scope"] == "organisation"] == first
    province.alert("a", 5)
    assessment.step(3.0)
    now = [t for t in told(province) if t["scope"] == "organisation"][-1]
    assert now["band"] == "fair" and now["before"] == {"index": 0.0, "band": "excellent"}


def test_slow_moves_add_up_until_they_are_told(assessment, province):
    province.organisation("a")
    assessment.step(1.0)
    for i in range(4):
        province.alert("a", 3, confidence=40)
        assessment.step(2.0 + i)
    assert [round(t["index"], 1) for t in told(province) if t["scope"] == "organisation"] == [0.0, 0.6, 1.3]


def test_another_assessment_that_went_on_fences_this_one(assessment, province, registry, monkeypatch):
    province.organisation("a")
    province.alert("a")
    with registry.begin() as db:
        db.execute(insert(m.assessment).values(id=1, seq=7))
    monkeypatch.setattr(assess, "_position", lambda db: 5)
    assert assessment.step(1.0)
    monkeypatch.undo()
    assert province.rows() == []
    assert assessment.step(2.0) and province.rows() != []


def test_a_step_that_fails_leaves_nothing_behind_and_is_done_again(assessment, province, monkeypatch):
    province.organisation("a")
    province.alert("a", 5)

    def fails(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(table, "_record", fails)
        with pytest.raises(OSError, match="disk full"):
            assessment.step(1.0)
        assert province.rows() == []
    assert assessment.step(2.0)
    assert last(province, "organisation", "a").index > 30


def test_changed_weights_are_applied_at_the_next_start(assessment, province, registry, standards, clock):
    province.organisation("a")
    province.alert("a", 5)
    assessment.step(1.0)
    weights = msgspec.structs.replace(standards.weights, version="other", mean_share=0.4)
    other = type(standards)(weights, *[getattr(standards, n) for n in list(standards.__dataclass_fields__)[1:]])
    Assessment(registry, clock, other).step(2.0)
    assert {r.weights for r in province.rows()} == {"other"}


def test_an_organisation_that_becomes_more_important_is_computed_anew(assessment, province, registry):
    province.organisation("a", level=1)
    province.alert("a", 4)
    assessment.step(1.0)
    before = last(province, "organisation", "a").index
    with registry.begin() as db:
        db.execute(update(m.organisation).values(protection_level=5))
    assert assessment.step(2.0)
    assert last(province, "organisation", "a").index > 2 * before


def _change_something(r: random.Random, province: Province, alerts: list[str], clock: Clock) -> None:
    org = f"o{r.randrange(7)}"
    what = r.randrange(8)
    if what < 3 or not alerts:
        first = NOW - r.randrange(120 * HOUR)
        alerts.append(province.alert(
            org, r.randint(2, 6), confidence=r.randint(10, 100), first_seen=first, queued=r.random() < 0.9,
            last_seen=first + r.randrange(50 * HOUR), domain=r.choice(["network", "data", "physical"]),
        ))  # fmt: skip
    elif what == 3:
        province.change(r.choice(alerts), severity=r.randint(2, 6), last_seen=clock.at - r.randrange(9 * HOUR))
    elif what == 4:
        with province.engine.begin() as db:
            triage(db, r.choice(alerts), "wang", clock.at - r.randrange(9 * HOUR),
                   state=r.choice(["new", "in_progress", "resolved", "false_positive"]))  # fmt: skip
    elif what == 5:
        province.remove(alerts.pop(r.randrange(len(alerts))))
    elif what == 6:
        province.present(org, DAY + r.randrange(-50, 30) * HOUR)
    else:
        clock.at += r.randrange(HOUR)


@pytest.mark.parametrize("seed", range(3))
def test_step_by_step_is_the_same_as_all_at_once(registry, province, standards, clock, seed):
    r = random.Random(seed)
    for i in range(7):
        province.organisation(f"o{i}", CITIES[i % 3], size=r.choice(["small", "medium", "large"]),
                              level=r.randint(1, 5), hours=r.choice([0, 8, 30]))  # fmt: skip
    assessment, alerts = Assessment(registry, clock, standards), []
    for i in range(50):
        _change_something(r, province, alerts, clock)
        if r.random() < 0.6:
            assessment.step(float(i))
        if r.random() < 0.05:
            assessment = Assessment(registry, clock, standards)
    assessment.step(98.0)
    step_by_step = province.rows()
    with registry.begin() as db:
        db.execute(delete(m.situation))
    Assessment(registry, clock, standards).step(99.0)
    at_once = province.rows()
    window = clock.at - clock.at % HOUR - 71 * HOUR
    kept = [x for x in step_by_step if x.at >= window]
    assert len([x for x in kept if newest(x.at)]) == 7 + 11 + 1
    assert _comparable(kept) == _comparable(at_once)


def _comparable(rows: list[Any]) -> list[tuple[Any, ...]]:
    """Rows without what depends on when they were written: a newest one keeps the time of its last change."""
    out = []
    for x in rows:
        b = msgspec.structs.replace(body(x), told=None, points=())
        points = [(i, k, round(p, 7)) for i, k, p in body(x).points]
        index, low = (None if v is None else round(v, 7) for v in (x.index, x.at_least))
        out.append((x.scope, x.scope_id, -1 if newest(x.at) else x.at, index, low, x.band, b, points))
    return sorted(out, key=lambda t: t[:3])
