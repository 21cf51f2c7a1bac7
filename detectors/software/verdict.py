"""The verdict: a pure function of facts and context, computed anew each time and never kept.

Evidence adds up in log odds. Of a Python package the trained model says what each thing adds where it stands beside the
others; what it has not seen in training, and all of other software, counts by the weight of its rule: in full once, and
little when it comes again. A limit turns *clean* into *incomplete* and hides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from detectors.software import model as trained
from detectors.software.facts import Evidence, Facts, Limit, Use
from detectors.software.features import features, is_python_package
from detectors.software.model import Model
from detectors.software.names import WEIGHTS, Names
from detectors.software.since import since

MALICIOUS, SUSPICIOUS, INCOMPLETE, CLEAN = "malicious", "suspicious", "incomplete", "clean"
BASE = -4.0
"""Log odds of malice of software of which nothing is known: about 2 %."""
AT_LEAST = {MALICIOUS: 0.9, SUSPICIOUS: 0.25}
"""Probabilities from which a verdict is given."""
AGAIN = 0.25
"""What the same rule in another file adds, as a share of the first."""
MOST_AGAIN = 3
USE = "use"
"""The rule of a call that only the model weighs."""
SHOWN = 3
"""Places that a feature's share is divided among."""

Shares = list[tuple[Evidence, float]]


@dataclass(frozen=True)
class Context:
    """What is known besides the content: ``known_bad`` maps a SHA-256 to the list that names it, ``names`` an ecosystem
    to the names that everybody knows there, ``previous`` are the facts of the release before."""

    known_bad: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, Names] = field(default_factory=dict)
    previous: Facts | None = None


@dataclass(frozen=True)
class Verdict:
    """``reasons``: evidence with its share in the log odds, greatest first; shares and ``base`` sum to the score."""

    word: str
    probability: float
    base: float
    reasons: tuple[tuple[Evidence, float], ...]
    limits: tuple[Limit, ...]


def verdict(facts: Facts, context: Context = Context(), model: Model | None = None) -> Verdict:
    """``model``: the one that is shipped where none is given."""
    known = [Evidence("known-bad", f.path, 12.0, matched=context.known_bad[f.sha256])
             for f in facts.files if f.sha256 in context.known_bad]  # fmt: skip
    known += [Evidence("name.near", c.path, WEIGHTS[near.kind], matched=f"{c.name} ~ {near.name}",
                       arguments={"kind": near.kind, "rank": str(near.rank)})
              for c in facts.claims if c.ecosystem in context.names
              if (near := context.names[c.ecosystem].near(c.name)) is not None]  # fmt: skip
    if context.previous is not None:
        known += since(context.previous, facts)
    if is_python_package(facts):
        model = model or trained.load()
        base, shares = by_model(facts, model)
        others = [replace(e, weight=model.weight(e.rule,
                                                 e.weight)) for e in facts.evidence if e.rule not in model.rules]
        shares += by_weight((*known, *others))
    else:
        base, shares = BASE, by_weight((*known, *facts.evidence))
    score = base + sum(s for _, s in shares)
    p = 1 / (1 + math.exp(-max(-60.0, min(60.0, score))))
    word = next((w for w, least in AT_LEAST.items() if p >= least), INCOMPLETE if facts.limits else CLEAN)
    if word not in AT_LEAST:  # calls alone are then nothing to show anybody
        base += sum(s for e, s in shares if e.rule == USE)
        shares = [(e, s) for e, s in shares if e.rule != USE]
    return Verdict(word, p, base, tuple(sorted(shares, key=lambda x: -x[1])), facts.limits)


def by_weight(evidence: Iterable[Evidence]) -> Shares:
    """Rule by rule: the heaviest in full, a few others at a share."""
    shares: Shares = []
    times: dict[str, int] = {}
    for e in sorted(evidence, key=lambda e: -e.weight):
        n = times.get(e.rule, 0)
        times[e.rule] = n + 1
        shares.append((e, e.weight if n == 0 else e.weight * AGAIN if n <= MOST_AGAIN else 0.0))
    return shares


def by_model(facts: Facts, model: Model) -> tuple[float, Shares]:
    """The base, with what is added by things that are not there; and the shares of what is, each divided among the
    first places where it was found."""
    found = features(facts)
    base, by_feature = model.shares({name: f.value for name, f in found.items()})
    shares: dict[tuple[object, ...], tuple[Evidence, float]] = {}
    for name, share in by_feature.items():
        if name not in found:
            base += share
            continue
        places = found[name].of[:SHOWN]
        for of in places:
            e = _as_evidence(of)
            key = (e.rule, e.path, e.line, e.offset, e.matched)
            shares[key] = (e, shares.get(key, (e, 0.0))[1] + share / len(places))
    return base, [x for x in shares.values() if x[1]]


def _as_evidence(of: Evidence | Use) -> Evidence:
    if isinstance(of, Evidence):
        return of
    return Evidence(USE, of.path, 0.0, of.line, matched=of.name, arguments={"when": of.when})
