"""The index of a city and of the province: mean, percentile, floor, and exact parts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situation.area import Member, area, percentile_shares
from situation.standards import load
from tests.unit.situation.conftest import STANDARDS

W = load(STANDARDS, {}).weights


def members(*indices: float, weights: tuple[float, ...] = ()) -> list[Member]:
    given = weights or [1.0] * len(indices)
    return [Member(f"o{i}", x, w) for i, (x, w) in enumerate(zip(indices, given, strict=True))]


def percentile(found: list[Member], q: float = 0.9) -> float:
    return float(sum(s * m.index for s, m in zip(percentile_shares(found, q), found, strict=True)))


def test_the_percentile_is_the_mean_over_a_tenth_of_the_weight_around_it():
    # of ten equal members the ninth ends and the tenth begins at 0.9: half of the band lies in each
    assert percentile(members(*range(0, 100, 10))) == pytest.approx(85)
    assert percentile(members(50, 100, 0), 0.5) == pytest.approx(50)


def test_one_that_covers_the_band_is_the_percentile():
    assert percentile(members(10, 90)) == 90
    assert percentile(members(10, 90), 0.1) == 10
    assert percentile(members(42)) == 42


def test_a_light_member_that_overtakes_a_heavy_one_does_not_lower_the_percentile():
    before = [Member("a", 34, 1), Member("b", 33.9, 3), *(Member(f"c{i}", 0, 1) for i in range(6))]
    after = [Member("b", 34.1, 3), *(m for m in before if m.id != "b")]
    assert percentile(after) >= percentile(before)


def test_importance_moves_the_percentile():
    assert percentile(members(0, 100, weights=(9, 1)), 0.5) < percentile(members(0, 100, weights=(1, 9)), 0.5)


def test_the_worst_organisation_holds_its_area_up():
    index, parts = area(members(100, *[0] * 99), W)
    assert index == pytest.approx(60) and [p.floor for p in parts[:2]] == [True, False]
    assert parts[0].points == pytest.approx(60)


def test_of_one_organisation_the_area_is_as_it_is():
    assert area(members(37.5), W)[0] == pytest.approx(37.5)


def test_an_area_without_members_has_no_index():
    with pytest.raises(ValueError, match="without members"):
        area([], W)


MEMBERS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from([1.0, 2.0, 3.0])), min_size=1, max_size=60)


@given(MEMBERS)
def test_the_points_of_all_members_sum_to_the_index(found):
    index, parts = area([Member(f"o{i}", x, w) for i, (x, w) in enumerate(found)], W)
    assert math.isclose(sum(p.points for p in parts), index, abs_tol=1e-9)
    assert sum(p.weight for p in parts) == pytest.approx(1)
    assert min(x for x, _ in found) - 1e-9 <= index <= max(x for x, _ in found) + 1e-9


@given(MEMBERS, st.data())
def test_one_that_gets_worse_never_makes_its_area_better(found, data):
    before = [Member(f"o{i}", x, w) for i, (x, w) in enumerate(found)]
    i = data.draw(st.integers(0, len(found) - 1))
    worse = Member(before[i].id, data.draw(st.floats(before[i].index, 100)), before[i].weight)
    assert area([*before[:i], worse, *before[i + 1 :]], W)[0] >= area(before, W)[0] - 1e-9
