"""Indicators against stored rows, beside a comparison of each row with each indicator in Python."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.base import Slice
from detectors.intel import table
from detectors.intel.hunt import IntelHunt
from fengsui.batch import Identity, build
from fengsui.bus.protocol import Place
from fengsui.finding import Conclusion
from fengsui.schema import EVENTS
from fengsui.store.chdb import ChdbStore

START = 1_700_006_400_000_000
COUNT = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    s = ChdbStore(None)
    s.migrate()
    s.command(table.ddl())
    yield s
    s.close()


def packed(text: str) -> bytes:
    a = ip_address(text)
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


def put(store: ChdbStore, kind: str, rows: list[dict[str, Any]], *, org: str = "org") -> Slice:
    offset = next(COUNT)
    columns: dict[str, list[Any]] = {
        "ts": [START + i for i in range(len(rows))], "event_id": [f"{i:016}".encode() for i in range(len(rows))],
        "src_ip": [packed(r.get("src", "10.0.0.5")) for r in rows],
        "dst_ip": [packed(r.get("dst", "10.0.0.6")) for r in rows],
    }  # fmt: skip
    for name in {n for r in rows for n in r} - {"src", "dst"}:
        columns[name] = [r[name] for r in rows]
    batch = build(EVENTS[kind], Identity(org, "net", "s", "capture"), columns, len(rows))
    store.insert(kind, batch.rows, Place(f"events.{kind}", 0), offset, f"m/{offset}")
    return Slice.of(kind, org, "net", f"events.{kind}", 0, (offset,), START, START + len(rows))


def hunt(store: ChdbStore, folder: Path, lines: list[str]) -> IntelHunt:
    path = folder / f"list{next(COUNT)}.txt"
    path.write_text("\n".join(lines))
    file = table.read(path)
    assert not file.parsed.bad and not file.parsed.guarded
    table.load([file], store.query, store.load, START)
    return IntelHunt(file.listed)


def run(store: ChdbStore, h: IntelHunt, part: Slice) -> dict[str, Conclusion]:
    return {d.conclusion.subject: d.conclusion for d in h.run(store.query, part)}


def rows_of(c: Conclusion) -> list[int]:
    return sorted(int(e.event_id) for e in c.evidence)


def test_a_domain_stands_for_itself_and_its_subdomains_only(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, ["bad.example", "a.b.worse.example"])
    names = [
        "bad.example",
        "BAD.example",
        "x.y.bad.example",
        "notbad.example",
        "bad.example.org",
        "example",
        "b.worse.example",
        "c.a.b.worse.example",
        "",
        ".",
        "bad..example",
        "a" * 60 + ".bad.example",
    ]
    for kind, column in (("dns", "query"), ("tls", "sni"), ("http", "host")):
        found = run(store, h, put(store, kind, [{column: n} for n in names]))
        assert rows_of(found["host:10.0.0.5"]) == [0, 1, 2, 7, 11], kind
        assert found["host:10.0.0.5"].related == ("domain:a.b.worse.example", "domain:bad.example")


def test_a_very_long_name_is_still_found_by_its_parents(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, [".".join("abcdefghij") + ".bad.example", "bad.example"])
    deep = ".".join(["x"] * 110) + ".bad.example"
    found = run(
        store, h, put(store, "dns", [{"query": deep}, {"query": "1.2." + ".".join("abcdefghij") + ".bad.example"}])
    )
    assert rows_of(found["host:10.0.0.5"]) == [0, 1]


def test_addresses_and_nested_networks_match_as_python_says(store: ChdbStore, tmp_path: Path) -> None:
    r = np.random.default_rng(5)
    lines = [
        f"20.{a}.{b}.0/{p}"
        for a, b, p in zip(r.integers(0, 4, 40), r.integers(0, 256, 40), r.integers(12, 31, 40), strict=True)
    ]
    lines += ["20.1.2.3", "2001:db8::/33", "2001:db8::7", "198.51.100.0/24"]
    h = hunt(store, tmp_path, lines)
    addresses = [f"20.{a}.{b}.{c}" for a, b, c in r.integers(0, 6, (300, 3))] + [
        "20.1.2.3",
        "2001:db8::7",
        "2001:db8:8000::1",
        "2001:db8:7fff::1",
        "198.51.100.255",
        "198.51.101.0",
        "::ffff:20.1.2.3",
    ]
    networks = [ip_network(x, strict=False) for x in lines]

    def listed(text: str) -> bool:
        a = ip_address(text)
        a = getattr(a, "ipv4_mapped", None) or a
        return any(a in n for n in networks)

    part = put(store, "flow", [{"dst": a, "src": f"10.1.{i // 200}.{i % 200}"} for i, a in enumerate(addresses)])
    found = run(store, h, part)
    assert sorted(found) == sorted(f"host:10.1.{i // 200}.{i % 200}" for i, a in enumerate(addresses) if listed(a))
    assert 10 < len(found) < len(addresses)


def test_the_most_specific_indicator_is_named(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, ["203.0.113.0/24", "203.0.113.7", "bad.example", "c2.bad.example"])
    assert run(store, h, put(store, "flow", [{"dst": "203.0.113.7"}]))["host:10.0.0.5"].related == ("host:203.0.113.7",)
    named = run(store, h, put(store, "dns", [{"query": "x.c2.bad.example"}]))["host:10.0.0.5"]
    assert named.related == ("domain:c2.bad.example",) and named.explanation["count"] == 1


def test_who_comes_from_outside_is_reported_on_the_host_that_he_came_to(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, ["203.0.113.7"])
    found = run(store, h, put(store, "flow", [{"src": "203.0.113.7", "dst": "10.0.0.80"}]))
    assert list(found) == ["host:10.0.0.80"]
    assert found["host:10.0.0.80"].explanation["hits"][0]["where"] == "source"


def test_answers_are_looked_at_as_names_and_as_addresses(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, ["bad.example", "203.0.113.0/24"])
    rows = [
        {"query": "a.example", "answers": ["x.bad.example", "198.51.100.1"]},
        {"query": "b.example", "answers": ["203.0.113.9"]},
        {"query": "c.example", "answers": []},
        {"query": "d.example", "answers": ["TXT 5 hello", "not an address"]},
    ]
    found = run(store, h, put(store, "dns", rows))["host:10.0.0.5"]
    assert {tuple(x["indicators"]) for x in found.explanation["hits"]} == {("bad.example",), ("203.0.113.0/24",)}
    assert found.related == ("network:203.0.113.0/24", "domain:bad.example") and rows_of(found) == [0, 1]


def test_only_announced_rows_of_the_organisation_are_looked_at(store: ChdbStore, tmp_path: Path) -> None:
    h = hunt(store, tmp_path, ["bad.example"])
    put(store, "dns", [{"query": "bad.example"}])
    put(store, "dns", [{"query": "bad.example"}], org="neighbour")
    part = put(store, "dns", [{"query": "good.example"}, {"query": "bad.example"}])
    found = run(store, h, part)
    assert rows_of(found["host:10.0.0.5"]) == [1] and found["host:10.0.0.5"].unit == f"events.dns/0/{part.offsets[0]}"
    assert sum(found["host:10.0.0.5"].hours.values()) == 1


def test_a_changed_list_is_another_version_and_the_old_one_no_longer_matches(store: ChdbStore, tmp_path: Path) -> None:
    path = tmp_path / "feed.txt"
    path.write_text("old.example\n")
    old = table.read(path)
    path.write_text("new.example\n")
    new = table.read(path)
    table.load([old, new], store.query, store.load, START)
    part = put(store, "dns", [{"query": "old.example"}, {"query": "new.example"}])
    assert rows_of(run(store, IntelHunt(new.listed), part)["host:10.0.0.5"]) == [1]
    assert IntelHunt(old.listed).rule.version != IntelHunt(new.listed).rule.version
    assert IntelHunt(old.listed).rule.id == IntelHunt(new.listed).rule.id == "intel.feed"


def test_a_list_is_loaded_once(store: ChdbStore, tmp_path: Path) -> None:
    path = tmp_path / "once.txt"
    path.write_text("one.example\ntwo.example\n203.0.113.8\n")
    for _ in range(2):
        table.load([table.read(path)], store.query, store.load, START)
    n = store.query("SELECT count() AS n FROM indicator WHERE list = 'once'").column("n")[0].as_py()
    assert n == 3


def test_a_list_of_names_does_not_look_at_flows(store: ChdbStore, tmp_path: Path) -> None:
    assert hunt(store, tmp_path, ["bad.example"]).kinds == ("dns", "tls", "http")
    assert hunt(store, tmp_path, ["203.0.113.7"]).kinds == ("flow", "dns")


def test_a_list_with_a_strange_name_is_only_a_name(store: ChdbStore, tmp_path: Path) -> None:
    path = tmp_path / "a'b{x:String}.txt"
    path.write_text("bad.example\n")
    file = table.read(path)
    table.load([file], store.query, store.load, START)
    h = IntelHunt(file.listed)
    c = run(store, h, put(store, "dns", [{"query": "bad.example"}]))["host:10.0.0.5"]
    assert "a'b{x:String}" in h.rule.text["en"].format(**c.arguments)
