"""Rates with intervals, and what a score is worth."""

from __future__ import annotations

from collections.abc import Sequence

RATES = (0.001, 0.01, 0.05)


def interval(hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's, by bisection of the binomial's tails."""

    def tail(p: float, least: int) -> float:
        """P(X >= least) of n trials."""
        term, total = (1 - p) ** n, 0.0
        for k in range(n + 1):
            if k >= least:
                total += term
            term *= (n - k) / (k + 1) * p / (1 - p) if p < 1 else 0.0
        return total

    def where(least: int, goal: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            p = (low + high) / 2
            low, high = (p, high) if tail(p, least) < goal else (low, p)
        return low

    if n > 1000:  # the tails above lose their digits; Wilson's is close there
        z, p = 1.96, hits / n
        centre, half = p + z * z / 2 / n, z * ((p * (1 - p) + z * z / 4 / n) / n) ** 0.5
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return (where(hits, 0.025) if hits else 0.0), (where(hits + 1, 0.975) if hits < n else 1.0)


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
