"""What is known of a destination outside: how many hosts inside use it, and for how long. Raises or lowers a threat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.base import Query
from detectors.hunts.history import History
from detectors.hunts.sql import Scope
from detectors.hunts.threat import FirstSeen, Prevalence
from fengsui.jsonform import ip_text


def all_hosts(query: Query, scope: Scope) -> dict[int, int]:
    """Hosts inside that called outside, by window."""
    return {r["at"]: r["hosts"] for r in scope.ask(query, "hosts").to_pylist()}


class Destinations:
    """Modifiers of the threat of destinations, for all windows of a scope. ``of``: pairs (addresses) or names.

    ``hosts`` that called at all, and the second of the ``newest`` call, are by window.
    """

    def __init__(self, query: Query, scope: Scope, of: str, dsts: Iterable[bytes | str], hosts: Mapping[int, int],
                 newest: Mapping[int, int], prevalence: Prevalence, first_seen: FirstSeen) -> None:  # fmt: skip
        names = sorted({d if isinstance(d, str) else ip_text(d) for d in dsts})
        rows = scope.ask(query, f"beacon_{of}_hosts", {"dst": names}).to_pylist() if names else []
        self._using = {(r["at"], r["dst"]): r["hosts"] for r in rows}
        self._hosts, self._newest, self._prevalence = hosts, newest, prevalence
        self._history = History(query, scope, f"history_{of}", names, max(newest.values(), default=0), first_seen)

    def about(self, at: int, dst: bytes | str) -> Mapping[str, Any]:
        """``modifiers`` of the threat in window ``at``, how many ``hosts`` use it, and of how many."""
        using, hosts = self._using.get((at, dst), 1), self._hosts.get(at, 0)
        return {
            "modifiers": {
                "prevalence": self._prevalence.modifier(using, hosts),
                "first_seen": self._history.modifier(at, dst, self._newest[at]),
            },
            "hosts": using, "all_hosts": hosts,
        }  # fmt: skip
