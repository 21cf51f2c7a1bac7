"""An alert is a pure function of the findings that hold."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import pytest

from fengsui.finding import ADDED, RESULT, Finding
from situation.alerts import alert_id, alert_of, count
from tests.conftest import DAY, HOUR


def finding(n: int = 0, **changes: object) -> Finding:
    base = Finding(RESULT, "scan", "org", "net", bytes([n]) * 16, "d", subject="host:a", group="host:a", severity=3,
                   confidence=50, queued=True, summary='["scan",{}]', explanation='{"n":1}', first_seen=DAY,
                   last_seen=DAY)  # fmt: skip
    return replace(base, **changes)


def window(n: int, hours: dict[int, int], length: int = 3, **changes: object) -> Finding:
    """The finding of window n, [n - length, n + 1 h), with counts by hour."""
    end = DAY + (n + 1) * HOUR
    times = {"window_start": end - (length + 1) * HOUR, "window_end": end, "last_seen": DAY + max(hours) * HOUR}
    return finding(n, hours=tuple(DAY + h * HOUR for h in hours), hour_counts=tuple(hours.values()), **times, **changes)


def slice_(n: int, *counts: int, **changes: object) -> Finding:
    return finding(n, form=ADDED, hours=tuple(DAY + i * HOUR for i in range(len(counts))), hour_counts=counts,
                   **changes)  # fmt: skip


def test_no_findings_are_no_alert():
    with pytest.raises(ValueError, match="no findings"):
        alert_of([])


def test_what_was_added_adds_up_also_in_the_same_hour():
    assert count([slice_(1, 3, 4), slice_(2, 5)]) == 12


def test_an_hour_that_several_windows_hold_counts_once_from_the_newest():
    older, newer = window(1, {0: 10, 1: 20}), window(2, {1: 25, 2: 30})
    for order in itertools.permutations([older, newer]):
        assert count(order) == 10 + 25 + 30


def test_results_and_added_findings_count_together():
    assert count([window(1, {0: 10}), slice_(2, 7)]) == 17


def test_an_alert_does_not_depend_on_the_order_of_its_findings():
    findings = [window(1, {0: 10}, severity=5), window(2, {1: 3}, related=("host:b",)), window(3, {2: 1})]
    alerts = {alert_of(order) for order in itertools.permutations(findings)}
    assert len(alerts) == 1


def test_it_speaks_with_the_numbers_of_its_newest_window():
    a = alert_of([window(2, {2: 1}, summary='["scan",{"n":2}]'), window(1, {1: 9}, summary='["scan",{"n":1}]')])
    assert msgspec.json.decode(a.summary) == ["scan", {"n": 2}]


def test_it_keeps_the_highest_severity_and_says_when_that_was():
    a = alert_of([window(1, {1: 9}, severity=5, explanation='{"n":9}'), window(2, {2: 1}, explanation='{"n":1}')])
    assert a.severity == 5
    assert msgspec.json.decode(a.explanation) == {"n": 1, "peak": {"severity": 5, "last_seen": DAY + HOUR}}


def test_there_is_no_peak_where_the_newest_is_the_worst():
    a = alert_of([window(1, {1: 9}, severity=3), window(2, {2: 1}, severity=4, explanation='{"n":1}')])
    assert (a.severity, a.explanation) == (4, '{"n":1}')


def test_an_explanation_that_is_no_object_is_kept_beside_the_peak():
    for text in ("[1]", "", '{"n":'):
        a = alert_of([window(1, {1: 9}, severity=5), window(2, {2: 1}, explanation=text)])
        assert msgspec.json.decode(a.explanation)["peak"]["severity"] == 5


def test_it_is_queued_if_any_of_its_findings_is():
    assert alert_of([window(1, {1: 1}, queued=True), window(2, {2: 1}, queued=False)]).queued
    assert not alert_of([window(1, {1: 1}, queued=False), window(2, {2: 1}, queued=False)]).queued


def test_related_subjects_are_named_once_the_newest_first_and_at_most_64():
    many = tuple(f"host:{i}" for i in range(64))
    a = alert_of([window(1, {1: 1}, related=("host:old", "host:1")), window(2, {2: 1}, related=("host:1", "host:new"))])
    assert a.related == ("host:1", "host:new", "host:old")
    assert len(alert_of([window(1, {1: 1}, related=("host:x",)), window(2, {2: 1}, related=many)]).related) == 64


def test_it_lasts_from_the_first_to_the_last_event():
    a = alert_of([window(1, {1: 1}, first_seen=DAY + 5), window(2, {2: 1}, first_seen=DAY + 3)])
    assert (a.first_seen, a.last_seen) == (DAY + 3, DAY + 2 * HOUR)


def test_one_alert_has_one_organisation_network_rule_and_group():
    base = finding()
    others = [replace(base, **{name: "x"}) for name in ("org", "network", "rule", "group")]
    assert len({alert_id(f) for f in [base, *others]}) == 5
    assert alert_id(replace(base, subject="host:b", severity=1, window_start=DAY)) == alert_id(base)
