"""The test of rules, tested: it must fail where a rule is wrong, untested or absent."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from detectors.catalogue import build, rules_folder
from detectors.ruletest import RuleResult, list_rules, test_rules
from fengsui.config import Settings
from fengsui.errors import BadRule, BadSetting
from fengsui.store.chdb import ChdbStore

RULES = Path(__file__).parents[3] / "rules"
SIGMA = """title: A rule
id: 11111111-2222-4333-8444-555555555555
logsource: {category: dns}
detection:
  s: {query: evil.example}
  condition: s
"""
SAMPLES = """fengsui:
  samples:
    match:
      - name: the name
        events: [{dns: {query: MATCH}}]
    no_match:
      - name: another
        events: [{dns: {query: NOMATCH}}]
"""
YARA = 'rule Mark { strings: $a = "MARK" condition: $a }'


def run(rules: Path) -> dict[str, RuleResult]:
    said: list[str] = []
    results = test_rules(rules, lambda: ChdbStore(None), said.append)
    assert len(said) >= len([r for r in results if r.rule]), "no progress was told"
    return {r.rule: r for r in results}


def sigma(folder: Path, samples: str) -> RuleResult:
    (folder / "sigma").mkdir(exist_ok=True)
    (folder / "sigma" / "a.yml").write_text(SIGMA + samples)
    (result,) = run(folder).values()
    return result


def yara(folder: Path, samples: str | None) -> RuleResult:
    (folder / "yara").mkdir(exist_ok=True)
    (folder / "yara" / "a.yar").write_text(YARA)
    if samples is not None:
        (folder / "yara" / "a.samples.yaml").write_text(samples)
    (result,) = run(folder).values()
    return result


def test_our_own_signatures_pass(tmp_path: Path) -> None:
    for part in ("sigma", "yara"):
        shutil.copytree(RULES / part, tmp_path / part)
    results = run(tmp_path)
    assert len([r for r in results if r.startswith("sigma.")]) >= 3
    assert len([r for r in results if r.startswith("yara.")]) >= 5
    assert {r: x.failures for r, x in results.items() if not x.passed} == {}
    assert all(x.samples >= 2 for x in results.values())


def test_our_own_yara_rules_say_what_they_are() -> None:
    keys = {"description", "description_zh", "severity", "confidence", "category", "techniques"}
    detector = next(b for b in build(msgspec.structs.replace(Settings(), rules=RULES)).batch if b.name == "yara")
    rules = detector.set.rules  # type: ignore[attr-defined]
    assert rules and {name: keys - set(r.meta) for name, r in rules.items() if keys - set(r.meta)} == {}


def test_a_sigma_rule_with_good_samples_passes(tmp_path: Path) -> None:
    result = sigma(tmp_path, SAMPLES.replace("NOMATCH", "good.example").replace("MATCH", "evil.example"))
    assert result.passed and result.samples == 2


@pytest.mark.parametrize(("match", "no_match", "reason"), [
    ("good.example", "good.example", "the name: does not match, and must"),
    ("evil.example", "evil.example", "another: matches, and must not"),
])  # fmt: skip
def test_a_sigma_rule_that_is_wrong_fails(tmp_path: Path, match: str, no_match: str, reason: str) -> None:
    result = sigma(tmp_path, SAMPLES.replace("NOMATCH", no_match).replace("MATCH", match))
    assert not result.passed and result.failures == (reason,)


@pytest.mark.parametrize(
    "samples", ["", SAMPLES.split("    no_match", maxsplit=1)[0], "fengsui:\n  samples: {match: [], no_match: []}\n"]
)
def test_a_sigma_rule_without_both_sorts_of_samples_fails(tmp_path: Path, samples: str) -> None:
    result = sigma(tmp_path, samples)
    assert not result.passed and "samples" in result.failures[0]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("{dns: {quary: x}}", "dns has no column quary"),
        ("{dn: {query: x}}", "dn is none of"),
        ("{dns: {query: 5}}", "columns of dns"),
        ("{dns: {from: here}}", "'here' is not an address"),
    ],
)
def test_a_sample_that_makes_no_event_fails(tmp_path: Path, event: str, reason: str) -> None:
    result = sigma(tmp_path, SAMPLES.replace("{dns: {query: MATCH}}", event).replace("NOMATCH", "x"))
    assert not result.passed and reason in result.failures[0] and "a.yml:" in result.failures[0]


CORRELATION = """title: No such name
name: base
logsource: {category: dns}
detection:
  s: {rcode: NXDOMAIN}
  condition: s
---
title: Many of them
id: 11111111-2222-4333-8444-555555555556
correlation: {type: event_count, rules: [base], group-by: [src_ip], timespan: 1m, condition: {gte: 10}}
fengsui:
  samples:
    match:
      - name: ten in a minute
        events: [{dns: {rcode: NXDOMAIN, times: 10, every: 6}}]
    no_match:
      - name: ten in two minutes
        events: [{dns: {rcode: NXDOMAIN, times: 10, every: 12}}]
