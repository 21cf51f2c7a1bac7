"""Whole Sigma rules over stored rows: which rows match, what is concluded, and what is refused."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from detectors.base import Slice
from detectors.sigma.hunt import SigmaHunt
from detectors.sigma.loader import Loaded, load_folder, load_text
from detectors.slicing import MAX_SUBJECTS
from fengsui.batch import Identity, build
from fengsui.bus.protocol import Place
from fengsui.errors import BadRule
from fengsui.finding import MAX_EVIDENCE, added, microseconds, to_batch
from fengsui.schema import EVENTS
from fengsui.store.chdb import ChdbStore

START = 1_700_006_400_000_000
HOUR = 3_600_000_000
HEAD = "title: A rule\nid: 11111111-2222-4333-8444-555555555555\nstatus: test\nlevel: high\n"

HTTP: list[dict[str, Any]] = [
    {"host": "Example.COM", "uri": "/a.exe?x=1", "user_agent": "curl/8", "status": 200, "dst": "10.0.0.9"},
    {"host": "bad.test", "uri": "http://bad.test/B.EXE", "user_agent": "", "status": None, "dst": "203.0.113.5"},
    {"host": "198.51.100.1", "uri": "/q?cmd={x:String}'--", "user_agent": "Mozilla", "status": 404, "dst": "fe80::1"},
    {"host": "", "uri": "/100%_\\path", "user_agent": "Mozilla", "status": 500, "dst": "2001:db8::5", "referrer": "http://a/"},
]  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    s = ChdbStore(None)
    s.migrate()
    put(s, "http", HTTP, 7)
    put(s, "dns", [{"query": "a.evil.test", "answers": ["10.0.0.1", "x.y"], "qtype": "A"},
                   {"query": "b.test", "answers": [], "qtype": "TXT", "rcode": "REFUSED"}], 7)  # fmt: skip
    yield s
    s.close()


def packed(text: str) -> bytes:
    a = ip_address(text)
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


def put(store: ChdbStore, kind: str, rows: list[dict[str, Any]], offset: int, *, org: str = "org",
        origin: str = "capture") -> None:  # fmt: skip
    columns: dict[str, list[Any]] = {
        "ts": [START + i * 1000 if "ts" not in r else r["ts"] for i, r in enumerate(rows)],
        "event_id": [f"{offset:08}{i:08}".encode() for i in range(len(rows))],
        "src_ip": [packed(r.get("src", "10.0.0.5")) for r in rows],
        "dst_ip": [packed(r.get("dst", "203.0.113.5")) for r in rows],
    }
    for name in {n for r in rows for n in r} - {"src", "dst", "ts"}:
        empty = [] if name == "answers" else None if name == "status" else ""
        columns[name] = [r.get(name, empty) for r in rows]
    batch = build(EVENTS[kind], Identity(org, "net", "s", origin), columns, len(rows))
    store.insert(kind, batch.rows, Place(f"events.{kind}", 0), offset, f"{org}/{kind}/{offset}")


def part(kind: str, *offsets: int, org: str = "org") -> Slice:
    return Slice.of(kind, org, "net", f"events.{kind}", 0, offsets or (7,), START, START + 2 * HOUR)


def rule(detection: str, logsource: str = "{category: proxy}", more: str = "") -> Loaded:
    body = textwrap.indent(textwrap.dedent(detection).strip("\n"), "  ")
    return load_text(f"{HEAD}{more}logsource: {logsource}\ndetection:\n{body}\n", Path("rule.yml"))


def matched(store: ChdbStore, loaded: Loaded, kind: str = "http") -> list[int]:
    """Numbers of the rows that the rule's evidence names."""
    found = SigmaHunt(loaded).run(store.query, part(kind))
    return sorted(int(e.event_id[8:]) for d in found for e in d.conclusion.evidence)


