"""The made province: the same arguments make the same bytes, it is marked as made, and what is planted is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.made import Planted, Province, make_province
from collectors.made.organisations import organisations
from collectors.made.pcap import write_packets
from collectors.made.planted import LISTED_DOMAIN, LISTED_NETWORK, MARKER, PLANTS, SHARED_DOMAIN
from collectors.network.decode import decode_capture
from collectors.network.zeek import read_log
from fengsui.batch import Identity
from fengsui.jsonform import objects

DAY = date(2026, 3, 2)
RULES = Path(__file__).parents[3] / "rules"
RESERVED = [ip_network(n) for n in ("10.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
Row = dict[str, Any]
Made = tuple[Province, dict[str, list[Row]], dict[str, bytes]]


def make(folder: Path, **options: Any) -> Province:
    return make_province(folder, **{"day": DAY, "organisations": 2, "scale": 0.1, **options})


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A province of two organisations, its events by organisation, and the files that were carved."""
    province = make(tmp_path_factory.mktemp("made"))
    events: dict[str, list[Row]] = {}
    carved: dict[str, bytes] = {}

    def keep(sha256: str, content: bytes) -> bool:
        carved[sha256] = content
        return True

    for o in province.organisations:
        who = Identity(o.id, o.network, o.sensor, "o")
        for file in o.files:
            if file.suffix == ".pcap":
                batches = list(decode_capture(file, who, keep=keep))
            else:
                chunks = list(read_log(file, who))
                assert not [b for c in chunks for b in c.bad]
                batches = [c.batch for c in chunks]
            events.setdefault(o.id, []).extend(r for b in batches for r in objects(b))
    return province, events, carved


def test_the_same_seed_makes_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    first, again = make(tmp_path / "a"), make(tmp_path / "b")
    make(tmp_path / "c", seed=8)
    one, two, other = digests(tmp_path / "a"), digests(tmp_path / "b"), digests(tmp_path / "c")
    assert len(one) >= 11 and one == two
    assert first.planted == again.planted
    captures = [k for k in one if k.endswith("pcap")]
    assert captures and all(other[k] != one[k] for k in captures)


def test_an_organisation_is_made_alike_however_many_there_are(tmp_path: Path) -> None:
    alone, among = make(tmp_path / "a", organisations=14), make(tmp_path / "b", organisations=16)
    untouched = {o.id for o in among.organisations} - {p.org for p in (*among.planted, *alone.planted)}
    one, two = digests(tmp_path / "a"), digests(tmp_path / "b")
    shared = [k for k in one if k.split("/")[0] in untouched]
    assert shared and all(one[k] == two[k] for k in shared)


def test_it_is_visibly_made(small: Made) -> None:
    province, events, _ = small
    assert all(o.sensor == "made" and "虚构" in o.zh and "made up" in o.en for o in province.organisations)
    rows = [r for rs in events.values() for r in rs]
    assert {r["kind"] for r in rows} == {"flow", "dns", "http", "tls", "file"}
    addresses = {ip_address(r[side]) for r in rows for side in ("src_ip", "dst_ip")}
    assert not [a for a in addresses if not any(a in n for n in RESERVED)]
    names = {r[k] for r in rows for k in ("query", "sni", "host") if k in r}
    assert not [n for n in names if not n.endswith(".example") and n != "203.0.113.40"]


def test_all_events_lie_within_the_day(small: Made) -> None:
    _, events, _ = small
    times = [r["ts"] for rs in events.values() for r in rs]
    assert times and all(t.startswith("2026-03-02T") for t in times)


def test_the_packets_are_sound(small: Made) -> None:
    province, events, _ = small
    flows = [r for o in province.organisations for r in events[o.id] if r["kind"] == "flow"
             and r["src_ip"].startswith(o.address(1, 0)[:-1])]  # fmt: skip
    refused = [r for r in flows if r["conn_state"] == "REJ"]
    assert len(refused) == 800
    others = [r for r in flows if r["conn_state"] != "REJ"]
    assert len(others) > 1500 and {r["conn_state"] for r in others} == {"SF"}
    assert not [r for r in flows if r["missed_bytes"]]
    assert {r["app"] for r in others} == {"ssl", "http", "dns"}
    tls = [r for rs in events.values() for r in rs if r["kind"] == "tls" and "ja4" in r]
    assert tls and {(r["version"], r["cipher"]) for r in tls} == {("TLSv13", "TLS_AES_128_GCM_SHA256")}


def _beacon(rows: list[Row], p: Planted) -> bool:
    return len([r for r in rows if r["kind"] == "tls" and r["sni"] == "sync.quiet-made.example"]) == 280


def _tunnel(rows: list[Row], p: Planted) -> bool:
    names = {r["query"] for r in rows if r["kind"] == "dns" and r["query"].endswith(".relay-made.example")}
    return len(names) == 1500 and all(r["qtype"] == "TXT" for r in rows if r.get("query") in names)


def _tried(rows: list[Row], key: str, state: str) -> int:
    return len({r[key] for r in rows if r["kind"] == "flow" and r["conn_state"] == state})


def _sent(rows: list[Row], p: Planted) -> bool:
    return sum(r["orig_bytes"] for r in rows if r["kind"] == "flow" and r["dst_ip"] == "203.0.113.88") > 2_000_000_000


