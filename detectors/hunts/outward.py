"""Hunts over pairs of a host inside and an address outside: long connections, and uploads far beyond the ordinary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detectors.base import Query
from detectors.hunts import destinations
from detectors.hunts.facts import Facts, flow_facts, host
from detectors.hunts.networks import Networks
from detectors.hunts.one_rule import OneRule, Told
from detectors.hunts.sql import Scope
from detectors.hunts.threat import FirstSeen, Prevalence, Steps, severity, total
from detectors.rulefile import RuleFile, into
from fengsui.finding import Conclusion, Window
from fengsui.jsonform import ip_text

Row = Mapping[str, Any]


@dataclass(frozen=True)
class LongThresholds:
    """Keys of ``rules/hunts/long_connection.yaml``."""

    hours: Steps
    prevalence: Prevalence
    first_seen: FirstSeen


class LongConnection(OneRule):
    def __init__(self, file: RuleFile, networks: Networks) -> None:
        super().__init__(file, networks)
        self._t = into(LongThresholds, file.thresholds)

    def run(self, query: Query, org: str, network: str, window: Window) -> Told:
        scope, t = self._scope(query, org, network, window), self._t
        rows = scope.ask(query, "long_connection", {"least": t.hours.base * 3600}).to_pylist()
        threats = [t.hours.threat(r["total"] / 3600) for r in rows]
        told = outward(query, scope, rows, threats, t.prevalence, t.first_seen, long_numbers)
        return [(self._rule, c) for c in told]


def long_numbers(row: Row) -> dict[str, Any]:
    """Seconds and bytes behind a long connection; ``hours`` for its text."""
    return {"connections": row["connections"], "seconds": round(row["total"], 3), "longest": round(row["longest"], 3),
            "sent": row["sent"], "received": row["received"], "hours": round(row["total"] / 3600, 1)}  # fmt: skip


@dataclass(frozen=True)
class ExfiltrationThresholds:
    """Keys of ``rules/hunts/exfiltration.yaml``. ``ratio``: bytes sent for each byte received, at least."""

    bytes_sent: Steps
    ratio: float
    prevalence: Prevalence
    first_seen: FirstSeen


class Exfiltration(OneRule):
    def __init__(self, file: RuleFile, networks: Networks) -> None:
        super().__init__(file, networks)
        self._t = into(ExfiltrationThresholds, file.thresholds)

    def run(self, query: Query, org: str, network: str, window: Window) -> Told:
        scope, t = self._scope(query, org, network, window), self._t
        limits = {"least": int(t.bytes_sent.base), "ratio": t.ratio}
        rows = busiest(scope.ask(query, "exfiltration", limits).to_pylist())
        threats = [t.bytes_sent.threat(r["sent"]) for r in rows]
        told = outward(query, scope, rows, threats, t.prevalence, t.first_seen, sent_numbers)
        return [(self._rule, c) for c in told]


def busiest(rows: list[Row]) -> list[Row]:
    """The hour of each pair in which most was sent; rows come with the most first."""
    found: dict[tuple[bytes, bytes], Row] = {}
    for row in rows:
        found.setdefault((row["src"], row["dst"]), row)
    return list(found.values())


def sent_numbers(row: Row) -> dict[str, Any]:
    """Bytes behind an upload; ``megabytes`` (10^6) for its text."""
    return {"connections": row["connections"], "sent": row["sent"], "received": row["received"],
            "hour": row["hour"], "megabytes": round(row["sent"] / 1e6)}  # fmt: skip


def outward(query: Query, scope: Scope, rows: list[Row], threats: list[float], prevalence: Prevalence,
            first_seen: FirstSeen, numbers: Callable[[Row], Row]) -> list[Conclusion]:  # fmt: skip
    """Conclusions for pairs that scored, with what is known of their destinations."""
    if not rows:
        return []
    facts = flow_facts(query, scope, ("src_ip", "dst_ip"), [(r["src"], r["dst"]) for r in rows])
    newest = max(f.last for f in facts.values()) // 1_000_000
    hosts = destinations.all_hosts(query, scope)
    dsts = [r["dst"] for r in rows]
    known = destinations.modifiers(query, scope, "pairs", dsts, hosts, newest, prevalence, first_seen)
    told = []
    for row, threat in zip(rows, threats, strict=True):
        about = known[row["dst"]]
        final = total(threat, about["modifiers"])
        if severity(final) > 1:
            told.append(_tell(row, final, about, facts[row["src"], row["dst"]], numbers(row)))
    return told


def _tell(row: Row, threat: float, about: Row, facts: Facts, numbers: Row) -> Conclusion:
    src, dst = ip_text(row["src"]), ip_text(row["dst"])
    changes = {k: v for k, v in about["modifiers"].items() if v}
    return Conclusion(
        subject=host(row["src"]), severity=severity(threat), confidence=60,
        arguments={"src": src, "dst": dst, **numbers},
        explanation={"src": src, "dst": dst, **numbers, "threat": threat, "ports": sorted(facts.ports),
                     "modifiers": changes, "hosts": about["hosts"], "all_hosts": about["all_hosts"]},
        related=(host(row["dst"]),), group=f"{host(row['src'])} {host(row['dst'])}",
        filter={"kind": "flow", "where": {"src_ip": src, "dst_ip": dst}}, **facts.shown(),
    )  # fmt: skip
