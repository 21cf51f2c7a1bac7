"""Machines that call home: beacons and strobes. The formula is in beacon_score, its numbers in the rule files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.base import Query
from detectors.hunts import beacon_score
from detectors.hunts.beacon_score import Scores, Shape
from detectors.hunts.destinations import modifiers
from detectors.hunts.facts import Facts, flow_facts, gather, host
from detectors.hunts.networks import Networks
from detectors.hunts.segments import Lists
from detectors.hunts.sql import Scope
from detectors.hunts.threat import LEVELS, FirstSeen, Prevalence, Steps, severity, total
from detectors.rulefile import RuleFile, into
from fengsui.finding import HOUR_US, Conclusion, Rule, Window
from fengsui.jsonform import ip_text

SECOND_US = 1_000_000
DAY_S = 86_400


@dataclass(frozen=True)
class Short:
    """Change of the threat where less than ``hours`` were observed: anything lasts through a short capture."""

    hours: float
    change: float


@dataclass(frozen=True)
class Thresholds:
    """Keys of ``rules/hunts/beacon.yaml``."""

    score: Steps
    shape: Shape
    least_times: int
    most: int
    prevalence: Prevalence
    first_seen: FirstSeen
    missing_host: float
    public_share: float
    public_severity: int
    public_threat: float
    short: Short


@dataclass(frozen=True)
class StrobeThresholds:
    """Keys of ``rules/hunts/strobe.yaml``."""

    connections: int
    threat: float


@dataclass(frozen=True)
class Bounds:
    """Where the window's connections lie: whole seconds, and the hosts inside that made them."""

    scope: Scope
    start: int
    newest: int
    hosts: int


@dataclass(frozen=True)
class Call:
    """A pair that scored: ``dst`` is an address (bytes) or a name. A strobe has no parts."""

    src: bytes
    dst: bytes | str
    connections: int
    parts: Mapping[str, Any]
    addresses: tuple[bytes, ...] = ()

    @property
    def target(self) -> str:
        return self.dst if isinstance(self.dst, str) else ip_text(self.dst)

    @property
    def related(self) -> str:
        return f"domain:{self.dst}" if isinstance(self.dst, str) else host(self.dst)


