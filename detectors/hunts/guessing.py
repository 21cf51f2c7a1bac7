"""Guessing of passwords, seen from flows: many short exchanges of much the same size with a service that asks for one.

A host inside that guesses is a story of its own; all guessing from outside at one service is one story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.base import Query
from detectors.hunts.facts import Facts, flow_facts, host
from detectors.hunts.networks import Networks
from detectors.hunts.one_rule import OneRule
from detectors.hunts.scans import OUTSIDE, SHOWN
from detectors.hunts.sql import Scope
from detectors.hunts.threat import Steps, severity, total
from detectors.rulefile import RuleFile, into
from fengsui.finding import Conclusion, Window
from fengsui.jsonform import ip_text

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Short:
    """What a single try looks like: the originator's payload bytes, and seconds at most."""

    bytes_low: int
    bytes_high: int
    seconds: float


@dataclass(frozen=True)
class Thresholds:
    """Keys of ``rules/hunts/guessing.yaml``. ``services``: names by port. ``likeness``: the least share of tries whose
    size lies within a quarter of the median."""

    attempts: Steps
    services: Mapping[str, str]
    short: Short
    likeness: float
    outside: float


class Guessing(OneRule):
    def __init__(self, file: RuleFile, networks: Networks) -> None:
        super().__init__(file, networks)
        self._t = into(Thresholds, file.thresholds)
        try:
            self._ports = [int(p) for p in self._t.services]
        except ValueError as e:
            raise file.thresholds.error("services: keys are ports", "services") from e

    def _least(self) -> dict[str, Any]:
        s = self._t.short
        return {"ports": self._ports, "least": int(self._t.attempts.base), "seconds": s.seconds,
                "bytes_low": s.bytes_low, "bytes_high": s.bytes_high}  # fmt: skip

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        values = self._least()
        least = values["least"]
        rows = scope.ask(query, "guessing", values).to_pylist()
        stories: list[tuple[int, int, list[dict[str, Any]]]] = []
        for at, window in enumerate(scope.windows):
            scored = score(targets(rows, window, least), self._t, self._networks)
            stories += [(at, port, parts) for (_, port), parts in scored.items()]
        if not stories:
            return
        wanted = {(*pair, port) for _, port, parts in stories for pair in _shown(parts)}
        extra = f"proto = 'tcp' AND resp_bytes > 0 AND {scope.piece('short')}"
        behind = flow_facts(query, scope, ("src_ip", "dst_ip", "dst_port"), wanted, extra, values)
        for at, port, parts in stories:
            facts = Facts.joined(behind.of((*pair, port), scope.windows[at]) for pair in _shown(parts))
            found[at].append(self._tell(port, parts, facts))

    def _tell(self, port: int, parts: list[dict[str, Any]], facts: Facts) -> Conclusion:
        worst = parts[0]
        src, service = ip_text(worst["src"]), self._t.services[str(port)]
        hosts = list(dict.fromkeys(ip_text(d) for p in parts for d in p["targets"]))
        sources = [ip_text(p["src"]) for p in parts]
        numbers = {"src": src, "dst": hosts[0], "port": port, "service": service, "attempts": worst["attempts"],
                   "targets": len(hosts), "sources": len(sources)}  # fmt: skip
        shown = [{"src": ip_text(p["src"]), "targets": len(p["targets"]),
                  **{k: p[k] for k in ("attempts", "size", "likeness", "threat")}} for p in parts[:SHOWN]]  # fmt: skip
        return Conclusion(
            subject=f"host:{src}", severity=severity(worst["threat"]), confidence=round(40 + 50 * worst["likeness"]),
            arguments=numbers, explanation={**numbers, "threat": worst["threat"], "parts": shown},
            related=tuple(f"host:{a}" for a in dict.fromkeys([*hosts, *sources[1:]]))[:SHOWN],
            group=f"{OUTSIDE if worst['outside'] else host(worst['src'])} {service}",
            filter={"kind": "flow", "where": {"src_ip": src, "dst_port": port}}, **facts.shown(),
        )  # fmt: skip


def _shown(parts: list[dict[str, Any]]) -> list[tuple[bytes, bytes]]:
    """The pairs whose flows are counted and shown: the worst, and enough of each."""
    return [(p["src"], d) for p in parts[:SHOWN] for d in p["targets"][:50]]


def targets(rows: Iterable[Row], window: Window, least: int) -> list[Row]:
    """Rows by source, service and hour as the targets of each source and service within a window, the most tried first.
    Only of those with ``least`` tries or more."""
    sizes: dict[tuple[bytes, int], dict[bytes, list[int]]] = {}
    for r in rows:
        if window.start <= r["hour"] < window.end:
            sizes.setdefault((r["src"], r["port"]), {}).setdefault(r["dst"], []).extend(r["sizes"])
    out: list[Row] = []
    for (src, port), by in sizes.items():
        if sum(map(len, by.values())) >= least:
            most = sorted(by.items(), key=lambda item: (-len(item[1]), item[0]))
            out += [{"src": src, "port": port, "dst": dst, "sizes": tried} for dst, tried in most]
    return out


def score(rows: list[Row], t: Thresholds, networks: Networks) -> dict[tuple[bytes | str, int], list[dict[str, Any]]]:
    """Stories by (source, or all of outside; port), each with the worst source first. Rows come sorted by attempts."""
    by_source: dict[tuple[bytes, int], list[Row]] = {}
    for r in rows:
        by_source.setdefault((r["src"], r["port"]), []).append(r)
    stories: dict[tuple[bytes | str, int], list[dict[str, Any]]] = {}
    for (src, port), targets in by_source.items():
        sizes = np.concatenate([np.asarray(r["sizes"], np.float64) for r in targets])
        middle = float(np.median(sizes))
        like = float(np.mean(np.abs(sizes - middle) <= middle / 4))
        outside = not networks.is_local(src)
        threat = total(t.attempts.threat(len(sizes)), {"outside": t.outside if outside else 0.0})
        if like >= t.likeness and severity(threat) > 1:
            part = {"src": src, "attempts": len(sizes), "targets": [r["dst"] for r in targets], "size": middle,
                    "likeness": round(like, 3), "threat": threat, "outside": outside}  # fmt: skip
            stories.setdefault((OUTSIDE if outside else src, port), []).append(part)
    for parts in stories.values():
        parts.sort(key=lambda p: (-p["threat"], -p["attempts"], p["src"]))
    return stories
