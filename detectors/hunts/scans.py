"""Scans: one source that tries many hosts on a port (horizontal), or many ports of a host (vertical), mostly in vain.

All that one source does is one story. Sources outside are one story together: the internet scans whoever it can reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.base import Query
from detectors.hunts.facts import Behind, Facts, flow_facts, host
from detectors.hunts.networks import Networks
from detectors.hunts.one_rule import OneRule
from detectors.hunts.sql import Scope
from detectors.hunts.threat import Steps, severity, total
from detectors.rulefile import RuleFile, into
from fengsui.finding import Conclusion, Window
from fengsui.jsonform import ip_text

Row = Mapping[str, Any]
OUTSIDE = "outside"
SHOWN = 20  # ports or hosts named in an explanation, sources in a finding


@dataclass(frozen=True)
class Vain:
    """Share of what was tried in vain: at or below ``none`` it is no scan, at or above ``full`` it counts whole."""

    none: float
    full: float

    def weight(self, tried: int, answered: int) -> float:
        share = tried / (tried + answered)
        return min(1.0, max(0.0, (share - self.none) / (self.full - self.none)))


@dataclass(frozen=True)
class Thresholds:
    """Keys of ``rules/hunts/scan_*.yaml``. ``outside``: change of the threat where the source is not ours.
    ``echo_most``: the highest threat of echo requests alone."""

    tried: Steps
    vain: Vain
    outside: float
    echo_most: float = 1.0


class Scan(OneRule):
    """Horizontal or vertical, by its rule: what stays fixed while the source goes along the other."""

    def __init__(self, file: RuleFile, networks: Networks) -> None:
        super().__init__(file, networks)
        self._t = into(Thresholds, file.thresholds)
        self._fixed, self._column = ("port", "dst_port") if self.name == "scan_horizontal" else ("dst", "dst_ip")

    def _least(self) -> dict[str, Any]:
        return {"least": int(self._t.tried.base)}

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        rows = scope.ask(query, self.name, self._least()).to_pylist()
        if not rows:
            return
        keys = sorted({self._key(r) for r in rows})
        values = {"src": [ip_text(s) for s, _ in keys], self._fixed: [_plain(v) for _, v in keys]}
        answers = _by_window(scope.ask(query, f"{self.name}_answered", values).to_pylist())
        stories: list[tuple[int, list[dict[str, Any]]]] = []
        for at, mine in _by_window(rows).items():
            scored = score(mine, answers.get(at, []), self._fixed, self._t, self._networks)
            stories += [(at, story) for story in scored.values()]
        wanted = {self._key(r) for _, story in stories for r in story[:SHOWN]}
        if not wanted:
            return
        behind = flow_facts(query, scope, ("src_ip", self._column), wanted, extra=scope.piece("probe"))
        for at, story in stories:
            found[at].append(self._tell(story, behind, scope.windows[at]))

    def _key(self, row: Row) -> tuple[bytes, Any]:
        return row["src"], row[self._fixed]

    def _tell(self, story: Sequence[Row], behind: Behind, window: Window) -> Conclusion:
        worst = story[0]
        facts = Facts.joined(behind.of(self._key(r), window) for r in story[:SHOWN])
        sources = list(dict.fromkeys(ip_text(r["src"]) for r in story))
        src, outside = sources[0], worst["outside"]
        parts = [self._numbers(r) | {"threat": r["threat"]} for r in story[:SHOWN]]
        numbers = self._numbers(worst)
        where = {"src_ip": src, self._column: _plain(worst[self._fixed])}
        targets = [host(r["dst"]) for r in story if self._fixed == "dst"]
        related = [*(f"host:{s}" for s in sources[1:]), *targets]
        return Conclusion(
            subject=f"host:{src}", severity=severity(worst["threat"]), confidence=round(60 + 35 * worst["weight"]),
            arguments={**numbers, "attempts": sum(r["attempts"] for r in story), "sources": len(sources)},
            explanation={**numbers, "threat": worst["threat"], "sources": len(sources), "parts": parts,
                         "outside": outside, "attempts": sum(r["attempts"] for r in story)},
            related=tuple(dict.fromkeys(related))[:SHOWN], group=OUTSIDE if outside else "",
            filter={"kind": "flow", "where": where}, **facts.shown(),
        )  # fmt: skip

    def _numbers(self, row: Row) -> dict[str, Any]:
        """Hosts or ports of one part that were tried in vain, and that answered."""
        return {"src": ip_text(row["src"]), self._fixed: _plain(row[self._fixed]),
                **{k: row[k] for k in ("proto", "tried", "answered")}}  # fmt: skip


def _by_window(rows: Iterable[Row]) -> dict[int, list[Row]]:
    out: dict[int, list[Row]] = {}
    for r in rows:
        out.setdefault(r["at"], []).append(r)
    return out


def score(rows: Iterable[Row], answers: Iterable[Row], fixed: str, t: Thresholds,
          networks: Networks) -> dict[bytes | str, list[dict[str, Any]]]:  # fmt: skip
    """Stories by source (or all of outside), each with the worst part first, without parts below the lowest threat."""
    answered = {(a["src"], a["proto"], a[fixed]): a["answered"] for a in answers}
    stories: dict[bytes | str, list[dict[str, Any]]] = {}
    for r in rows:
        got = answered.get((r["src"], r["proto"], r[fixed]), 0)
        weight, outside = t.vain.weight(r["tried"], got), not networks.is_local(r["src"])
        reach = t.tried.threat(r["tried"]) * weight
        most = t.echo_most if r["proto"] == "icmp" else 1.0
        threat = total(min(reach, most), {"outside": t.outside if outside else 0.0})
        if severity(threat) > 1:
            part = {**r, "answered": got, "weight": weight, "threat": threat, "outside": outside}
            stories.setdefault(OUTSIDE if outside else r["src"], []).append(part)
    for story in stories.values():
        story.sort(key=lambda r: (-r["threat"], -r["tried"], r["src"], r["proto"], r[fixed]))
    return stories


def _plain(value: Any) -> Any:
    return ip_text(value) if isinstance(value, bytes) else value
