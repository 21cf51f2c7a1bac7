"""Indicators against each new slice of events, as set operations in the store.

A name is looked up with all its parents, an address with its network of each prefix length that the list has: both are
plain equality, so a list of a million costs one look-up of the slice's distinct values, not a comparison with each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from detectors.base import Query, Slice
from detectors.intel.parse import MAX_LABELS
from detectors.intel.table import TABLE, IndicatorList
from detectors.slicing import DESTINATION, SLICE, SOURCE, Group, grouped, parameters
from fengsui.finding import MAX_EVIDENCE, Conclusion, Detection, Rule

_TITLE = {"en": "On the list {name}", "zh": "命中情报清单：{name}"}
_TEXT = {"en": "{host} had to do with {indicators} (list {list}, {count} events)",
         "zh": "{host} 与 {indicators} 有往来（情报 {list}，{count} 条事件）"}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a kind holds a value: ``many`` says the expression is an array. ``host`` is the side that we answer for."""

    type: str
    sql: str
    where: str
    host: str = SOURCE
    many: bool = False


_ANSWER_IPS = "arrayMap(a -> assumeNotNull(a), arrayFilter(a -> isNotNull(a), arrayMap(a -> toIPv6OrNull(a), answers)))"
PLACES: Mapping[str, tuple[Place, ...]] = {
    "flow": (Place("network", "dst_ip", "destination"), Place("network", "src_ip", "source", DESTINATION)),
    "dns": (Place("domain", "query", "query"), Place("domain", "answers", "answer", many=True),
            Place("network", _ANSWER_IPS, "answer address", many=True)),
    "tls": (Place("domain", "sni", "server name"),),
    "http": (Place("domain", "host", "host"),),
}  # fmt: skip

# Keys under which a list may hold a value, the most specific first. Of a name: its last MAX_LABELS parents, itself
# among them, so a longer name costs no more. Of an address: its network of each prefix length.
_PARENTS = f"""arrayElement(arrayMap(labels -> arrayMap(i -> arrayStringConcat(arraySlice(labels, i), '.'),
range(toUInt64(greatest(1, toInt64(length(labels)) - {MAX_LABELS - 1})), toUInt64(length(labels)) + 1)),
[splitByChar('.', lower({{v}}))]), 1)"""
_NETWORKS = """arrayMap(p -> concat(IPv6NumToString(IPv6CIDRToRange({v}, p).1), '/', toString(p)),
{{prefixes:Array(UInt8)}})"""


class IntelHunt:
    """One list in one version, which is its rule's version: another one runs over everything announced.

    A conclusion covers what one host had to do with the list in one message.
    """

    def __init__(self, listed: IndicatorList, severity: int = 4, confidence: int = 80) -> None:
        self.listed, self.severity, self.confidence = listed, severity, confidence
        self.name = f"intel.{listed.name}"
        self.kinds = tuple(k for k, places in PLACES.items() if any(self._holds(p) for p in places))
        self.rule = Rule(
            id=f"intel.{listed.name}", version=str(listed.version), category="malware/botnet",
            title={lang: t.format(name=listed.name) for lang, t in _TITLE.items()},
            text=_TEXT,
        )  # fmt: skip
        self.rules: tuple[Rule, ...] = (self.rule,)

    def run(self, query: Query, part: Slice) -> list[Detection]:
        found: dict[tuple[str, str, str, str, str], list[tuple[Place, Group]]] = {}
        for place in PLACES[part.kind]:
            if self._holds(place):
                for g in self._look(query, part, place):
                    found.setdefault((g.org, g.network, g.subject, g.origin, g.unit), []).append((place, g))
        return [
            Detection(self.rule, org, network, self._conclude(part.kind, hits))
            for (org, network, *_), hits in found.items()
        ]

    def _holds(self, place: Place) -> bool:
        return bool(self.listed.domains if place.type == "domain" else self.listed.networks)

    def _look(self, query: Query, part: Slice, place: Place) -> list[Group]:
        bound: dict[str, Any] = {
            "list": self.listed.name,
            "version": self.listed.version,
            "prefixes": sorted(self.listed.prefixes, reverse=True),
        }
        hits = query(_hits(part.kind, place), {**parameters(part), **bound})
        if not hits.num_rows:
            return []
        names = dict(zip(hits.column("key").to_pylist(), hits.column("value").to_pylist(), strict=True))
        bound["hits"], bound["lows"] = list(names), [k.split("/")[0] for k in names]
        found = grouped(query, part, _rows(part.kind, place), bound, samples=("indicator", "seen"))
        return [_named(g, names) for g in found]

    def _conclude(self, kind: str, hits: list[tuple[Place, Group]]) -> Conclusion:
        groups = [g for _, g in hits]
        hours: dict[int, int] = {}
        for g in groups:
            for h, n in g.hours.items():
                hours[h] = max(hours.get(h, 0), n)  # the same rows may match in several places
        indicators = sorted({i for g in groups for i in g.samples["indicator"]})
        count = max(g.count for g in groups)
        events = {e for g in groups for e in g.evidence}
        evidence = tuple(sorted(events, key=lambda e: (e.ts, e.event_id))[:MAX_EVIDENCE])
        return Conclusion(
            subject=groups[0].subject, severity=self.severity, confidence=self.confidence,
            arguments={"host": groups[0].subject.removeprefix("host:"), "indicators": ", ".join(indicators[:4]),
                       "list": self.listed.name, "count": count},
            explanation={"kind": kind, "list": self.listed.name, "version": self.listed.version, "count": count,
                         "hits": [_hit(p, g) for p, g in hits]},
            first_seen=min(g.first for g in groups), last_seen=max(g.last for g in groups), hours=hours,
            related=tuple(_subject(i) for i in indicators), evidence=evidence,
            filter={"kind": kind, "list": self.listed.name}, origin=groups[0].origin, unit=groups[0].unit,
        )  # fmt: skip