CASES = {
    "equals whatever the case": ("s: {cs-host: example.com}", [0]),
    "cased": ("s: {cs-host|cased: example.com}", []),
    "cased, as written": ("s: {cs-host|cased: Example.COM}", [0]),
    "ends with": ("s: {c-uri|endswith: .exe}", [1]),
    "a proxy's whole URL": ("s: {c-uri|startswith: 'http://example.com/a'}", [0]),
    "extension without the query": ("s: {c-uri-extension: [exe, dll]}", [0, 1]),
    "hostile text is only text": ("s: {cs-uri-query|contains: \"{x:String}'--\"}", [2]),
    "percent, underscore and backslash are only text": ("s: {cs-uri-query|contains: '100%_\\path'}", [3]),
    "a wildcard inside": ("s: {cs-uri-query: '/?.exe*'}", [0]),
    "an escaped wildcard is a star": ("s: {cs-uri-query: '/\\*'}", []),
    "all": ("s: {cs-uri-query|contains|all: [cmd, String]}", [2]),
    "a list is any": ("s: {c-useragent|startswith: [curl, moz]}", [0, 2, 3]),
    "keys of a mapping are all": ("s: {c-useragent: Mozilla, sc-status: 404}", [2]),
    "mappings of a list are any": ("s: [{sc-status: 404}, {cs-host: bad.test}]", [1, 2]),
    "number as text": ("s: {sc-status: '200'}", [0]),
    "greater": ("s: {sc-status|gte: 404}", [2, 3]),
    "an absent number is not greater": ("s: {sc-status|lt: 1000}", [0, 2, 3]),
    "not equal holds for the absent": ("s: {sc-status|neq: 200}", [1, 2, 3]),
    "null": ("s: {c-useragent: null}", [1]),
    "empty text": ("s: {c-useragent: ''}", [1]),
    "exists": ("s: {sc-status|exists: true}", [0, 2, 3]),
    "does not exist": ("s: {sc-status|exists: false}", [1]),
    "star is whatever is there": ("s: {cs-host: '*'}", [0, 1, 2]),
    "cidr": ("s: {dst_ip|cidr: 10.0.0.0/8}", [0]),
    "cidr of IPv6": ("s: {dst_ip|cidr: 'fe80::/10'}", [2]),
    "all of IPv6 is not IPv4": ("s: {dst_ip|cidr: '::/0'}", [2, 3]),
    "all of IPv4 is not IPv6": ("s: {dst_ip|cidr: 0.0.0.0/0}", [0, 1]),
    "an address": ("s: {dst_ip: '2001:db8::5'}", [3]),
    "an address by pattern": ("s: {dst_ip|startswith: '203.0.'}", [1]),
    "regular expression": ("s: {cs-host|re: '^[0-9.]+$'}", [2]),
    "regular expression whatever the case": ("s: {cs-host|re|i: '^EXAMPLE'}", [0]),
    "field against field": ("s: {c-uri|fieldref|contains: cs-host, cs-host|contains: bad}", [1]),
    "base64 somewhere": ("s: {cs-uri-query|base64offset|contains: zz}", []),
}  # fmt: skip


@pytest.mark.parametrize(("detection", "rows"), CASES.values(), ids=CASES.keys())
def test_a_rule_matches_the_rows_that_it_describes(store: ChdbStore, detection: str, rows: list[int]) -> None:
    assert matched(store, rule(f"{detection}\ncondition: s")) == rows
    assert matched(store, rule(f"{detection}\ncondition: not s")) == sorted({0, 1, 2, 3} - set(rows))


def test_keywords_are_looked_for_in_all_text(store: ChdbStore) -> None:
    assert matched(store, rule("k: [curl, bad.test]\ncondition: k")) == [0, 1]
    assert matched(store, rule("k:\n  '|all': [mozilla, 'a/']\ncondition: k")) == [3]


def test_not_one_of_filters_takes_rows_away(store: ChdbStore) -> None:
    detection = "s: {cs-method: null}\nf_a: {sc-status: 404}\nf_b: {cs-host: bad.test}\ncondition: s and not 1 of f_*"
    assert matched(store, rule(detection)) == [0, 3]


def test_any_condition_of_a_list_is_enough(store: ChdbStore) -> None:
    assert matched(store, rule("a: {sc-status: 404}\nb: {sc-status: 200}\ncondition: [a, b]")) == [0, 2]