class Beacon:
    name = "beacon"
    kinds: tuple[str, ...] = ("flow", "http", "tls")

    def __init__(self, file: RuleFile, strobe: RuleFile, networks: Networks) -> None:
        self._beacon, self._strobe = file.rule, strobe.rule
        self.rules: tuple[Rule, ...] = (file.rule, strobe.rule)
        self.hours = file.hours
        self._t = into(Thresholds, file.thresholds)
        self._s = into(StrobeThresholds, strobe.thresholds)
        self._networks = networks

    def run(self, query: Query, org: str, network: str, window: Window) -> list[tuple[Rule, Conclusion]]:
        bounds = self._bounds(query, Scope.of(query, org, network, window, self._networks))
        if bounds is None:
            return []
        limits = {"strobe": self._s.connections, "least": self._t.least_times}
        named = self._calls(bounds.scope.ask(query, "beacon_names", limits), bounds)
        told = self._conclude(query, bounds, named, "names")
        # One story, one alert: what is told of a name is not told again of its addresses.
        covered: dict[tuple[bytes, Any], Conclusion] = {
            (c.src, a): s for c, (_, s) in zip(named, told, strict=True) for a in c.addresses
        }
        pairs = self._calls(bounds.scope.ask(query, "beacon_pairs", limits), bounds)
        told += [
            (rule, c) for p, (rule, c) in zip(pairs, self._conclude(query, bounds, pairs, "pairs"), strict=True)
            if (p.src, p.dst) not in covered or covered[p.src, p.dst].severity < c.severity
        ]  # fmt: skip
        return [(rule, c) for rule, c in told if c.severity > 1]

    def _bounds(self, query: Query, scope: Scope) -> Bounds | None:
        """The window's scope, or None where another window tells the same story.

        Where (almost) no flow has a side inside, the network has public addresses and nobody said which are its own:
        every pair between public addresses is scored then, but not above ``public_severity``.
        """
        row = scope.ask(query, "beacon_bounds").to_pylist()[0]
        if row["calls"] < self._t.public_share * row["flows"]:
            other = replace(scope, public=True)
            public = other.ask(query, "beacon_bounds").to_pylist()[0]
            if row["calls"] < self._t.public_share * public["calls"]:
                scope, row = other, public
        newest = row["newest"]
        if not row["calls"] or newest * SECOND_US < scope.window.end - HOUR_US:
            return None
        start = max(row["first"], newest - DAY_S)
        since = max(scope.window.start, (start - start % 3600) * SECOND_US)
        return Bounds(replace(scope, window=Window(since, scope.window.end)), start, newest, row["hosts"])

    def _calls(self, table: pa.Table, bounds: Bounds) -> list[Call]:
        """The pairs at or above the lowest threshold, the ``most`` highest of them, and the strobes."""
        t = self._t
        counts = table.column("connections").to_numpy()
        strobes = np.flatnonzero(counts >= self._s.connections)
        times = Lists.from_arrow(table.column("times"))
        scored = np.flatnonzero(beacon_score.scorable(times, t.shape))
        times, sizes = times.take(scored), Lists.from_arrow(table.column("sizes")).take(scored)
        s = beacon_score.score(times, sizes, bounds.start, bounds.newest, t.shape)
        least = t.public_threat if bounds.scope.public else LEVELS[0]
        high = [i for i in np.flatnonzero(s.score * 100 >= t.score.base) if t.score.threat(s.score[i] * 100) >= least]
        high = sorted(high, key=lambda i: (-s.score[i], i))[: t.most]
        parts = {int(scored[i]): _parts(s, int(i)) for i in high} | {int(i): {} for i in strobes}
        rows = table.take(np.array(sorted(parts), np.int64)).drop_columns(["times", "sizes"]).to_pylist()
        return [Call(r["src"], r["dst"], r["connections"], parts[i], tuple(r.get("addresses", ())))
                for i, r in zip(sorted(parts), rows, strict=True)]  # fmt: skip

    def _conclude(self, query: Query, bounds: Bounds, calls: list[Call], of: str) -> list[tuple[Rule, Conclusion]]:
        if not calls:
            return []
        scope = bounds.scope
        both = {"src": [ip_text(c.src) for c in calls], "dst": [c.target for c in calls]}
        known = modifiers(query, scope, of, [c.dst for c in calls], bounds.hosts, bounds.newest, self._t.prevalence,
                          self._t.first_seen)  # fmt: skip
        if of == "names":
            facts = gather(scope.ask(query, "beacon_names_facts", both), ("src", "dst"))
            missing: dict[Any, int] = {}
        else:
            facts = flow_facts(query, scope, ("src_ip", "dst_ip"), [(c.src, c.dst) for c in calls])
            missing = {(r["src"], r["dst"]): r["missing"] for r in scope.ask(query, "missing_host", both).to_pylist()}
        told = []
        for c in calls:
            without = missing.get((c.src, c.dst), 0)
            about = known[c.dst]
            changes = about["modifiers"] | {
                "missing_host": self._t.missing_host if without else 0.0,
                "short": self._t.short.change if bounds.newest - bounds.start < self._t.short.hours * 3600 else 0.0,
            }
            extra = {"hosts": about["hosts"], "all_hosts": about["all_hosts"], "missing_host": without}
            told.append(self._tell(c, bounds, facts[c.src, c.dst], changes, extra))
        return told

    def _tell(self, c: Call, bounds: Bounds, facts: Facts, changes: Mapping[str, float],
              extra: Mapping[str, Any]) -> tuple[Rule, Conclusion]:  # fmt: skip
        strobe = c.connections >= self._s.connections
        rule = self._strobe if strobe else self._beacon
        threat = total(self._s.threat if strobe else self._t.score.threat(c.parts["score"] * 100), changes)
        grade = min(severity(threat), self._t.public_severity if bounds.scope.public else 6)
        explanation = {
            "src": ip_text(c.src), "dst": c.target, "connections": c.connections, **c.parts,
            "threat": threat, "modifiers": {k: v for k, v in changes.items() if v}, **extra,
            "ports": sorted(facts.ports), "sides": "unknown" if bounds.scope.public else "known",
            "bars_start": bounds.start, "bars_end": bounds.newest,
        }  # fmt: skip
        return rule, Conclusion(
            subject=host(c.src), severity=grade, confidence=min(95, round(40 + 25 * math.log10(c.connections))),
            arguments=_arguments(c), explanation=explanation, related=(c.related,), group=f"{host(c.src)} {c.related}",
            filter=_filter(c, facts), **facts.shown(),
        )  # fmt: skip


def _arguments(c: Call) -> dict[str, Any]:
    """What the rule's text may name; whole seconds."""
    interval = c.parts["intervals"]["q2"] if c.parts else 0
    return {"src": ip_text(c.src), "dst": c.target, "connections": c.connections, "interval": round(interval),
            "score": c.parts.get("score", 0)}  # fmt: skip


def _filter(c: Call, facts: Facts) -> dict[str, Any]:
    """Where the rest of the evidence is found."""
    src = ip_text(c.src)
    if isinstance(c.dst, bytes):
        return {"kind": "flow", "where": {"src_ip": src, "dst_ip": c.target}}
    kind = facts.evidence[0].kind
    return {"kind": kind, "where": {"src_ip": src, "sni" if kind == "tls" else "host": c.dst}}


def _parts(s: Scores, i: int) -> dict[str, Any]:
    """The numbers behind one score: intervals in seconds, sizes in bytes, bars for a chart."""
    return {
        "score": float(s.score[i]), "ts": float(s.ts[i]), "ds": float(s.ds[i]), "dur": float(s.dur[i]),
        "hist": round(float(s.hist[i]), 3),
        "intervals": {k: float(getattr(s.intervals, k)[i]) for k in ("q1", "q2", "q3", "mad")},
        "sizes": {k: float(getattr(s.sizes, k)[i]) for k in ("q1", "q2", "q3", "mad")},
        "bars": s.bars[i].tolist(), "run": int(s.run[i]),
    }  # fmt: skip
