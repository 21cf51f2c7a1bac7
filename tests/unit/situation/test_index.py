"""The index of an organisation: its formula, and points that give it back exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from situation.index import (
    DISPOSAL,
    NEVER,
    Fact,
    K,
    columns,
    contributions,
    dimension,
    peer_score,
    points,
    risks,
    scores,
    settled,
)  # fmt: skip
from situation.standards import load
from situation.tables import DIMENSIONS
from tests.conftest import DAY, HOUR
from tests.unit.situation.conftest import STANDARDS

W = load(STANDARDS, {}).weights
AT = DAY + 100 * HOUR
ALL = np.ones((1, K), np.bool_)


def fact(severity: int = 4, confidence: int = 100, *, dim: str = "network", age: int = 0, began: int | None = None,
         resolved: int = NEVER, handled: int = 0, id: str = "a") -> Fact:  # fmt: skip
    """An alert last seen ``age`` hours before AT, which is not new unless it says so."""
    last = AT - age * HOUR
    first = last if began is None else began
    return Fact(id, severity, confidence, DIMENSIONS.index(dim), first, last, resolved, handled)


def risk(*facts: Fact, at: int = AT, asset: float = 1.0) -> list[float]:
    return risks(columns(facts, asset, W), np.array([at]), W)[0].tolist()


def index(*facts: Fact, known: np.ndarray = ALL, size: str = "medium") -> float:
    return float(scores(np.array([risk(*facts)]), size, known, W).index[0])


@pytest.mark.parametrize(("severity", "risk_of_it"), [(2, 1), (3, 10), (4, 100), (5, 1000), (6, 1000), (1, 0), (0, 0)])
def test_each_severity_counts_ten_times_the_one_before(severity, risk_of_it):
    assert risk(fact(severity))[0] == pytest.approx(risk_of_it)


def test_confidence_and_the_assets_weight_multiply():
    assert risk(fact(4, 50), asset=1.3)[0] == pytest.approx(100 * 0.5 * 1.3)


@pytest.mark.parametrize(("age", "left"), [(0, 1), (72, 1 / 2), (144, 1 / 4), (36, 2**-0.5)])
def test_a_contribution_halves_each_half_life_since_it_was_last_seen(age, left):
    assert risk(fact(4, age=age))[0] == pytest.approx(100 * left)


def test_an_alert_does_not_count_before_it_began_and_does_not_decay_while_it_goes_on():
    f = fact(4, began=AT - 10 * HOUR)
    assert risk(f, at=AT - 11 * HOUR)[0] == 0
    assert risk(f, at=AT - 5 * HOUR)[0] == pytest.approx(100)


def test_what_was_last_seen_beyond_the_horizon_is_left_out():
    assert risk(fact(5, age=W.horizon_hours))[0] > 0
    assert risk(fact(5, age=W.horizon_hours + 1))[0] == 0


def test_a_resolved_alert_counts_reduced_from_then_on():
    f = fact(4, began=AT - 10 * HOUR, resolved=AT - HOUR)
    assert risk(f, at=AT - 2 * HOUR)[0] == pytest.approx(100)
    assert risk(f)[0] == pytest.approx(100 * W.resolved)


def test_an_alert_that_stays_new_too_long_counts_in_disposal_until_somebody_takes_it():
    late = fact(4, began=AT - 30 * HOUR, handled=NEVER)
    assert risk(late)[DISPOSAL] == pytest.approx(100)
    assert risk(late, at=AT - 7 * HOUR)[DISPOSAL] == 0  # 23 hours: within the limit of 24
    assert risk(late._replace(handled=AT - HOUR))[DISPOSAL] == 0
    assert risk(late._replace(handled=AT - HOUR), at=AT - 2 * HOUR)[DISPOSAL] == pytest.approx(100)


def test_as_it_stands_now_what_people_did_counts_whenever_they_did_it_and_what_just_began_counts():
    f = columns([fact(4, resolved=AT + 50 * HOUR, handled=AT + 50 * HOUR, began=AT - 60 * HOUR, id="a"),
                 fact(4, age=-1, id="b"), fact(4, age=-3, id="c")], 1.0, W)  # fmt: skip
    own, late = contributions(settled(f, AT), np.array([AT]), W)
    assert own[0].tolist() == pytest.approx([25, 100, 0]) and late.sum() == 0


def test_the_dimension_comes_from_the_domain_but_a_vulnerability_is_its_own():
    found = [dimension("data", "data/leak"), dimension("network", "hazard/vulnerability"), dimension("moon", "a/b")]
    assert [DIMENSIONS[k] for k in found] == ["data", "vulnerability", "network"]


def test_risk_at_r0_stands_at_63_and_a_larger_organisation_bears_more():
    medium, large = (scores(np.full((1, K), 1000.0), size, ALL, W).score[0, 0] for size in ("medium", "large"))
    assert medium == pytest.approx(100 * (1 - math.exp(-1)))
    assert large == pytest.approx(100 * (1 - math.exp(-1000 / 1800)))


def test_one_crisis_does_not_average_away():
    s = scores(np.array([risk(fact(5), fact(5, id="b"))]), "medium", ALL, W)
    assert s.floored[0] and s.index[0] == pytest.approx(0.8 * s.score[0].max())
    assert s.index[0] > (s.share * s.score).sum()


def test_dimensions_without_a_source_are_left_out_of_the_mean_not_taken_for_safe():
    known = np.array([[d in ("network", "disposal") for d in DIMENSIONS]])
    late = fact(5, began=AT - 30 * HOUR, handled=NEVER)
    s = scores(np.array([risk(late)]), "medium", known, W)
    assert s.share[0].sum() == pytest.approx(1) and s.share[0, 1] == 0
    assert s.index[0] == pytest.approx(s.score[0, 0]) and not s.floored[0]  # both alike: the mean is what each is


def test_a_dimension_that_shows_a_risk_counts_though_no_source_was_known():
    known = np.array([[d in ("network", "disposal") for d in DIMENSIONS]])
    assert scores(np.array([risk(fact(4, dim="physical"))]), "medium", known, W).covered[0, 3]


FACTS = st.lists(st.builds(
    Fact, st.uuids().map(str), st.integers(0, 6), st.integers(0, 100), st.integers(0, K - 2),
    st.integers(AT - 2000 * HOUR, AT), st.integers(AT - 200 * HOUR, AT + HOUR),
    st.sampled_from([NEVER, AT - HOUR]), st.sampled_from([NEVER, AT - 5 * HOUR]),
), max_size=40)  # fmt: skip


@given(FACTS, st.sampled_from(["small", "medium", "large"]), st.booleans())
def test_the_points_of_all_alerts_sum_to_the_index(facts, size, few):
    known = np.array([[not few or d == "disposal" for d in DIMENSIONS]])
    f = columns(facts, 1.3, W)
    s = scores(risks(f, np.array([AT]), W), size, known, W)
    given_points = points(f, AT, s, W)
    assert math.isclose(sum(p for _, _, p in given_points), s.index[0], abs_tol=1e-9)
    assert all(p >= 0 for _, _, p in given_points) and 0 <= s.index[0] <= 100


@given(FACTS, FACTS)
def test_more_alerts_of_the_same_sources_never_make_it_better(facts, more):
    assert index(*facts, *more) >= index(*facts) - 1e-9


@given(FACTS)
def test_the_order_in_which_alerts_come_changes_nothing(facts):
    assert risk(*facts) == risk(*reversed(facts))


def test_many_times_at_once_are_the_same_as_one_at_a_time():
    r = np.random.default_rng(1)
    facts = [fact(int(s), id=f"{i}", age=int(a), began=AT - 90 * HOUR, handled=NEVER)
             for i, (s, a) in enumerate(zip(r.integers(2, 7, 500), r.integers(0, 80, 500), strict=True))]  # fmt: skip
    f, times = columns(facts, 1.0, W), AT - HOUR * np.arange(72)
    together = risks(f, times, W)
    assert np.allclose(together, np.vstack([risks(f, times[i : i + 1], W) for i in range(72)]), rtol=1e-12)


def test_peers_tell_who_stands_out_among_organisations_of_its_size():
    assert peer_score(1000.0, [1.0, 2.0, 1.0, 2.0, 1000.0]) == pytest.approx(2.0, abs=0.1)
    assert peer_score(1.0, [1.0] * 10) is None and peer_score(5.0, [1.0, 5.0]) is None