def test_entries_of_a_list_of_answers_are_compared_one_by_one(store: ChdbStore) -> None:
    source = "{category: dns}"
    assert matched(store, rule("s: {answer|cidr: 10.0.0.0/8}\ncondition: s", source), "dns") == [0]
    assert matched(store, rule("s: {answer: x.y}\ncondition: not s", source), "dns") == [1]
    assert matched(store, rule("s: {answer: null, record_type: TXT}\ncondition: s", source), "dns") == [1]
    zeek = rule("s: {rejected: true}\ncondition: s", "{product: zeek, service: dns}")
    assert matched(store, zeek, "dns") == [1]


def test_a_connection_by_name_is_looked_for_in_handshakes_and_requests() -> None:
    loaded = rule("s: {DestinationHostname|endswith: .test, Initiated: 'true'}\ncondition: s",
                  "{category: network_connection, product: windows}")  # fmt: skip
    assert set(loaded.where) == {"tls", "http"}
    ports = rule("s: {DestinationPort: 4444}\ncondition: s", "{category: network_connection, product: linux}")
    assert set(ports.where) == {"flow"}


def test_rows_are_grouped_by_host_message_and_origin(store: ChdbStore) -> None:
    rows = [{"host": "h.test", "src": f"10.1.0.{i % 2}", "ts": START + i * HOUR // 20} for i in range(50)]
    put(store, "http", rows, 20)
    put(store, "http", rows[:1], 21, origin="another")
    put(store, "http", rows[:1], 22)  # not announced
    put(store, "http", rows[:1], 20, org="neighbour")
    hunt = SigmaHunt(rule("s: {cs-host: h.test}\ncondition: s"))
    found = {(d.conclusion.subject, d.conclusion.unit): d for d in hunt.run(store.query, wide(20, 21))}
    assert {k: d.conclusion.origin for k, d in found.items()} == {
        ("host:10.1.0.0", "events.http/0/20"): "capture", ("host:10.1.0.1", "events.http/0/20"): "capture",
        ("host:10.1.0.0", "events.http/0/21"): "another",
    }  # fmt: skip
    c = found[("host:10.1.0.0", "events.http/0/20")].conclusion
    assert sum(c.hours.values()) == 25 and set(c.hours) == {START, START + HOUR, START + 2 * HOUR}
    assert len(c.evidence) == MAX_EVIDENCE and [e.ts for e in c.evidence] == sorted(e.ts for e in c.evidence)
    assert (c.first_seen, c.last_seen) == (START, START + 48 * HOUR // 20)
    assert c.related == ("host:203.0.113.5",) and c.severity == 4
    assert {d.org for d in found.values()} == {"org"}


def wide(*offsets: int) -> Slice:
    return Slice.of("http", "org", "net", "events.http", 0, offsets, START, START + 3 * HOUR)


def test_rows_outside_the_announced_times_are_not_looked_at(store: ChdbStore) -> None:
    hunt = SigmaHunt(rule("s: {cs-host: '*'}\ncondition: s"))
    whole = hunt.run(store.query, part("http"))
    late = hunt.run(store.query, Slice.of("http", "org", "net", "events.http", 0, (7,), START + 1000, START + 1000))
    assert [d.conclusion.explanation["count"] for d in (*whole, *late)] == [3, 1]


def test_a_rule_that_matches_everything_says_so_in_few_words(store: ChdbStore) -> None:
    hosts = MAX_SUBJECTS + 5
    rows = [{"host": "flood.test", "src": f"10.9.{i // 250}.{i % 250}"} for i in range(hosts)]
    put(store, "http", [*rows, rows[-1]], 30)
    put(store, "http", rows[:MAX_SUBJECTS], 31)
    found = SigmaHunt(rule("s: {cs-host: flood.test}\ncondition: s")).run(store.query, wide(30, 31))
    by_unit = Counter(d.conclusion.unit[-2:] for d in found)
    assert by_unit == {"30": MAX_SUBJECTS + 2, "31": MAX_SUBJECTS}
    (whole,) = (d.conclusion for d in found if not d.conclusion.subject.startswith("host:"))
    assert whole.subject == "org:org" and sum(whole.hours.values()) == hosts + 1 and whole.unit.endswith("/30")
    assert f"host:{rows[-1]['src']}" in {d.conclusion.subject for d in found}  # it has most rows


def test_a_finding_of_a_title_with_braces_reads_as_written(store: ChdbStore) -> None:
    text = f"{HEAD.replace('A rule', 'Braces {0} {x!r} }{')}logsource: {{category: proxy}}\n"
    loaded = load_text(text + "detection:\n  s: {sc-status: 200}\n  condition: s\n", Path("rule.yml"))
    (found,) = SigmaHunt(loaded).run(store.query, part("http"))
    said = loaded.rule.text["en"].format(**found.conclusion.arguments)
    assert said == "Braces {0} {x!r} }{: 10.0.0.5 ×1 sc-status=200"
    row = to_batch([added(found, "sigma")]).rows.to_pylist()[0]
    assert row["subject"] == "host:10.0.0.5" and microseconds(row["first_seen"]) == START


def test_tags_and_level_say_technique_and_severity() -> None:
    tags = "tags: [attack.command-and-control, attack.t1071.004, cve.2021-1]\n"
    loaded = rule("s: {sc-status: 200}\ncondition: s", more=tags)
    assert loaded.rule.techniques == ("T1071.004",) and loaded.rule.category == "malware/botnet"
    assert loaded.severity == 4 and loaded.rule.id == "sigma.11111111-2222-4333-8444-555555555555"


REFUSED = {
    "an unknown field": ("s: {Image: x}\ncondition: s", "{category: proxy}", "field Image is not covered", 7),
    "an unknown source": ("s: {a: b}\ncondition: s", "{product: cisco, service: aaa}", "log source cisco, aaa", 5),
    "look-ahead": ("s: {cs-host|re: 'a(?=b)'}\ncondition: s", "{category: proxy}", "'a(?=b)' is invalid", 6),
    "a back reference": ("s: {cs-host|re: '(a)\\1'}\ncondition: s", "{category: proxy}", "'(a)\\1' is invalid", 6),
    "a huge repetition": ("s: {cs-host|re: 'a{2000}'}\ncondition: s", "{category: proxy}", "'a{2000}' is invalid", 6),
    "a placeholder": ("s: {cs-host|expand: '%servers%'}\ncondition: s", "{category: proxy}", "placeholder", 7),
    "text for a number": ("s: {sc-status: ok}\ncondition: s", "{category: proxy}", "'ok' is not a number", 7),
    "a network for a number": ("s: {sc-status|cidr: 10.0.0.0/8}\ncondition: s", "{category: proxy}", "no addresses", 7),
    "a bad network": ("s: {dst_ip|cidr: 10.0.0.0/99}\ncondition: s", "{category: proxy}", "CIDR", 6),
    "an unknown modifier": ("s: {cs-host|near: x}\ncondition: s", "{category: proxy}", "near", 6),
    "an unknown selection": ("s: {cs-host: x}\ncondition: t", "{category: proxy}", "'t'", 6),
    "a key given twice": ("s: {cs-host: x}\ns: {cs-host: y}\ncondition: s", "{category: proxy}", "given twice", 8),
}  # fmt: skip


@pytest.mark.parametrize(("detection", "source", "reason", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_a_rule_that_cannot_be_used_is_refused(detection: str, source: str, reason: str, line: int) -> None:
    with pytest.raises(BadRule) as caught:
        rule(detection, source)
    assert reason in caught.value.reason and caught.value.path == Path("rule.yml") and caught.value.line == line


def test_a_correlation_alone_is_refused() -> None:
    with pytest.raises(BadRule, match="a correlation stands in a file with its rules"):
        load_text(f"{HEAD}correlation: {{type: event_count}}\n", Path("rule.yml"))


def test_two_rules_of_one_id_are_refused(tmp_path: Path) -> None:
    text = HEAD + "logsource: {category: proxy}\ndetection:\n  s: {sc-status: 200}\n  condition: s\n"
    (tmp_path / "a.yml").write_text(text)
    assert len(load_folder(tmp_path)) == 1
    (tmp_path / "b.yml").write_text(text)
    with pytest.raises(BadRule, match=r"b\.yml: id .* is also the id of"):
        load_folder(tmp_path)