"""


@pytest.mark.parametrize(("change", "passes"), [(("x", "x"), True), (("every: 12", "every: 1"), False)])
def test_a_correlation_is_run_over_its_samples(tmp_path: Path, change: tuple[str, str], passes: bool) -> None:
    (tmp_path / "sigma").mkdir()
    (tmp_path / "sigma" / "c.yml").write_text(CORRELATION.replace(*change))
    (result,) = run(tmp_path).values()
    assert result.rule == "sigma.11111111-2222-4333-8444-555555555556" and result.samples == 2
    assert result.passed is passes


def test_a_yara_rule_with_good_samples_passes(tmp_path: Path) -> None:
    good = "Mark:\n  match: [{name: a, parts: [{hex: '00', times: 9}, {base64: TUFSSw==}]}]\n"
    assert yara(tmp_path, good + "  no_match: [{name: b, parts: [{text: mark}]}]\n").passed


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (None, "no samples"),
        ("Other: {}\n", "no samples"),
        ("Mark: {match: [{name: a, parts: [{text: MARK}]}]}\n", "must not match"),
        (
            "Mark: {match: [{name: a, parts: [{text: x}]}], no_match: [{name: b, parts: [{text: x}]}]}\n",
            "a: does not match, and must",
        ),
        (
            "Mark: {match: [{name: a, parts: [{text: MARK}]}], no_match: [{name: b, parts: [{hex: 4D41524B}]}]}\n",
            "b: matches, and must not",
        ),
        ("Mark: {match: [{name: a, parts: [{hex: xx}]}], no_match: [{name: b, parts: [{text: x}]}]}\n", "hex"),
        ("Mark: {match: [{name: a, parts: []}], no_match: [{name: b, parts: [{text: x}]}]}\n", "list of parts"),
    ],
)
def test_a_yara_rule_that_is_wrong_or_untested_fails(tmp_path: Path, samples: str | None, reason: str) -> None:
    result = yara(tmp_path, samples)
    assert not result.passed and reason in result.failures[0]


def test_a_hunt_without_samples_fails(tmp_path: Path) -> None:
    shutil.copytree(RULES / "hunts", tmp_path / "hunts")
    path = tmp_path / "hunts" / "strobe.yaml"
    path.write_text(path.read_text().split("samples:")[0] + "samples: {}\n")
    (result,) = run(tmp_path).values()
    assert not result.passed and "samples" in result.failures[0] and result.path == path


def test_no_rules_at_all_is_a_failure(tmp_path: Path) -> None:
    (result,) = test_rules(tmp_path, lambda: ChdbStore(None), lambda _: None)
    assert not result.passed and result.failures == ("no rules found",)


def test_a_list_names_every_rule_with_its_file() -> None:
    found = list_rules(RULES)
    assert {i.type for i in found} == {"hunt", "sigma", "yara"}
    assert all(i.path.is_file() for i in found)
    assert [(i.type, i.rule.id) for i in found] == sorted((i.type, i.rule.id) for i in found)
    assert all(i.rule.title["en"] and i.rule.title["zh"] for i in found)


def test_the_catalogue_has_every_rule_and_indicator_list_by_id(tmp_path: Path) -> None:
    (tmp_path / "feed.txt").write_text("evil.example\n")
    c = build(msgspec.structs.replace(Settings(), rules=RULES, indicators=(tmp_path / "feed.txt",)))
    assert {i.rule.id for i in list_rules(RULES)} <= set(c.rules()) and "intel.feed" in c.rules()
    assert [f.listed.name for f in c.indicators] == ["feed"] and len(c.rules()) == len(c.every_rule())


def test_two_lists_of_one_name_and_a_list_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = (tmp_path / "feed.txt", tmp_path / "b" / "feed.csv")
    for p in paths:
        p.write_text("evil.example\n")
    with pytest.raises(BadRule, match="two lists of indicators are called feed"):
        build(msgspec.structs.replace(Settings(), rules=RULES, indicators=paths))
    with pytest.raises(BadSetting, match="No such file"):
        build(msgspec.structs.replace(Settings(), rules=RULES, indicators=(tmp_path / "none.txt",)))


def test_a_folder_of_rules_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRule, match="no such folder"):
        build(msgspec.structs.replace(Settings(), rules=tmp_path / "none"))
    assert (rules_folder(None) / "hunts").is_dir()


def test_importing_the_catalogue_loads_no_engine() -> None:
    engines = ("yara", "sigma.rule", "chdb", "numba")
    code = f"import sys, detectors.catalogue; print([m for m in {engines} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=RULES.parent)
    assert done.stdout.strip() == "[]"
