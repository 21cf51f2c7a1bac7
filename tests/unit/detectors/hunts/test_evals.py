"""The evaluation's comparison: a figure that is not found has not passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.hunts import compare, expectations

TOLD = [{"rule": "beacon", "src": "10.0.0.5", "dst": "a.example", "connections": 5, "score": 0.9751}]
NAMES = {"rule": "beacon", "src": "10.0.0.5", "dst": "a.example"}


def test_figures_pass_within_their_tolerance_only() -> None:
    wanted = [{**NAMES, "connections": 5, "score": [0.97, 0.005]}, {**NAMES, "connections": 6, "score": [0.97, 0.006]}]
    passed = [(c.figure, c.passed) for c in compare("x", wanted, TOLD)]
    assert passed == [("connections", True), ("score", False), ("connections", False), ("score", True)]


def test_an_alert_that_is_not_there_fails_every_figure() -> None:
    checks = list(compare("x", [{**NAMES, "dst": "b.example", "connections": 0, "score": [0, 1]}], TOLD))
    assert [(c.got, c.passed) for c in checks] == [(None, False), (None, False)]


def test_an_expectation_without_a_figure_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("x:\n  - {rule: beacon, src: a, dst: b}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="and a figure"):
        expectations(path)


def test_what_is_checked_in_can_be_read() -> None:
    listed = expectations()
    assert {"proxy", "proxy_rolling", "missing_host"} <= set(listed)
    assert all(listed.values())
