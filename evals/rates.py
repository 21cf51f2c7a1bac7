"""Rates with intervals, and what a score is worth."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binomtest

RATES = (0.001, 0.01, 0.05)


def interval(hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's, 95 %."""
    found = binomtest(hits, n).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def recall_at(bad: Sequence[float], good: Sequence[float], rate: float) -> tuple[float, float] | None:
    """Recall and threshold at a rate of false alarms; None if there are too few benign ones to support it."""
    allowed = int(len(good) * rate)
    if allowed < 1:
        return None
    threshold = sorted(good, reverse=True)[allowed]
    return sum(p > threshold for p in bad) / len(bad), threshold


def auc(bad: Sequence[float], good: Sequence[float]) -> float:
    """The share of pairs in the right order (Mann and Whitney)."""
    ranked = sorted([(p, 1) for p in bad] + [(p, 0) for p in good])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(is_bad for _, is_bad in ranked[at:end]) * (at + 1 + end) / 2
        at = end
    n = len(bad)
    return (total - n * (n + 1) / 2) / (n * len(good))
