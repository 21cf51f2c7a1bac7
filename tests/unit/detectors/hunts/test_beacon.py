"""The beacon hunt over stored events: what counts, what is told, and that it is a function of the rows alone."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from detectors.base import WindowHunt
from detectors.hunts import window_hunts
from detectors.sample_events import EPOCH_US
from fengsui.config import Settings
from fengsui.finding import HOUR_US, Conclusion
from tests.unit.detectors.hunts.bench import RULES, Bench

Hunts = Callable[[str], WindowHunt]
MINUTES = [60.0 * i for i in range(24 * 60)]


def told(bench: Bench, hunts: Hunts, hour: int) -> dict[str, Conclusion]:
    """Beacons of the window of ``hour``, by destination."""
    return {c.explanation["dst"]: c for rule, c in bench.run(hunts("beacon"), hour) if rule == "beacon"}


def test_a_call_every_minute_is_a_beacon(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES, bytes=500)
    bench.put()
    c = told(bench, hunt, 23)["203.0.113.7"]
    e = c.explanation
    assert (e["connections"], e["score"], e["ts"], e["ds"], e["dur"], e["hist"]) == (1440, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert e["intervals"] == {"q1": 60.0, "q2": 60.0, "q3": 60.0, "mad": 0.0}
    assert sum(e["bars"]) == 1440
    assert (c.severity, c.subject, c.group) == (5, "host:10.0.0.5", "host:10.0.0.5 host:203.0.113.7")
    assert set(c.hours.values()) == {60}
    assert len(c.evidence) == 20
    assert c.filter == {"kind": "flow", "where": {"src_ip": "10.0.0.5", "dst_ip": "203.0.113.7"}}
    assert (c.first_seen, c.last_seen) == (EPOCH_US, EPOCH_US + 1439 * 60_000_000)


def test_calls_at_random_times_of_random_sizes_are_not(bench: Bench, hunt: Hunts) -> None:
    r = Random(7)
    for _ in range(60):
        bench.flow(2 * 3600 * r.random() ** 3, bytes=round(1000 * r.paretovariate(1.1)))
    bench.flow(7 * 3600, to="203.0.113.99")
    bench.put()
    assert all(c.severity < 3 for c in told(bench, hunt, 7).values())


def test_a_beacon_is_told_by_its_name_and_not_again_by_its_address(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], bytes=500, sni="C2.example.com")
    bench.put()
    found = told(bench, hunt, 9)
    assert list(found) == ["c2.example.com"]
    c = found["c2.example.com"]
    assert c.related == ("domain:c2.example.com",)
    assert c.filter == {"kind": "tls", "where": {"src_ip": "10.0.0.5", "sni": "c2.example.com"}}
    assert {e.kind for e in c.evidence} == {"tls"}


def test_what_a_proxy_is_asked_to_connect_to_counts_by_its_host(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], to="10.0.0.3", port=3128, bytes=500, method="CONNECT", host="c2.example.com")
    bench.put()
    found = told(bench, hunt, 9)
    assert list(found) == ["c2.example.com"]
    assert found["c2.example.com"].explanation["connections"] == 600


def test_calls_inside_and_calls_to_everyone_are_not_in_scope(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], to="10.0.0.9", bytes=500)
    bench.flows(MINUTES[:600], to="239.255.255.250", bytes=500)
    bench.flows([10, 20], to="203.0.113.1")
    bench.flows(MINUTES[:600], to="203.0.113.2", bytes=500)
    bench.put()
    assert list(told(bench, hunt, 9)) == ["203.0.113.2"]


def test_a_connection_counts_once_with_its_progress_reports(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:300], bytes=500)
    ends = {"src_ip": bytes(10) + b"\xff\xff\x0a\x00\x00\x05", "dst_ip": bytes(10) + b"\xff\xff\xcb\x00\x71\x07"}
    base = {**ends, "src_port": 1, "dst_port": 443, "proto": "tcp", "app": "", "conn_state": "S1", "resp_bytes": 0,
            "orig_pkts": 1, "resp_pkts": 1, "orig_ip_bytes": 580, "resp_ip_bytes": 0, "orig_bytes": 500}  # fmt: skip
    for i in range(300, 400):
        ts = EPOCH_US + i * 60_000_000
        uid = bench.raw("flow", {**base, "ts": ts, "duration": 5.0, "open": True})
        bench.raw("flow", {**base, "ts": ts, "duration": 9.0, "open": True}, uid)
        if i % 2:
            bench.raw("flow", {**base, "ts": ts, "duration": 10.0, "open": False}, uid)
    bench.put()
    c = told(bench, hunt, 6)["203.0.113.7"]
    assert c.explanation["connections"] == 400
    assert sum(c.hours.values()) == 400


def test_requests_without_a_host_are_counted_and_raise(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], port=80, bytes=500, method="GET")
    bench.put()
    e = told(bench, hunt, 9)["203.0.113.7"].explanation
    assert (e["missing_host"], e["modifiers"]) == (600, {"missing_host": 0.1})
    assert e["threat"] == 0.9  # 0.8 and 0.1


def test_what_everyone_calls_counts_less(bench: Bench, hunt: Hunts) -> None:
    for i in range(20):
        bench.flows([3600.0 * h + i for h in range(10)], **{"from": f"10.0.1.{i}"}, bytes=500)
    bench.put()
    found = [c for _, c in bench.run(hunt("beacon"), 9)]
    assert len(found) == 20
    assert all(c.explanation["modifiers"]["prevalence"] == -0.15 for c in found)
    assert {(c.explanation["hosts"], c.explanation["all_hosts"]) for c in found} == {(20, 20)}


@pytest.mark.parametrize(("first_day", "change"), [(33.5, 0.15), (20.5, 0.0), (4.2, -0.15)])
def test_a_new_destination_raises_and_an_old_one_lowers(
    bench: Bench, hunt: Hunts, first_day: float, change: float
) -> None:
    bench.flows([86_400 * (d + 0.5) for d in range(1, 34)], to="203.0.113.1")  # watched from the second day on
    bench.flow(86_400 * first_day)
    bench.flows([86_400 * 34 + t for t in MINUTES[:600]], bytes=500)
    bench.put()
    e = told(bench, hunt, 34 * 24 + 9)["203.0.113.7"].explanation
    assert e["modifiers"].get("first_seen", 0.0) == change


def test_one_old_capture_beside_today_does_not_make_everything_of_today_new(bench: Bench, hunt: Hunts) -> None:
    bench.flow(86_400 * 10.5, to="203.0.113.1")
    bench.flows([86_400 * 34 + t for t in MINUTES[:600]], bytes=500)
    bench.put()
    assert "first_seen" not in told(bench, hunt, 34 * 24 + 9)["203.0.113.7"].explanation["modifiers"]


def test_a_short_capture_says_less(bench: Bench, hunt: Hunts) -> None:
    bench.flows([2.0 * i for i in range(300)], bytes=500)
    bench.put()
    c = told(bench, hunt, 0)["203.0.113.7"]
    assert (c.explanation["score"], c.explanation["modifiers"], c.severity) == (1.0, {"short": -0.3}, 3)


def test_where_no_address_is_known_to_be_inside_beacons_stay_below_the_line(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], **{"from": "198.51.100.5"}, bytes=500)
    bench.put()
    c = told(bench, hunt, 9)["203.0.113.7"]
    assert (c.explanation["sides"], c.severity) == ("unknown", 2)
    mine = next(h for h in window_hunts(RULES, Settings(local_networks=("198.51.100.0/24",))) if h.name == "beacon")
    (known,) = [c for _, c in bench.run(mine, 9)]
    assert (known.explanation["sides"], known.severity) == ("known", 5)


def test_more_than_a_call_a_second_is_a_strobe(bench: Bench, hunt: Hunts) -> None:
    bench.flows([i * 0.25 for i in range(86_400)], bytes=500)
    bench.put()
    ((rule, c),) = bench.run(hunt("beacon"), 5)
    assert (rule, c.severity, c.explanation["connections"]) == ("strobe", 5, 86_400)


def test_a_window_whose_newest_call_lies_in_an_earlier_hour_says_nothing(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], bytes=500)
    bench.flow(11 * 3600, to="10.0.0.9")
    bench.put()
    assert told(bench, hunt, 9)
    assert not told(bench, hunt, 11)


def test_results_do_not_depend_on_the_order_or_time_of_arrival(bench: Bench, memory: object, hunt: Hunts) -> None:
    other = Bench(bench.store)
    r = Random(3)
    events = [(60.0 * i + r.uniform(-5, 5) + 10, 400 + r.randrange(300)) for i in range(500)]
    for at, size in events:
        bench.flow(at, bytes=size)
    bench.put()
    shuffled = r.sample(events, len(events))
    for part in (shuffled[:200], shuffled[200:210], shuffled[210:]):
        for at, size in part:
            other.flow(at, bytes=size)
        other.put(read_at=EPOCH_US + r.randrange(900, 2000) * HOUR_US)
    for hour in (3, 8):
        one, two = told(bench, hunt, hour), told(other, hunt, hour)
        assert one
        assert {d: (c.explanation, c.hours, c.severity) for d, c in one.items()} == {
            d: (c.explanation, c.hours, c.severity) for d, c in two.items()
        }


def test_other_organisations_and_rows_outside_the_window_change_nothing(bench: Bench, hunt: Hunts) -> None:
    bench.flows(MINUTES[:600], bytes=500)
    bench.put()
    before = told(bench, hunt, 9)["203.0.113.7"]
    stranger = Bench(bench.store)
    stranger.flows([t + 7 for t in MINUTES[:600]], bytes=90_000)
    stranger.put()
    bench.flows([10 * 3600 + 1.0, 40 * 3600.0], bytes=90_000)
    bench.put()
    assert told(bench, hunt, 9)["203.0.113.7"] == before
