"""What window hunts that apply one rule share."""

from __future__ import annotations

from detectors.base import Query
from detectors.hunts.networks import Networks
from detectors.hunts.sql import Scope
from detectors.rulefile import RuleFile
from fengsui.finding import Conclusion, Rule, Window

Told = list[tuple[Rule, Conclusion]]


class OneRule:
    """Its name is its rule's id. A subclass reads its thresholds and says ``run``."""

    kinds: tuple[str, ...] = ("flow",)

    def __init__(self, file: RuleFile, networks: Networks) -> None:
        self.name = file.rule.id
        self.rules: tuple[Rule, ...] = (file.rule,)
        self.hours = file.hours
        self._rule = file.rule
        self._networks = networks

    def _scope(self, query: Query, org: str, network: str, window: Window) -> Scope:
        return Scope.of(query, org, network, window, self._networks)
