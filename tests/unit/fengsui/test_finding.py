"""Findings: from conclusions to rows and back."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from fengsui.finding import (
    ADDED,
    EMPTY,
    MAX_EVIDENCE,
    RESULT,
    WITHDRAW,
    Conclusion,
    Detection,
    Evidence,
    Rule,
    Window,
    added,
    from_batch,
    hour,
    microseconds,
    result,
    to_batch,
    withdraw,
)
from fengsui.schema import FINDING
from tests.conftest import DAY, HOUR

RULE = Rule("scan", "v1", "attack/scanning", techniques=("T1046",), line=3)
WINDOW = Window(DAY - 3 * HOUR, DAY + HOUR)


def concluded(subject: str = "host:192.0.2.1", severity: int = 4, **changes: object) -> Conclusion:
    values = {"arguments": {"n": 3}, "explanation": {"ports": 3}, "first_seen": DAY + 1, "last_seen": DAY + HOUR + 7,
              "hours": {DAY + HOUR: 1, DAY: 2}, "confidence": 80}  # fmt: skip
    return Conclusion(subject, severity, **values | changes)


def detected(**changes: object) -> Detection:
    return Detection(RULE, "org", "net", concluded(**{"origin": "o", "unit": "message 1"} | changes))


def test_findings_of_every_form_come_back_from_a_batch_as_they_went_in():
    evidence = (Evidence("flow", DAY + 1, bytes(range(16))),)
    findings = [
        added(detected(related=("host:192.0.2.2",), evidence=evidence, filter={"src": "192.0.2.1"}), "d"),
        *result(RULE, "d", "org", "net", WINDOW, 7, [concluded(), concluded("host:192.0.2.3", 2)]),
        *result(RULE, "d", "org", "net", WINDOW, 8, []),
        withdraw("d", "org", "net", "o"),
    ]
    assert [f.form for f in findings] == [ADDED, RESULT, RESULT, EMPTY, WITHDRAW]
    assert from_batch(to_batch(findings)) == findings
    assert from_batch(to_batch([])) == []


def test_a_finding_says_what_was_concluded():
    f = added(detected(evidence=(Evidence("flow", DAY, bytes(16)),)), "d")
    assert (f.rule, f.org, f.network, f.subject, f.severity, f.queued) == ("scan", "org", "net", "host:192.0.2.1", 4,
                                                                          True)  # fmt: skip
    assert f.group == f.subject
    assert msgspec.json.decode(f.summary) == ["scan", {"n": 3}]
    assert (f.hours, f.hour_counts) == ((DAY, DAY + HOUR), (2, 1))
    assert Evidence.parse(f.evidence[0]) == Evidence("flow", DAY, bytes(16))


def test_below_its_rules_line_a_finding_stays_out_of_the_queue():
    assert [added(detected(severity=s), "d").queued for s in (2, 3)] == [False, True]


def test_the_same_conclusion_of_the_same_message_has_the_same_id_and_of_another_it_has_not():
    one = added(detected(), "d").finding_id
    assert added(detected(explanation={"ports": 9}), "d").finding_id == one
    others = [added(detected(**c), "d").finding_id for c in (
        {"unit": "message 2"}, {"origin": "p"}, {"subject": "host:192.0.2.9"}, {"group": "g"})]  # fmt: skip
    assert len({one, *others}) == 5


def test_a_result_carries_window_and_version_and_without_findings_one_row_says_so():
    found = result(RULE, "d", "org", "net", WINDOW, 7, [concluded()])
    assert [(f.form, f.window_start, f.window_end, f.result_version) for f in found] == [
        (RESULT, WINDOW.start, WINDOW.end, 7)]  # fmt: skip
    (empty,) = result(RULE, "d", "org", "net", WINDOW, 8, [])
    assert (empty.form, empty.rule, empty.window_start, empty.result_version) == (EMPTY, "scan", WINDOW.start, 8)
    later = result(RULE, "d", "org", "net", Window(DAY, DAY + 4 * HOUR), 7, [concluded()])
    assert later[0].finding_id != found[0].finding_id


def test_evidence_is_bounded():
    many = tuple(Evidence("flow", DAY + i, bytes([i]) * 16) for i in range(50))
    assert len(added(detected(evidence=many), "d").evidence) == MAX_EVIDENCE


@pytest.mark.parametrize("letter", ["a", "好", "\0", '"'], ids=["plain", "wide", "nul", "quote"])
def test_text_of_an_attacker_is_cut_so_that_what_is_left_is_still_json(letter: str):
    uri = letter * 9000
    long = added(detected(arguments={"uri": uri, "n": 5}, explanation={"uris": [uri] * 90, "n": 5, "deep": {"u": uri}},
                          filter={"uri": uri}), "d")  # fmt: skip
    (f,) = from_batch(to_batch([long]))
    assert f == long
    rule, arguments = msgspec.json.decode(f.summary)
    assert (rule, arguments["n"]) == ("scan", 5)
    assert uri.startswith(arguments["uri"])
    assert len(arguments["uri"]) > 100
    explanation = msgspec.json.decode(f.explanation)
    assert explanation["n"] == 5
    assert uri.startswith(explanation["uris"][0])
    assert f.filter == ""
    assert all(len(getattr(f, name).encode()) <= FINDING.column(name).cap for name in ("summary", "explanation"))


def test_microseconds_are_exact_and_hours_are_floors():
    for us in (DAY + 1, DAY + 999_999, DAY + 123_457, 253_402_300_799_999_999, 1):
        assert microseconds(datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)) == us
    assert hour(DAY + HOUR - 1) == DAY
    assert hour(-1) == -HOUR
