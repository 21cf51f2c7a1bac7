"""How long a destination has been known, as far as the store remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detectors.base import Query
from detectors.hunts.sql import Scope
from detectors.hunts.threat import FirstSeen
from fengsui.finding import Window

DAY_US = 86_400_000_000


def ages(query: Query, scope: Scope, name: str, dsts: list[str], newest: int,
         t: FirstSeen) -> tuple[dict[Any, float], float]:  # fmt: skip
    """Days since each destination was first seen in the last ``old_days`` and one, and since the network's first event.

    ``newest`` (seconds) is the day counted from. Nothing is looked up while the memory is too short to tell: on a new
    installation everything would be new.
    """
    end = scope.window.end
    back = replace(scope, window=Window(end - round((t.old_days + 1) * DAY_US), end))
    first = replace(scope, window=Window(0, end)).ask(query, "history_start").column("first").to_pylist()
    memory = _days(newest, first[0]) if first else 0.0
    if memory <= t.new_days:
        return {}, memory
    rows = back.ask(query, name, {"dst": dsts}).to_pylist()
    return {r["dst"]: _days(newest, r["first"]) for r in rows}, memory


def _days(newest: int, first: int) -> float:
    return (newest * 1_000_000 - first) / DAY_US
