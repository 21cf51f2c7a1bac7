"""How long a destination has been known, as far as the store remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detectors.base import Query
from detectors.hunts.sql import Scope
from detectors.hunts.threat import FirstSeen
from fengsui.finding import HOUR_US, Window

DAY_US = 86_400_000_000


class History:
    """When destinations were first seen in the last ``old_days`` and one before the end of each window of a scope.

    Nothing is looked up while the memory is too short to tell: on a new installation everything would be new.
    ``newest``: seconds of the newest call of any window.
    """

    def __init__(self, query: Query, scope: Scope, name: str, dsts: Sequence[str], newest: int, t: FirstSeen) -> None:
        self._scope, self._t = scope, t
        self._back = round((t.old_days + 1) * 24) * HOUR_US
        ends = scope.span.end
        back = replace(scope, windows=(Window(scope.windows[0].end - self._back, ends),))
        self._days: list[int] = back.ask(query, "history_start").column("first").to_pylist()
        self._seen: dict[bytes | str, list[tuple[int, int]]] = {}
        if dsts and len(self._days) > t.new_days:
            for r in back.ask(query, name, {"dst": dsts, "later": ends - self._back}).to_pylist():
                self._seen.setdefault(r["dst"], []).append((r["since"], r["first"]))

    def memory(self, at: int, newest: int) -> float:
        """Days from the first event that window ``at`` can look back on to ``newest`` (seconds).

        0 if the network was watched on no more than ``new_days`` of them: an old capture beside today's logs does not
        make everything of today new.
        """
        end = self._scope.windows[at].end
        watched = [first for first in self._days if end - self._back <= first < end]
        return _days(newest, watched[0]) if len(watched) > self._t.new_days else 0.0

    def modifier(self, at: int, dst: bytes | str, newest: int) -> float:
        """Change of the threat for a destination in window ``at``; ``newest`` (seconds) is counted from."""
        end = self._scope.windows[at].end
        times = [first for since, first in self._seen.get(dst, ()) if since >= end - self._back and first < end]
        return self._t.modifier(_days(newest, min(times)) if times else None, self.memory(at, newest))


def _days(newest: int, first: int) -> float:
    return (newest * 1_000_000 - first) / DAY_US