def _values(kind: str, place: Place) -> str:
    """Distinct values of the slice at a place, as ``v``."""
    value = f"arrayJoin({place.sql})" if place.many else place.sql
    return f"SELECT DISTINCT {value} AS v FROM {kind} WHERE {SLICE}"  # noqa: S608 our own expressions


def _hits(kind: str, place: Place) -> str:
    """Keys of the slice that the list holds, and how the list writes them."""
    mine = f"FROM {TABLE} WHERE list = {{list:String}} AND version = {{version:UInt64}} AND type = '{place.type}'"
    if place.type == "domain":
        wanted = f"SELECT arrayJoin({_PARENTS.format(v='v')}) FROM ({_values(kind, place)})"  # noqa: S608 ours
        return f"SELECT DISTINCT value AS key, value {mine} AND value IN ({wanted})"
    networks = "SELECT IPv6CIDRToRange(v, p).1 FROM ({}) ARRAY JOIN {{prefixes:Array(UInt8)}} AS p"
    key = "concat(IPv6NumToString(low), '/', toString(prefix)) AS key"
    # By first address alone, four times as fast as by both; ``_rows`` compares the prefix too.
    return f"SELECT DISTINCT {key}, value {mine} AND low IN ({networks.format(_values(kind, place))})"


def _rows(kind: str, place: Place) -> str:
    """The rows of the slice that hold one of the keys in ``hits``, each once, with the most specific key."""
    keys = _PARENTS if place.type == "domain" else _NETWORKS
    keys = keys.format(v="v" if place.many else place.sql)
    if place.many:
        keys = f"arrayFlatten(arrayMap(v -> {keys}, {place.sql}))"
    seen = "indicator" if place.many else _text(place)
    return f"""SELECT org, network, {place.host} AS subject, origin, `offset`, ts, event_id, {seen} AS seen,
arrayFirst(k -> k IN {{hits:Array(String)}}, {keys}) AS indicator
FROM (SELECT * FROM {kind} WHERE {SLICE}{_may_match(place)}) WHERE notEmpty(indicator)"""  # noqa: S608 ours


def _may_match(place: Place) -> str:
    """Leaves out most rows before keys are written as text, which is slow for addresses."""
    if place.type == "domain" or place.many:
        return ""
    low = f"IPv6CIDRToRange({place.sql}, p).1"
    return f"\nAND arrayExists(p -> {low} IN {{lows:Array(IPv6)}}, {{prefixes:Array(UInt8)}})"


def _text(place: Place) -> str:
    return place.sql if place.type == "domain" else f"replaceRegexpOne(IPv6NumToString({place.sql}), '^::ffff:', '')"


def _named(g: Group, names: Mapping[str, str]) -> Group:
    """Keys as the list writes them."""
    shown = tuple(sorted(names.get(i, i) for i in g.samples["indicator"]))
    seen = tuple(names.get(s, s) for s in g.samples["seen"])
    return replace(g, samples={**g.samples, "indicator": shown, "seen": seen})


def _hit(place: Place, g: Group) -> dict[str, Any]:
    return {"where": place.where, "indicators": list(g.samples["indicator"]), "seen": list(g.samples["seen"]),
            "count": g.count}  # fmt: skip


def _subject(indicator: str) -> str:
    if "/" in indicator:
        return f"network:{indicator}"
    return f"host:{indicator}" if ":" in indicator or indicator.replace(".", "").isdigit() else f"domain:{indicator}"
