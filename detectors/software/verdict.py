"""The verdict: a pure function of facts and context, computed anew each time and never kept.

Evidence adds up in log odds. One kind of thing counts in full once and little when it comes again; what can be done and
how it is hidden count together. A limit turns *clean* into *incomplete* and hides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.software.facts import Evidence, Facts, Limit

MALICIOUS, SUSPICIOUS, INCOMPLETE, CLEAN = "malicious", "suspicious", "incomplete", "clean"
BASE = -4.0
"""Log odds of malice of software of which nothing is known: about 2 %."""
AT_LEAST = {MALICIOUS: 0.9, SUSPICIOUS: 0.25}
"""Probabilities from which a verdict is given."""
AGAIN = 0.25
"""What the same rule in another file adds, as a share of the first."""
MOST_AGAIN = 3


@dataclass(frozen=True)
class Context:
    """What is known besides the content: ``known_bad`` maps a SHA-256 to the list that names it."""

    known_bad: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """``reasons``: evidence with its share in the log odds, greatest first; shares and ``base`` sum to the score."""

    word: str
    probability: float
    base: float
    reasons: tuple[tuple[Evidence, float], ...]
    limits: tuple[Limit, ...]


def verdict(facts: Facts, context: Context = Context()) -> Verdict:
    shares: list[tuple[Evidence, float]] = []
    times: dict[str, int] = {}
    known = [Evidence("known-bad", f.path, 12.0, matched=context.known_bad[f.sha256])
             for f in facts.files if f.sha256 in context.known_bad]  # fmt: skip
    for e in sorted((*known, *facts.evidence), key=lambda e: -e.weight):
        n = times.get(e.rule, 0)
        times[e.rule] = n + 1
        share = e.weight if n == 0 else e.weight * AGAIN if n <= MOST_AGAIN else 0.0
        shares.append((e, share))
    score = BASE + sum(s for _, s in shares)
    p = 1 / (1 + math.exp(-max(-60.0, min(60.0, score))))
    word = next((w for w, least in AT_LEAST.items() if p >= least), INCOMPLETE if facts.limits else CLEAN)
    return Verdict(word, p, BASE, tuple(sorted(shares, key=lambda x: -x[1])), facts.limits)
