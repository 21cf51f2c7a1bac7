"""Machines that call home: beacons and strobes. The formula is in beacon_score, its numbers in the rule files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from detectors.base import Query, Site, Told
from detectors.hunts.beacon_calls import Bounds, Call, Series, Wanted
from detectors.hunts.beacon_score import Shape
from detectors.hunts.destinations import Destinations
from detectors.hunts.facts import Behind, Facts, flow_facts, host
from detectors.hunts.networks import Networks
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
class Graded:
    """A call with the threat that it is, the changes that made it so, and what else is told of it."""

    call: Call
    rule: Rule
    threat: float
    severity: int
    changes: Mapping[str, float]
    extra: Mapping[str, Any]


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

    def worth(self, query: Query, sites: Sequence[Site], span: Window) -> Sequence[Site]:
        """All of them: nearly every network has a pair with enough connections to score."""
        return sites

    def run(self, query: Query, org: str, network: str, windows: Sequence[Window]) -> Iterator[tuple[Window, Told]]:
        found: dict[Window, Told] = {}
        if windows:
            scope = Scope.of(query, org, network, windows, self._networks)
            for part, bounds in in_scope(query, scope, self._t.public_share):
                for window, told in zip(part.windows, self._hunt(query, part, bounds), strict=True):
                    found[Window(window.end - self._length, window.end)] = told
        for window in windows:
            yield window, found.get(window, [])

    @property
    def _length(self) -> int:
        return (self.hours + 1) * HOUR_US

    def _hunt(self, query: Query, scope: Scope, bounds: Sequence[Bounds]) -> list[Told]:
        """What is concluded of each window of a scope."""
        named = self._grade(query, scope, bounds, "names")
        pairs = self._grade(query, scope, bounds, "pairs")
        for names, addresses in zip(named, pairs, strict=True):
            # One story, one alert: what is told of a name is not told again of its addresses.
            covered: dict[Any, int] = {(g.call.src, a): g.severity for g in names for a in g.call.addresses}
            addresses[:] = [g for g in addresses if covered.get((g.call.src, g.call.dst), 1) < g.severity]
            names[:] = [g for g in names if g.severity > 1]
        by_name, by_pair = self._behind(query, scope, named, "names"), self._behind(query, scope, pairs, "pairs")
        told: list[Told] = []
        for names, addresses, b, window in zip(named, pairs, bounds, scope.windows, strict=True):
            known = [(g, by_name) for g in names] + [(g, by_pair) for g in addresses]
            told.append([self._tell(g, b, scope.public, behind.of((g.call.src, g.call.dst), window))
                         for g, behind in known if behind])  # fmt: skip
        return told

    def _grade(self, query: Query, scope: Scope, bounds: Sequence[Bounds], of: str) -> list[list[Graded]]:
        """The pairs that scored in each window, by ``of`` names or pairs of addresses, with the threat they are."""
        series = Series(scope.ask(query, f"beacon_{of}", {"least": self._t.least_times}))
        calls = [series.calls(w, b, self._wanted(scope)) for w, b in zip(scope.windows, bounds, strict=True)]
        every = [c for mine in calls for c in mine]
        if not every:
            return [[] for _ in calls]
        hosts = {at: b.hosts for at, b in enumerate(bounds)}
        newest = {at: b.newest for at, b in enumerate(bounds)}
        dsts = (c.dst for c in every)
        known = Destinations(query, scope, of, dsts, hosts, newest, self._t.prevalence, self._t.first_seen)
        missing: dict[Any, int] = {}
        if of == "pairs":
            rows = scope.ask(query, "missing_host", _both(every)).to_pylist()
            missing = {(r["at"], r["src"], r["dst"]): r["missing"] for r in rows}
        return [
            [self._graded(c, b, scope.public, known.about(at, c.dst), missing.get((at, c.src, c.dst), 0)) for c in mine]
            for at, (mine, b) in enumerate(zip(calls, bounds, strict=True))
        ]

    def _wanted(self, scope: Scope) -> Wanted:
        t = self._t
        least = t.public_threat if scope.public else LEVELS[0]
        return Wanted(t.shape, t.score, t.least_times, least, t.most, self._s.connections)

    def _graded(self, c: Call, b: Bounds, public: bool, about: Mapping[str, Any], missing: int) -> Graded:
        changes = about["modifiers"] | {
            "missing_host": self._t.missing_host if missing else 0.0,
            "short": self._t.short.change if b.newest - b.start < self._t.short.hours * 3600 else 0.0,
        }
        strobe = c.connections >= self._s.connections
        threat = total(self._s.threat if strobe else self._t.score.threat(c.parts["score"] * 100), changes)
        extra = {"hosts": about["hosts"], "all_hosts": about["all_hosts"], "missing_host": missing}
        grade = min(severity(threat), self._t.public_severity if public else 6)
        return Graded(c, self._strobe if strobe else self._beacon, threat, grade, changes, extra)

    def _behind(self, query: Query, scope: Scope, graded: list[list[Graded]], of: str) -> Behind | None:
        calls = [g.call for mine in graded for g in mine]
        if not calls:
            return None
        if of == "names":
            return Behind(scope.ask(query, "beacon_names_facts", _both(calls)), ("src", "dst"))
        return flow_facts(query, scope, ("src_ip", "dst_ip"), ((c.src, c.dst) for c in calls))

    def _tell(self, g: Graded, b: Bounds, public: bool, facts: Facts) -> tuple[Rule, Conclusion]:
        c = g.call
        explanation = {
            "src": ip_text(c.src), "dst": c.target, "connections": c.connections, **c.parts,
            "threat": g.threat, "modifiers": {k: v for k, v in g.changes.items() if v}, **g.extra,
            "ports": sorted(facts.ports), "sides": "unknown" if public else "known",
            "bars_start": b.start, "bars_end": b.newest,
        }  # fmt: skip
        return g.rule, Conclusion(
            subject=host(c.src), severity=g.severity, confidence=min(95, round(40 + 25 * math.log10(c.connections))),
            arguments=_arguments(c), explanation=explanation, related=(c.related,), group=f"{host(c.src)} {c.related}",
            filter=_filter(c, facts), **facts.shown(),
        )  # fmt: skip


def in_scope(query: Query, scope: Scope, public_share: float) -> Iterator[tuple[Scope, list[Bounds]]]:
    """The windows with something to score, from the hour of their first call on, and where their calls lie.

    A window whose newest call lies before its last hour is left out: another tells the same story. Where (almost) no
    flow has a side inside, the network has public addresses and nobody said which are its own: every pair between
    public addresses is scored then, but not above ``public_severity``. Those windows are a scope of their own.
    """
    rows = {r["at"]: r for r in scope.ask(query, "beacon_bounds").to_pylist()}
    doubtful = {at for at, r in rows.items() if r["calls"] < public_share * r["flows"]}
    other = replace(scope, public=True)
    outside = {r["at"]: r for r in other.ask(query, "beacon_bounds").to_pylist()} if doubtful else {}
    public = {at for at in doubtful if at in outside and rows[at]["calls"] < public_share * outside[at]["calls"]}
    for part, chosen in ((scope, {at: r for at, r in rows.items() if at not in public}),
                         (other, {at: outside[at] for at in public})):  # fmt: skip
        windows, bounds = [], []
        for at, row in sorted(chosen.items()):
            newest, end = row["newest"], scope.windows[at].end
            if row["calls"] and newest * SECOND_US >= end - HOUR_US:
                start = max(row["first"], newest - DAY_S)
                windows.append(Window(max(scope.windows[at].start, (start - start % 3600) * SECOND_US), end))
                bounds.append(Bounds(start, newest, row["hosts"]))
        if windows:
            yield replace(part, windows=tuple(windows)), bounds


def _both(calls: Iterable[Call]) -> dict[str, list[str]]:
    pairs = sorted({(ip_text(c.src), c.target) for c in calls})
    return {"src": [src for src, _ in pairs], "dst": [dst for _, dst in pairs]}


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
    kind = facts.kind
    return {"kind": kind, "where": {"src_ip": src, "sni" if kind == "tls" else "host": c.dst}}
