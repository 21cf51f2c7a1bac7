"""The page of metrics lists what is exposed, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from api import metrics

STATUS = {
    "lag": [{"group": "sink", "messages": 3}],
    "roles": [{"name": "sink", "idle_s": 0.5, "problem": None}, {"name": "fold", "idle_s": 9, "problem": {"en": "x"}}],
    "disk_used": 5, "disk_limit": 10, "dead_letters": 2, "sources": [{"problem": None}, {"problem": {"en": "gone"}}],
}  # fmt: skip


def exposed() -> str:
    registry = metrics.registry(lambda: STATUS, lambda: 7)
    metrics.Timed(lambda *_: None, registry)
    return metrics.exposed(registry).decode()


def test_the_page_lists_every_metric_and_no_other():
    names = {n.removesuffix("_bucket") for n in re.findall(r"^# HELP (\w+) ", exposed(), re.MULTILINE)}
    names = {n for n in names if not n.endswith("_created")}
    assert len(names) > 5
    page = Path("docs/metrics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == names


def test_figures_are_those_of_the_platform():
    text = exposed()
    lines = ('fengsui_lag_messages{group="sink"} 3.0', 'fengsui_role_failing{role="fold"} 1.0',
             'fengsui_role_failing{role="sink"} 0.0', "fengsui_sources_waiting 1.0",
             "fengsui_streams_open 7.0")  # fmt: skip
    for line in lines:
        assert line in text
