"""Rule files are read strictly, and their errors say where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from detectors import rulefile
from detectors.hunts import RULES as NAMES
from detectors.hunts import files, window_hunts
from detectors.hunts.threat import Steps
from fengsui.config import Settings
from fengsui.errors import BadRule
from tests.unit.detectors.hunts.bench import RULES

GOOD = """\
id: made
title: {en: Made, zh: 示例}
text: {en: "{src}", zh: "{src}"}
category: attack/scanning
domain: network
techniques: [T1046, T1071.004]
line: 3
hours: 24
thresholds:
  step: 1
samples: {}
"""


def load(tmp_path: Path, text: str) -> rulefile.RuleFile:
    path = tmp_path / "made.yaml"
    path.write_text(text, encoding="utf-8")
    return rulefile.load(path, "1")


def test_a_good_file_becomes_a_rule(tmp_path: Path) -> None:
    f = load(tmp_path, GOOD)
    assert (f.rule.id, f.rule.category, f.rule.techniques, f.rule.line, f.hours) == (
        "made", "attack/scanning", ("T1046", "T1071.004"), 3, 24,
    )  # fmt: skip
    assert f.rule.title["zh"] == "示例"


def test_any_change_of_text_or_detector_is_another_version(tmp_path: Path) -> None:
    one = load(tmp_path, GOOD)
    two = load(tmp_path, GOOD.replace("step: 1", "step: 2"))
    assert len({one.rule.version, two.rule.version, rulefile.load(two.path, "2").rule.version}) == 3


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (("line: 3", "lines: 3"), 7, "unknown key 'lines'"),
        (("line: 3", "line: three"), 7, "line: 'three' is not a whole number"),
        (("line: 3", "line: true"), 7, "line: True is not a whole number"),
        (("line: 3", "line: 9"), 7, "line is a severity from 0 to 6"),
        (("hours: 24\n", ""), 1, "key 'hours' is missing"),
        (("hours: 24", "hours: -1"), 8, "hours is between"),
        (("hours: 24", "hours: 24\nhours: 2"), 9, "key 'hours' is given twice"),
        (("id: made", "id: other"), 1, "must be the file's name"),
        (("category: attack/scanning", "category: scanning"), 4, "is not category/sub-category"),
        (("domain: network", "domain: moon"), 5, "is none of"),
        (("[T1046, T1071.004]", "[scan]"), 6, "is not an ATT&CK technique"),
        (("title: {en: Made, zh: 示例}", "title: {en: Made}"), 2, "exactly the languages en, zh"),
        (("thresholds:\n  step: 1", "thresholds: 1"), 9, "thresholds must be a mapping"),
        (("samples: {}", "samples: {"), 12, "not YAML"),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, change: tuple[str, str], line: int, reason: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(BadRule) as e:
        load(tmp_path, GOOD.replace(*change))
    assert (e.value.path.name, e.value.line) == ("made.yaml", line)
    assert reason in e.value.reason


@dataclass(frozen=True)
class Inner:
    low: float


@dataclass(frozen=True)
class Outer:
    inner: Inner
    names: tuple[str, ...] = ()


def test_thresholds_are_typed_to_their_depth() -> None:
    path = Path("x.yaml")
    good = rulefile.into(Outer, rulefile.parse(path, "inner: {low: 3}\nnames: [a, b]"))
    assert good == Outer(Inner(3.0), ("a", "b"))
    with pytest.raises(BadRule, match=r"x\.yaml:2: unknown key 'hihg'"):
        rulefile.into(Outer, rulefile.parse(path, "inner:\n  hihg: 3"))
    with pytest.raises(BadRule, match=r"x\.yaml:2: names: \[1\] is not|x\.yaml:2: names: 1 is not text"):
        rulefile.into(Outer, rulefile.parse(path, "inner: {low: 1}\nnames: [1]"))


def test_steps_that_do_not_ascend_are_refused() -> None:
    text = "a: 1\nsteps: {base: 1, low: 3, medium: 2, high: 4}"
    section = rulefile.parse(Path("x.yaml"), text).values["steps"]
    with pytest.raises(BadRule, match=r"x\.yaml:2: base, low, medium and high must ascend"):
        rulefile.into(Steps, section)


def test_a_rule_that_no_hunt_reads_is_refused_and_so_is_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "hunts").mkdir()
    for name in NAMES:
        text = (RULES / "hunts" / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / "hunts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert set(files(tmp_path)) == set(NAMES)
    (tmp_path / "hunts" / "extra.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadRule, match="no hunt reads it"):
        window_hunts(tmp_path, Settings())
    (tmp_path / "hunts" / "extra.yaml").unlink()
    (tmp_path / "hunts" / "strobe.yaml").unlink()
    with pytest.raises(BadRule, match="the file is missing"):
        window_hunts(tmp_path, Settings())


def test_every_hunt_has_its_rules_and_every_rule_its_hunt() -> None:
    ids = [r.id for h in window_hunts(RULES, Settings()) for r in h.rules]
    assert sorted(ids) == sorted(NAMES)
