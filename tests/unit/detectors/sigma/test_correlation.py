"""Correlations of Sigma: counts of events, of values and of rules within a span of time."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sigma.correlation import Correlation, CorrelationHunt, fullest, load_correlations, load_file
from detectors.sigma.loader import documents, load_folder
from fengsui.batch import Identity, build
from fengsui.bus.protocol import Place
from fengsui.errors import BadRule
from fengsui.finding import HOUR_US, Conclusion, Window
from fengsui.schema import EVENTS
from fengsui.store.chdb import ChdbStore

START = 1_700_006_400_000_000
SECOND = 1_000_000
COUNT = iter(range(1, 1_000_000))
BASE = """title: No such name
name: nxdomain
logsource: {category: dns}
detection:
  s: {rcode: NXDOMAIN}
  condition: s
---
title: A text record
name: text
logsource: {category: dns}
detection:
  s: {record_type: TXT}
  condition: s
---
"""
HEAD = "title: Many {of} them\nid: 11111111-2222-4333-8444-555555555556\nlevel: high\ncorrelation:\n"


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    s = ChdbStore(None)
    s.migrate()
    yield s
    s.close()


def correlation(body: str) -> Correlation:
    text = BASE + HEAD + "".join(f"  {line}\n" for line in body.strip().splitlines())
    return load_file(documents(text), Path("c.yml"))


def put(store: ChdbStore, rows: list[tuple[float, str, str, dict[str, Any]]]) -> str:
    """Rows of (seconds, host, name, other columns) as DNS of an organisation of its own."""
    n = next(COUNT)
    columns = {
        "ts": [START + round(at * SECOND) for at, *_ in rows],
        "event_id": [f"{n:08}{i:08}".encode() for i in range(len(rows))],
        "src_ip": [bytes(10) + b"\xff\xff" + ip_address(h).packed for _, h, *_ in rows],
        "dst_ip": [bytes(15) + b"\1"] * len(rows),
        "query": [name for _, _, name, _ in rows],
        "rcode": [more.get("rcode", "NXDOMAIN") for *_, more in rows],
        "qtype": [more.get("qtype", "A") for *_, more in rows],
    }
    org = f"org{n}"
    batch = build(EVENTS["dns"], Identity(org, "net"), columns, len(rows))
    store.insert("dns", batch.rows, Place("events.dns", 0), n, f"m/{n}")
    return org


def run(store: ChdbStore, c: Correlation, org: str, hour: int = 0) -> dict[str, Conclusion]:
    hunt = CorrelationHunt(c)
    window = Window(START + (hour - hunt.hours) * HOUR_US, START + (hour + 1) * HOUR_US)
    return {found.subject: found for _, found in hunt.window(store.query, org, "net", window)}


EVENTS_3 = "type: event_count\nrules: [nxdomain]\ngroup-by: [src_ip]\ntimespan: 10s\ncondition: {gte: 3}"


def test_enough_events_of_one_group_within_the_span_are_a_conclusion(store: ChdbStore) -> None:
    rows = [(t, "10.0.0.1", "a", {}) for t in (0, 100, 104, 110)]  # three within ten seconds, wherever they begin
    rows += [(t, "10.0.0.2", "a", {}) for t in (0, 5.1, 10.2)]  # three, in a little more
    rows += [(t, "10.0.0.3", "a", {"rcode": "NOERROR"}) for t in (0, 1, 2)]
    rows += [(0, f"10.0.1.{i}", "a", {}) for i in range(5)]  # enough, but of nobody
    found = run(store, c := correlation(EVENTS_3), put(store, rows))
    assert list(found) == ["host:10.0.0.1"]
    one = found["host:10.0.0.1"]
    assert (one.first_seen, one.last_seen) == (START + 100 * SECOND, START + 110 * SECOND)
    assert one.severity == 4 and len(one.evidence) == 3 and one.hours == {START: 3}
    assert c.rule.text["en"].format(**one.arguments) == "Many {of} them: src_ip=10.0.0.1, 3 ≥ 3 / 10 s"


def test_different_values_are_counted_and_not_their_repeats(store: ChdbStore) -> None:
    c = correlation(
        "type: value_count\nrules: [nxdomain]\ngroup-by: [src_ip]\ntimespan: 1m\ncondition: {gt: 2, field: query}"
    )
    rows = [(i, "10.0.0.1", f"n{i % 2}", {}) for i in range(50)]
    rows += [(i, "10.0.0.2", f"n{i}", {}) for i in range(3)]
    rows += [(i * 40, "10.0.0.3", f"n{i}", {}) for i in range(3)]
    assert list(run(store, c, put(store, rows))) == ["host:10.0.0.2"]


def test_all_rules_within_the_span_in_any_order(store: ChdbStore) -> None:
    c = correlation("type: temporal\nrules: [nxdomain, text]\ngroup-by: [src_ip]\ntimespan: 1m")
    text = {"qtype": "TXT", "rcode": "NOERROR"}
    rows = [
        (0, "10.0.0.1", "a", text),
        (30, "10.0.0.1", "b", {}),
        (0, "10.0.0.2", "a", text),
        (61, "10.0.0.2", "b", {}),
        (0, "10.0.0.3", "a", {}),
        (1, "10.0.0.3", "b", {}),
    ]
    assert list(run(store, c, put(store, rows))) == ["host:10.0.0.1"]


def test_a_span_over_hours_looks_back_as_far_as_it_is_long(store: ChdbStore) -> None:
    c = correlation(EVENTS_3.replace("10s", "3h"))
    assert CorrelationHunt(c).hours == 3
    org = put(store, [(h * 3600, "10.0.0.1", "a", {}) for h in (0, 1, 2.9)])
    assert [bool(run(store, c, org, h)) for h in range(7)] == [False, False, True, True, False, False, False]


def test_without_a_group_the_whole_network_is_counted(store: ChdbStore) -> None:
    org = put(store, [(0, f"10.0.0.{i}", "a", {}) for i in range(3)])
    assert list(run(store, correlation(EVENTS_3.replace("group-by: [src_ip]\n", "")), org)) == [f"org:{org}"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("event_count", "temporal_ordered"), "temporal_ordered"),
        (("gte: 3", "lt: 3"), "gt or gte"),
        (("[nxdomain]", "[other]"), "rule other"),
        (("src_ip", "User"), "field User"),
        (("10s", "10 parsecs"), "Timespan"),
        (("event_count", "count_all"), "count_all"),
        (("timespan", "generate: true\ntimespan"), "generate"),
    ],
)
def test_a_correlation_that_cannot_be_used_is_refused(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(BadRule) as caught:
        correlation(EVENTS_3.replace(*change))
    assert reason in caught.value.reason and caught.value.line is not None and caught.value.line > 14


def test_a_file_with_a_correlation_is_not_read_as_single_rules(tmp_path: Path) -> None:
    body = "".join(f"  {line}\n" for line in EVENTS_3.splitlines())
    (tmp_path / "c.yml").write_text(BASE + HEAD + body)
    assert load_folder(tmp_path) == [] and len(load_correlations(tmp_path)) == 1
    (tmp_path / "d.yml").write_text(BASE + HEAD + body)
    with pytest.raises(BadRule, match="is also the id of"):
        load_correlations(tmp_path)


@settings(deadline=None)  # compiled at the first call
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), min_size=1, max_size=25), st.integers(0, 12))
def test_the_fullest_span_is_the_fullest_by_trying_each(rows: list[tuple[int, int]], span: int) -> None:
    rows.sort()
    times, codes = np.array([t for t, _ in rows]), np.array([c for _, c in rows])
    best, begin, end = fullest(times, codes, span)
    tried = [len({c for t, c in rows if first <= t <= first + span}) for first, _ in rows]
    assert best == max(tried) == len(set(codes[begin:end])) and times[end - 1] - times[begin] <= span
