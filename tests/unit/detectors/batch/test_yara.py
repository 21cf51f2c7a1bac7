"""YARA over file events: what is found, what is refused, and what happens when time runs out."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from detectors.batch.yara import INCOMPLETE, YaraDetector
from detectors.batch.yara_rules import MAX_PLACES, MAX_STRINGS, Source, YaraSet, read_folder
from fengsui.batch import Batch, Identity, build, concat
from fengsui.errors import BadRule
from fengsui.finding import added, to_batch
from fengsui.schema import FILE

TIME = 1_700_006_400_000_000
MARK = """rule Mark {
meta:
  description = "A mark" severity = 5 confidence = 90 category = "malware/test" techniques = "T1105, T1059.001"
strings:
  $a = "MARK"
condition:
  $a
}"""
ENDLESS = "for all i in (0..filesize-1) : (for all j in (0..filesize-1) : (uint8(i) + uint8(j) < 1000))"
SLOW = f"rule Slow {{ condition: {ENDLESS} }}"


def source(text: str, name: str = "a.yar") -> Source:
    return Source(name, Path("rules") / name, text)


def packed(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + ip_address(text).packed


def files(*contents: bytes, org: str = "org", origin: str = "capture", **columns: Any) -> Batch:
    n = len(contents)
    row = {
        "ts": [TIME + i for i in range(n)],
        "event_id": [f"{i:016}".encode() for i in range(n)],
        "sha256": [hashlib.sha256(c).hexdigest() for c in contents],
        "kept": [True] * n,
        "direction": ["resp"] * n,
        "src_ip": [packed("10.0.0.5")] * n,
        "dst_ip": [packed("203.0.113.9")] * n,
        "filename": [f"f{i}.bin" for i in range(n)],
    }
    return build(FILE, Identity(org, "net", "s", origin), row | columns, n)


def blobs(*contents: bytes) -> Callable[[str], bytes | None]:
    return {hashlib.sha256(c).hexdigest(): c for c in contents}.get


def test_a_match_is_a_detection_of_the_file_with_its_receiver_and_strings() -> None:
    content = b"xx" + b"MARK" * 5
    (d,) = YaraDetector(YaraSet([source(MARK)])).detect(files(content), "unit", blobs(content))
    c = d.conclusion
    assert (d.rule.id, d.rule.techniques, d.rule.category) == ("yara.Mark", ("T1105", "T1059.001"), "malware/test")
    assert c.subject == f"file:{hashlib.sha256(content).hexdigest()}" and c.related == ("host:10.0.0.5",)
    assert (c.severity, c.confidence, c.unit, c.origin) == (5, 90, "unit", "capture")
    assert c.explanation["strings"] == [{"name": "$a", "offsets": [2, 6, 10], "count": 5}]
    assert c.explanation["senders"] == ["203.0.113.9"] and c.evidence[0].event_id == b"0" * 16
    assert d.rule.text["en"].format(**c.arguments) == "A mark: f0.bin (?) reached 10.0.0.5"
    assert to_batch([added(d, "yara")]).rows.num_rows == 1


def test_another_content_is_not() -> None:
    assert YaraDetector(YaraSet([source(MARK)])).detect(files(b"mark"), "unit", blobs(b"mark")) == []


def test_an_upload_is_received_by_the_server() -> None:
    (d,) = YaraDetector(YaraSet([source(MARK)])).detect(files(b"MARK", direction=["orig"]), "u", blobs(b"MARK"))
    assert d.conclusion.related == ("host:203.0.113.9",) and d.conclusion.explanation["senders"] == ["10.0.0.5"]


def test_a_content_is_read_once_however_many_events_name_it() -> None:
    reads: list[str] = []

    def read(sha256: str) -> bytes | None:
        reads.append(sha256)
        return b"MARK"

    hosts = [packed("10.0.0.5"), packed("10.0.0.6"), packed("10.0.0.5")]
    detector = YaraDetector(YaraSet([source(MARK)]))
    batch = concat(
        [files(b"MARK", b"MARK", b"MARK", src_ip=hosts), files(b"MARK", org="other"), files(b"MARK", origin="log")]
    )
    found = detector.detect(batch, "unit", read)
    assert len(reads) == 1
    assert [(d.org, d.conclusion.origin, sum(d.conclusion.hours.values())) for d in found] == [
        ("org", "capture", 3), ("other", "capture", 1), ("org", "log", 1),
    ]  # fmt: skip
    assert found[0].conclusion.related == ("host:10.0.0.5", "host:10.0.0.6")


def test_a_file_that_was_not_kept_is_not_asked_for() -> None:
    def never(sha256: str) -> bytes | None:
        raise AssertionError("not kept")

    assert YaraDetector(YaraSet([source(MARK)])).detect(files(b"MARK", kept=[False]), "unit", never) == []


def test_a_content_that_is_gone_is_said_and_not_called_clean() -> None:
    (d,) = YaraDetector(YaraSet([source(MARK)])).detect(files(b"MARK"), "unit", blobs())
    assert d.rule == INCOMPLETE and d.conclusion.explanation["missing"] is True
    assert d.conclusion.severity < INCOMPLETE.line
    assert INCOMPLETE.text["en"].format(**d.conclusion.arguments).endswith("its content is gone")


def test_matched_strings_are_bounded() -> None:
    many = "rule Many { strings: " + " ".join(f'$s{i} = "S{i:03}"' for i in range(40)) + " condition: all of them }"
    content = b"".join(f"S{i:03}".encode() * 9 for i in range(40))
    (d,) = YaraDetector(YaraSet([source(many)])).detect(files(content), "unit", blobs(content))
    strings = d.conclusion.explanation["strings"]
    assert len(strings) == MAX_STRINGS and all(len(s["offsets"]) == MAX_PLACES and s["count"] == 9 for s in strings)


def test_a_slow_rule_is_named_and_the_others_still_match() -> None:
    content = b"MARK" + bytes(3_000_000)
    rules = YaraSet([source(SLOW, "slow.yar"), source(MARK, "mark.yar")])
    found = YaraDetector(rules, seconds=2, clock=lambda: 0.0).detect(files(content), "unit", blobs(content))
    assert [d.rule.id for d in found] == ["yara.Mark", "yara.incomplete"]
    assert found[1].conclusion.explanation["slow"] == ["slow.yar"] and found[1].conclusion.explanation["skipped"] == []


def test_rules_for_which_no_time_is_left_are_named() -> None:
    ticks: Iterator[float] = itertools.chain([0.0, 0.0], itertools.repeat(99.0))
    content = b"MARK" + bytes(3_000_000)
    rules = YaraSet([source(SLOW, "slow.yar"), source(MARK, "mark.yar")])
    found = YaraDetector(rules, seconds=2, clock=lambda: next(ticks)).detect(files(content), "unit", blobs(content))
    assert [d.rule.id for d in found] == ["yara.incomplete"]
    assert found[0].conclusion.explanation["slow"] == ["slow.yar"]
    assert found[0].conclusion.explanation["skipped"] == ["mark.yar"]


@pytest.mark.parametrize(("text", "line", "reason"), [
    ("rule A {\n condition:\n  nothing\n}", 3, "undefined identifier"),
    ('\ninclude "/etc/passwd"\nrule A { condition: true }', 2, "includes are disabled"),
    ("rule A { condition: true }\nrule A { condition: true }", 2, "duplicated identifier"),
    ('import "magic"\nrule A { condition: true }', 1, "magic"),
    ("rule A { condition: outside == 1 }", 1, "undefined identifier"),
    ('rule A { strings: $a = "x" condition: true }', 1, "unreferenced string"),
])  # fmt: skip
def test_a_rule_that_does_not_compile_is_refused_with_file_and_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BadRule) as caught:
        YaraSet([source(MARK, "good.yar"), source(text, "bad.yar")])
    assert caught.value.path == Path("rules/bad.yar") and caught.value.line == line and reason in caught.value.reason


def test_one_name_in_two_files_is_refused() -> None:
    with pytest.raises(BadRule, match="rule Mark is also in"):
        YaraSet([source(MARK, "a.yar"), source(MARK, "b.yar")])


def test_a_private_rule_helps_others_and_is_not_reported() -> None:
    text = 'private rule Helper { strings: $a = "MARK" condition: $a } rule Main { condition: Helper }'
    rules = YaraSet([source(text)])
    assert list(rules.rules) == ["Main"]
    assert [d.rule.id for d in YaraDetector(rules).detect(files(b"MARK"), "u", blobs(b"MARK"))] == ["yara.Main"]


def test_foreign_meta_does_not_break_a_rule() -> None:
    text = (
        'rule A { meta: severity = "high" confidence = -3 category = "INFO" description = "{x} {0}" condition: true }'
    )
    rules = YaraSet([source(text)])
    r = rules.rules["A"]
    assert (r.severity, r.confidence, r.rule.category) == (4, 70, "malware/other")
    (d,) = YaraDetector(rules).detect(files(b"x"), "u", blobs(b"x"))
    assert d.rule.text["zh"].format(**d.conclusion.arguments).startswith("{x} {0}：f0.bin")


def test_rules_may_not_write_to_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    text = 'import "console" rule A { condition: console.log("shout") }'
    assert YaraDetector(YaraSet([source(text)])).detect(files(b"x"), "u", blobs(b"x"))
    assert "shout" not in "".join(capfd.readouterr())


def test_a_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yara").write_text("// 中文\n" + MARK)
    (tmp_path / "readme.txt").write_text("not a rule")
    sources = read_folder(tmp_path)
    assert [s.name for s in sources] == ["sub/a.yara"]
    assert list(YaraSet(sources).rules) == ["Mark"]


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_bytes(b"\n// \xff\n" + MARK.encode())
    with pytest.raises(BadRule, match=r"a\.yar:2: not UTF-8"):
        read_folder(tmp_path)
