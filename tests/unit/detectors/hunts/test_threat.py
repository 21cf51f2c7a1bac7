"""From a measure to a severity."""

from __future__ import annotations

import pytest

from detectors.hunts.threat import FirstSeen, Prevalence, Steps, severity, total

STEPS = Steps(base=50, low=70, medium=90, high=100)


@pytest.mark.parametrize(
    ("measure", "threat"),
    [(49.9, 0.0), (50, 0.2), (60, 0.3), (70, 0.4), (80, 0.5), (90, 0.6), (95, 0.7), (100, 0.8), (10_000, 0.8)],
)
def test_threat_is_linear_between_the_steps_and_capped(measure: float, threat: float) -> None:
    assert STEPS.threat(measure) == pytest.approx(threat)


@pytest.mark.parametrize(
    ("threat", "grade"), [(0, 1), (0.199, 1), (0.2, 2), (0.399, 2), (0.4, 3), (0.6, 4), (0.799, 4), (0.8, 5), (1, 5)]
)
def test_severity_follows_the_table(threat: float, grade: int) -> None:
    assert severity(threat) == grade


def test_severity_does_not_fall_through_a_float() -> None:
    assert 0.1 + 0.7 < 0.8
    assert severity(0.1 + 0.7) == 5


def test_modifiers_change_a_threat_but_make_none() -> None:
    assert total(0.5, {"a": 0.15, "b": -0.25}) == 0.4
    assert total(0.0, {"a": 0.15}) == 0.0
    assert total(0.1, {"a": -0.15}) == 0.0
    assert total(0.8, {"a": 0.15, "b": 0.15}) == 1.0


def test_rare_destinations_raise_and_common_ones_lower() -> None:
    p = Prevalence(rare=0.02, common=0.5, change=0.15, least_hosts=10)
    assert [p.modifier(n, 100) for n in (2, 3, 49, 50)] == [0.15, 0.0, 0.0, -0.15]
    assert p.modifier(1, 9) == 0.0  # nine hosts say nothing


def test_new_destinations_raise_only_where_the_memory_is_longer() -> None:
    f = FirstSeen(new_days=7, old_days=30, change=0.15)
    assert [f.modifier(age, 40) for age in (7, 7.1, 29, 30)] == [0.15, 0.0, 0.0, -0.15]
    assert f.modifier(1, 7) == 0.0
    assert f.modifier(None, 40) == 0.0
