"""A folder is a test: ``tests/scenarios/<name>/`` holds an input and what must come of it (``expect.yaml``).

``events`` by kind; ``alerts``, each with ``rule``, ``subject`` and ``count``: all of them and no other. ``faults``: how
many things could not be read, 0 if left out. ``below: true`` takes what stays below its alert line too.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from fengsui.cli.analyze import analyze
from fengsui.cli.platform import Platform
from fengsui.config import Settings
from fengsui.schema import EVENTS

FOLDER = Path(__file__).parent / "scenarios"
SCENARIOS = sorted(p.parent.name for p in FOLDER.glob("*/expect.yaml"))
KEYS = {"what", "events", "alerts", "faults", "below"}


def test_every_folder_of_scenarios_has_an_input_and_an_expectation():
    folders = sorted(p.name for p in FOLDER.iterdir() if p.is_dir())
    assert folders
    assert folders == SCENARIOS
    assert [n for n in folders if not inputs(FOLDER / n)] == []


def inputs(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name != "expect.yaml")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_gives_what_is_expected_of_it(name: str, tmp_path: Path):
    want: dict[str, Any] = yaml.safe_load((FOLDER / name / "expect.yaml").read_text(encoding="utf-8"))
    assert set(want) <= KEYS
    assert want.get("events")
    with Platform(Settings(data=tmp_path)) as platform:
        reports = analyze(platform, inputs(FOLDER / name), "en")
        counts = {k: platform.store.query(f"SELECT count() AS n FROM {k}").column(0)[0].as_py() for k in EVENTS}
        got = platform.alerts(below=bool(want.get("below")))
    assert {k: n for k, n in counts.items() if n} == want["events"]
    assert Counter(k for r in reports for k, n in r.rows.items() for _ in range(n)) == Counter(want["events"])
    assert sum(len(r.faults) for r in reports) == want.get("faults", 0)
    assert sorted((a.rule, a.subject, a.count) for a in got) == sorted(
        (a["rule"], a["subject"], a["count"]) for a in want["alerts"])  # fmt: skip
