"""Hunts over pairs of a host inside and an address outside: long connections, and uploads far beyond the ordinary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detectors.base import Query
from detectors.hunts.destinations import Destinations, all_hosts
from detectors.hunts.facts import Facts, flow_facts
from detectors.hunts.networks import Networks
from detectors.hunts.one_rule import OneRule
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

    def _least(self) -> dict[str, Any]:
        return {"least": self._t.hours.base * 3600}

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        t = self._t
        rows = scope.ask(query, "long_connection", self._least()).to_pylist()
        scored = [Scored(r["at"], r, t.hours.threat(r["total"] / 3600), long_numbers(r)) for r in rows]
        outward(query, scope, scored, t.prevalence, t.first_seen, found)


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

    def _least(self) -> dict[str, Any]:
        return {"least": int(self._t.bytes_sent.base)}

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        t = self._t
        rows = scope.ask(query, "exfiltration", self._least() | {"ratio": t.ratio}).to_pylist()
        scored = [Scored(at, r, t.bytes_sent.threat(r["sent"]), sent_numbers(r))
                  for at, window in enumerate(scope.windows) for r in busiest(rows, window)]  # fmt: skip
        outward(query, scope, scored, t.prevalence, t.first_seen, found)


def busiest(rows: list[Row], window: Window) -> list[Row]:
    """The hour of each pair within the window in which most was sent; rows come with the most first."""
    found: dict[tuple[bytes, bytes], Row] = {}
    for row in rows:
        if window.start <= row["hour"] < window.end:
            found.setdefault((row["src"], row["dst"]), row)
    return list(found.values())


def sent_numbers(row: Row) -> dict[str, Any]:
    """Bytes behind an upload; ``megabytes`` (10^6) for its text."""
    return {"connections": row["connections"], "sent": row["sent"], "received": row["received"],
            "hour": row["hour"], "megabytes": round(row["sent"] / 1e6)}  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """A pair that scored in window ``at``, and the numbers behind it."""

    at: int
    row: Row
    threat: float
    numbers: Row

    @property
    def pair(self) -> tuple[bytes, bytes]:
        return self.row["src"], self.row["dst"]


def outward(query: Query, scope: Scope, scored: list[Scored], prevalence: Prevalence, first_seen: FirstSeen,
            found: list[list[Conclusion]]) -> None:  # fmt: skip
    """Conclusions for pairs that scored, with what is known of their destinations."""
    if not scored:
        return
    behind = flow_facts(query, scope, ("src_ip", "dst_ip"), (s.pair for s in scored))
    newest: dict[int, int] = {}
    for s in scored:
        last = behind.last(s.pair, scope.windows[s.at]) // 1_000_000
        newest[s.at] = max(newest.get(s.at, last), last)
    known = Destinations(query, scope, "pairs", (s.pair[1] for s in scored), all_hosts(query, scope), newest,
                         prevalence, first_seen)  # fmt: skip
    for s in scored:
        about = known.about(s.at, s.pair[1])
        final = total(s.threat, about["modifiers"])
        if severity(final) > 1:
            found[s.at].append(_tell(s, final, about, behind.of(s.pair, scope.windows[s.at])))


def _tell(s: Scored, threat: float, about: Row, facts: Facts) -> Conclusion:
    src, dst = map(ip_text, s.pair)
    changes = {k: v for k, v in about["modifiers"].items() if v}
    return Conclusion(
        subject=f"host:{src}", severity=severity(threat), confidence=60,
        arguments={"src": src, "dst": dst, **s.numbers},
        explanation={"src": src, "dst": dst, **s.numbers, "threat": threat, "ports": sorted(facts.ports),
                     "modifiers": changes, "hosts": about["hosts"], "all_hosts": about["all_hosts"]},
        related=(f"host:{dst}",), group=f"host:{src} host:{dst}",
        filter={"kind": "flow", "where": {"src_ip": src, "dst_ip": dst}}, **facts.shown(),
    )  # fmt: skip
