"""What is shown of the situation: the shapes, and sums that come out exactly."""

from __future__ import annotations

import math
from typing import Any

import pytest

from situation import queries
from situation.acts import NotThere
from situation.assess import Assessment
from tests.conftest import DAY, HOUR
from tests.unit.situation.conftest import NOW, Province


@pytest.fixture
def shown(province: Province, standards):
    """Ask a query after an assessment at NOW."""

    def ask(what: str, *arguments: Any, at: int | None = None) -> Any:
        Assessment(province.engine, lambda: NOW, standards).step(1.0)
        extra = () if what in ("score", "trend") else (NOW,)
        with province.engine.connect() as db:
            return getattr(queries, what)(db, standards, *arguments, *extra, at=at)

    return ask


@pytest.fixture
def made(province: Province) -> Province:
    """Eight organisations in two cities, one of them silent, with alerts of many kinds."""
    for i in range(8):
        city = "hangzhou" if i % 2 else "ningbo"
        province.organisation(f"o{i}", city, level=1 + i % 5, hours=0 if i == 7 else 30)
        for j in range(i):
            province.alert(f"o{i}", 3 + j % 3, domain="data" if j % 2 else "network", confidence=40 + 7 * j,
                           rule="upload" if j % 2 else "beacon", first_seen=NOW - (5 + 9 * j) * HOUR)  # fmt: skip
    return province


def test_the_overview_has_the_province_every_city_and_the_bands(shown, made):
    found = shown("overview")
    assert set(found) == {"as_of", "weights_version", "province", "cities", "bands"}
    assert [c["id"] for c in found["cities"]][:2] == ["hangzhou", "ningbo"] and len(found["cities"]) == 11
    assert [b["band"] for b in found["bands"]] == ["excellent", "good", "fair", "poor", "critical"]
    p = found["province"]
    assert p["name"]["zh"] == "浙江省" and p["index"] > 0 and p["alerts"] == sum(range(8))
    assert p["coverage"]["reporting"] == 7 and p["coverage"]["registered"] == 8
    assert found["as_of"] == "2023-11-16T06:00:00.001234Z"


def test_before_the_first_assessment_there_is_not_enough_data(province, standards):
    with province.engine.connect() as db:
        found = queries.overview(db, standards, NOW)
    assert found["province"]["band"] == "insufficient" and found["province"]["index"] is None
    assert found["as_of"] == "2023-11-16T06:00:00.001234Z"


def test_an_organisations_contributions_sum_to_its_index(shown, made):
    found = shown("detail", "organisation", "o6")
    assert math.isclose(sum(c["points"] for c in found["contributions"]), found["index"], abs_tol=1e-9)
    assert found["rest"] is None and found["members"] == []
    assert {c["dimension"] for c in found["contributions"]} == {"network", "data", "disposal"}
    assert found["contributions"][0]["title"]["zh"] in ("信标外联", "大量数据外传")


@pytest.mark.parametrize(("scope", "id"), [("city", "ningbo"), ("city", "hangzhou"), ("province", "province")])
def test_an_areas_members_and_alerts_both_sum_to_its_index(shown, made, scope, id):
    found = shown("detail", scope, id)
    assert found["index"] > 0
    assert math.isclose(sum(m["points"] for m in found["members"]), found["index"], abs_tol=1e-9)
    assert math.isclose(sum(c["points"] for c in found["contributions"]), found["index"], abs_tol=1e-9)
    assert found["worst"]["index"] == max(m["index"] for m in found["members"] if m["index"] is not None)


def test_a_silent_member_is_listed_with_nothing(shown, made):
    (silent,) = (m for m in shown("detail", "city", "hangzhou")["members"] if m["id"] == "o7")
    assert (silent["index"], silent["band"], silent["points"], silent["weight"]) == (None, "insufficient", 0.0, 0.0)


def test_what_does_not_fit_in_the_list_is_summed_as_the_rest(shown, made, monkeypatch):
    monkeypatch.setattr(queries, "MOST_CONTRIBUTIONS", 5)
    found = shown("detail", "province", "province")
    assert len(found["contributions"]) == 5 and found["rest"]["count"] > 0
    total = sum(c["points"] for c in found["contributions"]) + found["rest"]["points"]
    assert math.isclose(total, found["index"], abs_tol=1e-9)


def test_a_past_hour_is_shown_with_members_that_sum_but_without_its_alerts(shown, made):
    found = shown("detail", "province", "province", at=DAY + 29 * HOUR + 5)
    assert found["as_of"] == "2023-11-16T05:00:00.000000Z" and found["contributions"] == []
    assert math.isclose(sum(m["points"] for m in found["members"]), found["index"], abs_tol=1e-6)
    assert found["trend"][-1]["at"] == found["as_of"]


def test_the_trend_has_the_hours_and_now_and_gaps_where_data_was_missing(shown, made):
    found = shown("trend", "organisation", "o6")
    assert len(found) == 73 and found[-1]["at"].endswith("06:00:00.001234Z")
    assert found[0]["index"] is None and found[0]["band"] == "insufficient"
    assert set(found[0]) == {"at", "index", "band", "coverage"}


def test_the_change_is_that_since_the_same_hour_yesterday(shown, province):
    province.organisation("a", hours=80)
    province.alert("a", 5, first_seen=NOW - 2 * HOUR)
    found = shown("score", "organisation", "a")
    assert found["change_24h"] == pytest.approx(found["index"]) and found["index"] > 40


def test_the_formula_has_the_numbers_it_was_made_of(shown, made):
    one, area = shown("detail", "organisation", "o6"), shown("detail", "city", "ningbo")
    assert f"= {one['index']:.1f}" in one["formula"]["en"] and "网络安全" in one["formula"]["zh"]
    assert "3 dimension(s) without a source left out" in one["formula"]["en"]
    assert f"= {area['index']:.1f}" in area["formula"]["zh"]
    assert shown("detail", "organisation", "o7")["formula"]["zh"].startswith("数据不足，无法计算指数；据已知情况至少为")


def test_peers_are_those_of_its_size_with_enough_data(shown, made):
    peers = shown("detail", "organisation", "o6")["peers"]
    assert peers["organisations"] == 7 and peers["z"] > 0.5


@pytest.mark.parametrize(("scope", "id"), [
    ("city", "shanghai"), ("organisation", "x"), ("province", "x"), ("moon", "x"),
])  # fmt: skip
def test_a_scope_that_is_not_in_the_index_is_named(shown, scope, id):
    with pytest.raises(NotThere, match=id):
        shown("score", scope, id)
