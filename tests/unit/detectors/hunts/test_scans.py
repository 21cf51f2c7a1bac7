"""Scans: what is tried in vain, by whom; and ordinary clients and servers beside it."""

from __future__ import annotations

from collections.abc import Callable

from detectors.base import WindowHunt
from detectors.hunts.networks import Networks
from detectors.hunts.scans import OUTSIDE, Thresholds, Vain, score
from detectors.hunts.threat import Steps
from tests.unit.detectors.hunts.bench import Bench

Hunts = Callable[[str], WindowHunt]
SYN = {"bytes": 0, "answer": 0, "state": "S0", "packets": 1, "answers": 0}
REFUSED = {"bytes": 0, "answer": 0, "state": "REJ", "packets": 1, "answers": 1}
T = Thresholds(tried=Steps(6, 25, 100, 1000), vain=Vain(0.5, 0.9), outside=-0.2)
OURS, THEIRS = bytes(10) + b"\xff\xff\x0a\x00\x00\x05", bytes(10) + b"\xff\xff\xc6\x33\x64\x05"


def row(tried: int, src: bytes = OURS, port: int = 445) -> dict[str, object]:
    return {"src": src, "proto": "tcp", "port": port, "tried": tried, "attempts": tried}


def test_vain_attempts_weigh_by_their_share() -> None:
    v = Vain(none=0.5, full=0.9)
    # 7 of 10 in vain: (0.7 - 0.5) / 0.4
    assert [round(v.weight(*n), 6) for n in ((10, 0), (9, 1), (7, 3), (5, 5), (1, 9))] == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_the_threat_grows_with_what_is_tried_and_shrinks_with_what_answers() -> None:
    answers = [{"src": OURS, "proto": "tcp", "port": 80, "answered": 30}]
    (story,) = score(
        [row(100), row(70, port=80), row(5, port=22)], answers, "port", T, Networks.of(["10.0.0.0/8"])
    ).values()
    # 70 lie between 25 and 100: 0.4 + 0.2 * 45 / 75 = 0.52, and count half; 5 are below the lowest step
    assert [(p["port"], p["threat"]) for p in story] == [(445, 0.6), (80, 0.26)]


def test_sources_outside_are_one_story_and_count_less() -> None:
    other = bytes(10) + b"\xff\xff\xc6\x33\x64\x09"
    stories = score([row(100, THEIRS), row(1000, other), row(100)], [], "port", T, Networks.of(["10.0.0.0/8"]))
    assert [(p["src"], p["threat"]) for p in stories[OUTSIDE]] == [(other, 0.6), (THEIRS, 0.4)]
    assert [p["threat"] for p in stories[OURS]] == [0.6]


def test_one_port_of_many_hosts_is_a_horizontal_scan_and_one_story(bench: Bench, hunt: Hunts) -> None:
    for port in (445, 3389):
        for i in range(120):
            bench.flow(i * 0.5, to=f"10.0.2.{i}", port=port, **SYN)
    bench.put()
    ((rule, c),) = bench.run(hunt("scan_horizontal"), 0)
    assert (rule, c.subject, c.severity) == ("scan_horizontal", "host:10.0.0.5", 4)
    assert [(p["port"], p["tried"]) for p in c.explanation["parts"]] == [(445, 120), (3389, 120)]
    assert sum(c.hours.values()) == 240
    assert len(c.evidence) == 20
    assert bench.run(hunt("scan_vertical"), 0) == []


def test_many_ports_of_one_host_are_a_vertical_scan(bench: Bench, hunt: Hunts) -> None:
    for port in range(1, 201):
        bench.flow(port * 0.1, to="10.0.0.9", port=port, **REFUSED)
    bench.flow(30, to="10.0.0.9", port=443, bytes=100, answer=100)
    bench.put()
    ((_, c),) = bench.run(hunt("scan_vertical"), 0)
    assert (c.arguments["tried"], c.arguments["dst"], c.explanation["answered"], c.severity) == (200, "10.0.0.9", 1, 4)
    assert c.related == ("host:10.0.0.9",)
    assert bench.run(hunt("scan_horizontal"), 0) == []


def test_half_open_probes_of_open_ports_count(bench: Bench, hunt: Hunts) -> None:
    for i in range(120):
        bench.flow(i, to=f"10.0.2.{i}", port=22, bytes=0, answer=0, state="RSTO", packets=2, answers=1)
    bench.put()
    assert [c.arguments["tried"] for _, c in bench.run(hunt("scan_horizontal"), 0)] == [120]


def test_a_ping_sweep_counts_the_answered_too_but_stays_medium(bench: Bench, hunt: Hunts) -> None:
    for i in range(150):
        bench.flow(i, to=f"10.0.2.{i}", proto="icmp", source_port=8, port=0, bytes=56, answer=56, packets=1, answers=1)
    bench.put()
    ((_, c),) = bench.run(hunt("scan_horizontal"), 0)
    assert (c.arguments["proto"], c.arguments["tried"], c.severity) == ("icmp", 150, 3)


def test_a_proxy_that_measures_its_way_to_servers_outside_is_no_sweep(bench: Bench, hunt: Hunts) -> None:
    for i in range(150):
        bench.flow(i, to=f"198.51.100.{i}", proto="icmp", source_port=8, port=0, bytes=56, answer=56, packets=1)
    bench.put()
    assert bench.run(hunt("scan_horizontal"), 0) == []


def test_pinging_the_same_hosts_for_long_is_no_sweep(bench: Bench, hunt: Hunts) -> None:
    for i in range(150):
        bench.flow(i, to=f"10.0.2.{i}", proto="icmp", source_port=8, port=0, bytes=5600, answer=5600, packets=100)
    bench.put()
    assert bench.run(hunt("scan_horizontal"), 0) == []


def test_a_resolver_that_most_servers_answer_is_no_scanner(bench: Bench, hunt: Hunts) -> None:
    for i in range(200):
        dead = {"answer": 0, "state": "S0", "answers": 0} if i % 4 == 0 else {"answer": 300}
        bench.flow(i, to=f"198.51.100.{i}", port=53, proto="udp", bytes=60, **dead)
    bench.put()
    assert bench.run(hunt("scan_horizontal"), 0) == []


def test_answers_of_a_service_seen_alone_are_no_scan(bench: Bench, hunt: Hunts) -> None:
    for i in range(300):
        bench.flow(i, **{"from": "10.0.0.53"}, to="10.0.0.9", source_port=53, port=20_000 + i, proto="udp", bytes=200,
                   answer=0, state="S0", answers=0)  # fmt: skip
    bench.put()
    assert bench.run(hunt("scan_vertical"), 0) == []


def test_announcements_to_everyone_are_no_scan(bench: Bench, hunt: Hunts) -> None:
    for i in range(200):
        bench.flow(i, to=f"239.255.1.{i}", port=1900, proto="udp", bytes=100, answer=0, state="S0", answers=0)
    bench.put()
    assert bench.run(hunt("scan_horizontal"), 0) == []
