"""What window hunts that apply one rule share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from detectors.base import Query, Site, Told
from detectors.hunts.networks import Networks
from detectors.hunts.sql import Scope, ask_sites
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

    def worth(self, query: Query, sites: Sequence[Site], span: Window) -> set[Site]:
        return ask_sites(query, f"worth_{self.name}", sites, span, self._networks, self._least())

    def _least(self) -> Mapping[str, Any]:
        """What ``worth_<name>.sql`` binds beside sites and networks."""
        raise AssertionError("a hunt says what")

    def run(self, query: Query, org: str, network: str, windows: Sequence[Window]) -> Iterator[tuple[Window, Told]]:
        found: list[list[Conclusion]] = [[] for _ in windows]
        if windows:
            self._conclude(query, Scope.of(query, org, network, windows, self._networks), found)
        for window, mine in zip(windows, found, strict=True):
            yield window, [(self._rule, c) for c in mine]

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        """Add to ``found`` what is concluded of each of the scope's windows, by their numbers."""
        raise AssertionError("a hunt says how")
