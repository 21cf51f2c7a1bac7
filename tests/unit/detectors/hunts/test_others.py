"""Long connections, uploads, guessing and tunnels over stored events."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detectors.base import WindowHunt
from detectors.hunts.dns_tunnel import Look, look
from tests.unit.detectors.hunts.bench import Bench

Hunts = Callable[[str], WindowHunt]


@pytest.mark.parametrize(("hours", "severity"), [(0.9, None), (1, 2), (4, 3), (8, 4), (12, 5)])
def test_hours_of_connection_add_up_by_pair(bench: Bench, hunt: Hunts, hours: float, severity: int | None) -> None:
    for i in range(3):
        bench.flow(i * 100, seconds=hours * 1200, bytes=10, answer=10)
    bench.put()
    found = [(c.severity, c.explanation["connections"]) for _, c in bench.run(hunt("long_connection"), 0)]
    assert found == ([] if severity is None else [(severity, 3)])


def test_a_connection_that_is_still_open_is_long_by_its_latest_report(bench: Bench, hunt: Hunts) -> None:
    ends = {"src_ip": bytes(10) + b"\xff\xff\x0a\x00\x00\x05", "dst_ip": bytes(10) + b"\xff\xff\xcb\x00\x71\x07"}
    row = {**ends, "ts": 1_767_571_200_000_000, "proto": "tcp", "dst_port": 443, "open": True}
    uid = bench.raw("flow", {**row, "duration": 3600.0})
    bench.raw("flow", {**row, "duration": 18_000.0}, uid)
    bench.put()
    ((_, c),) = bench.run(hunt("long_connection"), 0)
    assert (c.explanation["seconds"], c.explanation["connections"], c.arguments["hours"]) == (18_000.0, 1, 5.0)


def test_half_a_gigabyte_in_an_hour_is_a_large_upload(bench: Bench, hunt: Hunts) -> None:
    bench.flows([float(i) for i in range(50)], bytes=12_000_000, answer=1000)
    bench.put()
    ((_, c),) = bench.run(hunt("exfiltration"), 0)
    assert (c.explanation["sent"], c.arguments["megabytes"], c.severity) == (600_000_000, 600, 3)


def test_the_same_over_two_hours_is_not(bench: Bench, hunt: Hunts) -> None:
    bench.flows([144.0 * i for i in range(50)], bytes=12_000_000, answer=1000)
    bench.put()
    assert [c.severity for _, c in bench.run(hunt("exfiltration"), 1)] == [2]


def test_a_download_with_its_acknowledgements_is_no_upload(bench: Bench, hunt: Hunts) -> None:
    bench.flow(0, bytes=600_000_000, answer=9_000_000_000)
    bench.put()
    assert bench.run(hunt("exfiltration"), 0) == []


def test_guessing_from_inside_is_one_story_by_service(bench: Bench, hunt: Hunts) -> None:
    for i in range(120):
        bench.flow(i * 3, to=f"10.0.1.{i % 4}", port=22, bytes=1800, answer=2300 + i % 7, seconds=2)
    bench.put()
    ((_, c),) = bench.run(hunt("guessing"), 0)
    assert (c.severity, c.subject, c.group) == (4, "host:10.0.0.5", "host:10.0.0.5 SSH")
    assert (c.arguments["attempts"], c.arguments["targets"]) == (120, 4)
    assert sum(c.hours.values()) == 120


def test_guessing_from_outside_is_one_story_however_many_guess(bench: Bench, hunt: Hunts) -> None:
    for s in range(5):
        for i in range(100 + s):
            bench.flow(i * 3, **{"from": f"203.0.113.{s}"}, to="10.0.0.9", port=22, bytes=1800, answer=2300, seconds=2)
    bench.put()
    ((_, c),) = bench.run(hunt("guessing"), 0)
    assert (c.group, c.arguments["sources"], c.subject) == ("outside SSH", 5, "host:203.0.113.4")
    assert c.severity == 3  # 0.6 for a hundred attempts, 0.2 less from outside


def test_exchanges_of_uneven_size_are_work_not_guessing(bench: Bench, hunt: Hunts) -> None:
    for i in range(120):
        bench.flow(i * 3, to="10.0.0.9", port=22, bytes=1000 + 50 * i, answer=100 * i * i, seconds=2)
    bench.put()
    assert bench.run(hunt("guessing"), 0) == []


def test_a_look_at_names_by_hand() -> None:
    # "ab" and "ab.ba": 2 and 4 characters without dots; four a and... each letter three times: one bit
    assert look(["ab", "ab.ba"]) == Look(length=3.0, entropy=1.0, numeric=0.0)
    assert look(["4.3.2.1.zen", "www"]).numeric == 0.5
    assert look([]) == Look(0.0, 0.0, 0.0)


def test_data_in_names_is_a_tunnel(bench: Bench, hunt: Hunts) -> None:
    for i in range(500):
        bench.dns(i * 2, query=f"{i * 7919:048x}.t.example.com.cn", type="TXT", answers=["TXT 3 abc"])
    bench.put()
    ((_, c),) = bench.run(hunt("dns_tunnel"), 0)
    assert (c.arguments["domain"], c.arguments["names"]) == ("example.com.cn", 500)
    assert c.explanation["modifiers"] == {"odd_types": 0.1, "no_direct_connection": 0.15}
    assert c.severity == 4  # 0.4 for 500 names, and 0.25
    assert c.group == "host:10.0.0.5 domain:example.com.cn"


def test_connections_to_what_the_names_resolve_to_speak_against_a_tunnel(bench: Bench, hunt: Hunts) -> None:
    for i in range(500):
        bench.dns(i * 2, query=f"host{i}.example.com", answers=["203.0.113.7"])
    bench.flow(3, to="203.0.113.7")
    bench.put()
    ((_, c),) = bench.run(hunt("dns_tunnel"), 0)
    assert (c.explanation["direct_connections"], c.explanation["modifiers"]) == (1, {})


@pytest.mark.parametrize("query", ["{i}.0.168.192.in-addr.arpa", "printer{i}.local", "host{i}.com", "host{i}"])
def test_reverse_local_and_registered_names_are_no_subdomains(bench: Bench, hunt: Hunts, query: str) -> None:
    for i in range(300):
        bench.dns(i, query=query.replace("{i}", str(i)))
    bench.put()
    assert bench.run(hunt("dns_tunnel"), 0) == []


def test_hunts_over_an_empty_store_say_nothing(bench: Bench, hunt: Hunts) -> None:
    names = ["beacon", "long_connection", "scan_horizontal", "scan_vertical", "dns_tunnel", "guessing", "exfiltration"]
    assert [bench.run(hunt(n), 0) for n in names] == [[]] * 7
