"""From a measure to a threat score to a severity. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

# Threat scores at a rule's base, low, medium and high thresholds; between them it is linear, below base it is 0.
LEVELS = (0.2, 0.4, 0.6, 0.8)
SEVERITIES = (1, 2, 3, 4, 5)  # OCSF, below base, from base, low, medium, high


@dataclass(frozen=True)
class Steps:
    """The values of a measure at which it is worth 0.2, 0.4, 0.6 and 0.8 (the most)."""

    base: float
    low: float
    medium: float
    high: float

    def __post_init__(self) -> None:
        if not self.base < self.low < self.medium < self.high:
            raise ValueError("base, low, medium and high must ascend")

    def threat(self, measure: float) -> float:
        at = (self.base, self.low, self.medium, self.high)
        if measure < self.base:
            return 0.0
        if measure >= self.high:
            return LEVELS[-1]
        i = bisect_right(at, measure) - 1
        return LEVELS[i] + (LEVELS[i + 1] - LEVELS[i]) * (measure - at[i]) / (at[i + 1] - at[i])


def severity(threat: float) -> int:
    """OCSF severity of a threat score, rounded to three places first so that 0.4 is not 0.39999."""
    return SEVERITIES[bisect_right(LEVELS, round(threat, 3))]


@dataclass(frozen=True)
class Prevalence:
    """How many of the hosts inside speak with a destination: rare raises, common lowers. Small networks say nothing."""

    rare: float
    common: float
    change: float
    least_hosts: int

    def modifier(self, hosts: int, all_hosts: int) -> float:
        if all_hosts < self.least_hosts:
            return 0.0
        share = hosts / all_hosts
        return self.change if share <= self.rare else -self.change if share >= self.common else 0.0


@dataclass(frozen=True)
class FirstSeen:
    """New destinations raise, old ones lower; says nothing while the store remembers less than ``new_days``."""

    new_days: float
    old_days: float
    change: float

    def modifier(self, age_days: float | None, memory_days: float) -> float:
        """``age_days``: since the destination was first seen; ``memory_days``: since the first event of the network."""
        if age_days is None or memory_days <= self.new_days:
            return 0.0
        return self.change if age_days <= self.new_days else -self.change if age_days >= self.old_days else 0.0


def total(threat: float, modifiers: Mapping[str, float]) -> float:
    """The threat with its modifiers, within [0, 1]; nothing becomes something by modifiers alone."""
    return 0.0 if threat <= 0 else min(1.0, max(0.0, round(threat + sum(modifiers.values()), 3)))