def _guessed(rows: list[Row], p: Planted) -> bool:
    sizes = [r["orig_bytes"] for r in rows if r["kind"] == "flow" and r["dst_port"] == 22]
    return len(sizes) == 600 and max(sizes) < 1.1 * min(sizes)


PRESENT: dict[str, Callable[[list[Row], Planted], bool]] = {
    "beacon": _beacon,
    "dns_tunnel": _tunnel,
    "scan_horizontal": lambda rows, p: _tried(rows, "dst_ip", "S0") == 500,
    "scan_vertical": lambda rows, p: _tried(rows, "dst_port", "REJ") == 800,
    "guessing": _guessed,
    "download": lambda rows, p: any(r["kind"] == "file" and f"file:{r['sha256']}" == p.subject for r in rows),
    "upload": _sent,
    "listed_domain": lambda rows, p: {r["kind"] for r in rows if LISTED_DOMAIN in (r.get("query"), r.get("sni"))}
    == {"dns", "tls"},
    "listed_network": lambda rows, p: sum(ip_address(r["dst_ip"]) in ip_network(LISTED_NETWORK) for r in rows) == 3,
    "bare_program": lambda rows, p: any(r.get("host") == r["dst_ip"] and "dosexec" in r["resp_mime"] for r in rows
                                        if r["kind"] == "http"),
    "remote_desktop": lambda rows, p: any(r["dst_port"] == 3389 and r["conn_state"] == "SF" for r in rows
                                          if r["kind"] == "flow"),
    "lookup": lambda rows, p: any("${jndi:" in r.get("user_agent", "") for r in rows),
    "shared": lambda rows, p: sorted(r["kind"] for r in rows if SHARED_DOMAIN in (r.get("query"), r.get("sni")))
    == ["dns", "dns", "tls", "tls"],
    "long_connection": lambda rows, p: any(r.get("duration", 0) > 9 * 3600 for r in rows),
}  # fmt: skip


def test_every_story_is_planted_once_and_one_in_several_organisations(small: Made) -> None:
    province, _, _ = small
    assert sorted(p.kind for p in province.planted) == sorted([*PRESENT, "shared"]) and len(PRESENT) == len(PLANTS) + 1
    assert len({p.org for p in province.planted if p.kind == "shared"}) == 2


def test_of_thirty_three_in_different_cities_share_a_story_and_one_is_silent(tmp_path: Path) -> None:
    province = make(tmp_path, organisations=30, scale=0.01)
    cities = {o.id: o.city for o in province.organisations}
    sharing = [p for p in province.planted if p.kind == "shared"]
    assert len({cities[p.org] for p in sharing}) == len(sharing) == 3
    assert max(p.end for p in sharing) - min(p.start for p in sharing) < 24 * 3_600_000_000
    (silent,) = [o for o in province.organisations if not o.files]
    assert not (tmp_path / silent.id).exists()
    assert silent.id not in {p.org for p in province.planted}


@pytest.mark.parametrize("kind", PRESENT)
def test_what_is_planted_is_in_the_files_of_its_organisation_and_window(small: Made, kind: str) -> None:
    province, events, carved = small
    truths = [p for p in province.planted if p.kind == kind]
    assert truths
    for truth in truths:
        _planted(truth, events[truth.org], carved)
    assert province.day == DAY


def _planted(truth: Planted, events: list[Row], carved: dict[str, bytes]) -> None:
    assert truth.start < truth.end
    near = [r for r in events if _about(r, truth.subject)]
    assert near
    assert PRESENT[truth.kind](near, truth)
    assert not PRESENT[truth.kind]([r for r in events if r not in near], truth)
    if truth.kind == "download":
        assert MARKER in carved[truth.subject.removeprefix("file:")]


def _about(row: Row, subject: str) -> bool:
    kind, _, name = subject.partition(":")
    return row.get("sha256") == name if kind == "file" else name in (row["src_ip"], row["dst_ip"])


def test_thirty_organisations_cover_every_city_and_are_apart() -> None:
    regions = yaml.safe_load((RULES / "standards" / "regions.yaml").read_text())
    thirty = organisations(30)
    assert {o.city for o in thirty} == set(regions["cities"]) and len(regions["cities"]) == 11
    assert {o.sector for o in thirty} <= set(regions["sectors"])
    assert {o.protection_level for o in thirty} == {1, 2, 3, 4}
    assert [o.id for o in thirty if o.critical] == ["made-qingwu", "made-chaosheng"]
    many = organisations(70)
    assert len({o.id for o in many}) == len({o.cidr for o in many}) == len({o.zh for o in many}) == 70


def test_the_list_of_indicators_holds_what_is_contacted(small: Made) -> None:
    province, _, _ = small
    lines = province.indicators.read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [LISTED_DOMAIN, SHARED_DOMAIN, LISTED_NETWORK]


def test_a_province_without_organisations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make(tmp_path, organisations=0)


def test_whole_frames_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    write_packets(path, [(1_700_000_000_000_001, b"\xaa" * 60), (1_700_000_001_000_000, b"\xbb" * 3)])
    raw = path.read_bytes()
    assert raw[:4] == bytes.fromhex("d4c3b2a1") and len(raw) == 24 + 16 + 60 + 16 + 3
    assert raw[24:32] == (1_700_000_000).to_bytes(4, "little") + (1).to_bytes(4, "little")
    assert raw[-3:] == b"\xbb" * 3
