"""What window hunts that apply one rule share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detectors.base import Query, Told
from detectors.hunts.networks import Networks
from detectors.hunts.sql import Scope
from detectors.rulefile import RuleFile
from fengsui.finding import Conclusion, Rule, Window


class OneRule:
    """Its name is its rule's id. A subclass reads its thresholds and says ``_conclude``."""

    kinds: tuple[str, ...] = ("flow",)

    def __init__(self, file: RuleFile, networks: Networks) -> None:
        self.name = file.rule.id
        self.rules: tuple[Rule, ...] = (file.rule,)
        self.hours = file.hours
        self._rule = file.rule
        self._networks = networks

    def run(self, query: Query, org: str, network: str, windows: Sequence[Window]) -> Iterator[tuple[Window, Told]]:
        found: list[list[Conclusion]] = [[] for _ in windows]
        if windows:
            self._conclude(query, Scope.of(query, org, network, windows, self._networks), found)
        for window, mine in zip(windows, found, strict=True):
            yield window, [(self._rule, c) for c in mine]

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        """Add to ``found`` what is concluded of each of the scope's windows, by their numbers."""
        raise AssertionError("a hunt says how")
