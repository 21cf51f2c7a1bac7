"""Windows at once, one by one and in any runs: a hunt says the same of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from detectors.base import WindowHunt
from detectors.hunts import window_hunts
from detectors.roles import MAX_ROWS, chunks
from detectors.sample_events import EPOCH_US
from fengsui.config import Settings
from fengsui.finding import HOUR_US, Conclusion, Window
from fengsui.store.chdb import ChdbStore
from tests.unit.detectors.hunts.bench import RULES, Bench

HOURS = 58
Told = dict[Window, list[tuple[str, Conclusion]]]
NAMES = [h.name for h in window_hunts(RULES, Settings())]
ASKED_OF_ALL = {"beacon"}
"""Hunts that are worth a run on any network."""
RAW = {"src_ip": bytes(10) + b"\xff\xff\x0a\x00\x00\x07", "dst_ip": bytes(10) + b"\xff\xff\xcb\x00\x71\x63",
       "dst_port": 443, "proto": "tcp", "conn_state": "S1", "orig_pkts": 2, "resp_pkts": 2}  # fmt: skip


@pytest.fixture(scope="module")
def stories() -> object:
    store = ChdbStore(None)
    store.migrate()
    bench, r = Bench(store), Random(11)
    beacons(bench, r)
    others(bench, r)
    bench.put()
    reports(bench, r)
    bench.put()
    rest(bench, r)
    yield bench
    store.close()


def beacons(bench: Bench, r: Random) -> None:
    """To an address, a name at two addresses, through a proxy, by many hosts; a strobe; and what is no beacon."""
    hour = 3600.0
    bench.flows([300.0 * i + r.uniform(0, 9) for i in range(40 * 12)], bytes=400)
    named = {"from": "10.0.0.8", "sni": "c2.example.com"}
    bench.flows([2 * hour + 600 * i for i in range(45 * 6)], to="203.0.113.40", bytes=700, **named)
    bench.flows([20 * hour + 600 * i + 50 for i in range(90)], to="203.0.113.41", bytes=700, **named)
    proxy = {"from": "10.0.0.9", "to": "10.0.0.3", "port": 3128, "method": "CONNECT", "host": "relay.example.org"}
    bench.flows([5 * hour + 900 * i for i in range(150)], bytes=500, **proxy)
    for i in range(14):
        many = {"from": f"10.0.1.{i}", "to": "203.0.113.50", "port": 80, "method": "GET"}
        bench.flows([hour * h + i for h in range(i, 40)], bytes=300, **many)
    bench.flows([0.9 * i + 30 * hour for i in range(3000)], to="203.0.113.60", bytes=10)
    for _ in range(400):
        bench.flow(HOURS * hour * r.random(), to=f"198.51.100.{r.randrange(30)}", bytes=r.paretovariate(1) * 500)


def others(bench: Bench, r: Random) -> None:
    """Scans, guessing, uploads, long connections and tunnels, each across the edges of hours and windows."""
    syn = {"bytes": 0, "answer": 0, "state": "S0", "packets": 1, "answers": 0}
    for i in range(260):
        bench.flow(7 * 3600 + 70.0 * i, to=f"10.0.2.{i % 250}", port=445, **syn)
        bench.flow(9 * 3600 + 60.0 * i, **{"from": "198.51.100.77"}, to="10.0.0.20", port=1000 + i, **syn)
        bench.flow(9 * 3600 + 60.0 * i, to="10.0.2.9", port=445, bytes=90, answer=90)
        guess = {"from": f"10.0.0.{30 + i % 2}", "to": f"10.0.3.{i % 3}", "port": 22}
        bench.flow(26 * 3600 + 40.0 * i, bytes=1800, answer=2300 + i % 7, seconds=2, **guess)
    for i in range(12):
        bench.flow(11 * 3600 + 1500.0 * i, to="203.0.113.70", bytes=3e8 + i, answer=1000, seconds=900.123)
        bench.flow(3600.0 * (3 + 4 * i), to="203.0.113.71", bytes=100, answer=90, seconds=1800 + i / 3)
    for i in range(900):
        at = 6 * 3600 + 120.0 * i
        bench.dns(at, query=f"{i * 7919:040x}.t.example.com.cn", type="TXT", answers=["TXT 3 abc"])
        bench.dns(at + 1, query=f"H{i % 600}.wide.example.net", answers=["203.0.113.71", "2001:db8::1"])
        bench.dns(at + 2, query=f"www{r.randrange(40)}.plain.example", answers=[f"198.51.100.{i % 30}"])


def reports(bench: Bench, r: Random) -> None:
    """Flows reported while open: some ended since, some not."""
    for i in range(120):
        row = {**RAW, "ts": EPOCH_US + round((4 * 3600 + 700 * i) * 1e6), "orig_ip_bytes": 900, "orig_bytes": 800}
        uid = bench.raw("flow", {**row, "duration": 100.0, "open": True})
        bench.raw("flow", {**row, "duration": 250.0 + r.random(), "open": True}, uid)
        if i % 3:
            bench.raw("flow", {**row, "duration": 400.0, "open": False}, uid)


def rest(bench: Bench, r: Random) -> None:
    """What came later, with clocks that were right and with one that runs ahead."""
    bench.flows([300.0 * i + 100 for i in range(50, 300)], bytes=400)
    bench.put()
    bench.flows([300.0 * i + 200 for i in range(500)], to="203.0.113.90", bytes=400)
    bench.put(read_at=EPOCH_US + HOUR_US)  # nearly all of these are ahead


def told(bench: Bench, hunt: WindowHunt, windows: Sequence[Window]) -> Told:
    found = list(hunt.run(bench.store.query, bench.org, "default", windows))
    assert [w for w, _ in found] == list(windows)
    return {w: [(rule.id, c) for rule, c in mine] for w, mine in found}


def grid(hunt: WindowHunt, last: int = HOURS) -> list[Window]:
    ends = [EPOCH_US + h * HOUR_US for h in range(last + 2)]
    return [Window(h - hunt.hours * HOUR_US, h + HOUR_US) for h in ends]


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_told_the_same_however_they_come_together(
    stories: Bench, hunt: Callable[[str], WindowHunt], name: str
) -> None:
    windows = grid(hunt(name))
    together = told(stories, hunt(name), windows)
    full = [w for w in windows if together[w]]
    assert len(full) > 3, "a hunt that finds nothing proves nothing"
    r = Random(name)
    for w in [*r.sample(windows, 6), *r.sample(full, 4)]:
        assert told(stories, hunt(name), [w]) == {w: together[w]}
    for _ in range(2):
        some = sorted(r.sample(windows, r.randrange(2, len(windows))), key=lambda w: w.end)
        cut = r.randrange(1, len(some))
        assert told(stories, hunt(name), some[:cut]) | told(stories, hunt(name), some[cut:]) == {
            w: together[w] for w in some
        }


def test_a_network_whose_own_addresses_are_unknown_for_some_hours_only(memory: ChdbStore) -> None:
    bench = Bench(memory)
    bench.flows([60.0 * i for i in range(30 * 60)], **{"from": "198.51.100.5"}, bytes=500)
    bench.flows([33 * 3600 + 60.0 * i for i in range(20 * 60)], bytes=500)
    bench.put()
    beacon = next(h for h in window_hunts(RULES, Settings()) if h.name == "beacon")
    windows = grid(beacon)
    together = told(bench, beacon, windows)
    assert {c.explanation["sides"] for found in together.values() for _, c in found} == {"known", "unknown"}
    for w in windows[::5]:
        assert told(bench, beacon, [w]) == {w: together[w]}


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_worth_a_run_wherever_one_would_find_something(
    stories: Bench, hunt: Callable[[str], WindowHunt], name: str
) -> None:
    site, windows = (stories.org, "default"), grid(hunt(name))
    sites = [("nobody", "default"), site, (stories.org, "other")]

    def worth(span: Window) -> bool:
        return site in hunt(name).worth(stories.store.query, sites, span)

    full = [w for w, found in told(stories, hunt(name), windows).items() if found]
    assert len(full) > 3
    assert all(worth(w) for w in full[::4])
    assert worth(Window(windows[0].start, windows[-1].end))
    before = EPOCH_US - 900 * HOUR_US
    assert worth(Window(before, before + 25 * HOUR_US)) == (name in ASKED_OF_ALL)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ASKED_OF_ALL])
def test_a_network_of_a_few_flows_is_not_worth_a_run(
    memory: ChdbStore, hunt: Callable[[str], WindowHunt], name: str
) -> None:
    bench = Bench(memory)
    bench.flows([60.0 * i for i in range(5)], bytes=500)
    bench.put()
    span = Window(EPOCH_US - HOUR_US, EPOCH_US + HOUR_US)
    assert not hunt(name).worth(bench.store.query, [(bench.org, "default")], span)


@pytest.mark.parametrize("name", NAMES)
def test_no_windows_are_no_answer(stories: Bench, hunt: Callable[[str], WindowHunt], name: str) -> None:
    assert list(hunt(name).run(stories.store.query, stories.org, "default", [])) == []


def test_windows_far_apart_or_with_many_rows_are_not_computed_together() -> None:
    def window(h: int) -> Window:
        return Window((h - 24) * HOUR_US, (h + 1) * HOUR_US)

    near = [window(h) for h in range(50)]
    assert [len(c) for c in chunks(near, {})] == [48, 2]
    assert [len(c) for c in chunks([window(0), window(100)], {})] == [1, 1]
    full = {h * HOUR_US: MAX_ROWS // 50 for h in range(-24, 50)}
    assert [len(c) for c in chunks(near, full)] == [26, 24]  # 50 hours of rows: a window's 25, and 25 more
    over = {h * HOUR_US: MAX_ROWS for h in range(-24, 50)}
    assert [len(c) for c in chunks(near, over)] == [13, 13, 13, 11]  # half of a window's 25 hours more
    first = [window(0), Window(0, 2 * HOUR_US)]
    assert [len(c) for c in chunks(first, {-HOUR_US: 1, HOUR_US: 2 * MAX_ROWS})] == [1, 1]
    assert chunks([], {}) == []
