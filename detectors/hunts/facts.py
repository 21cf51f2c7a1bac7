"""What lies behind a conclusion: when, how often, on which ports, and up to 20 events to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from detectors.base import Query
from detectors.hunts.sql import Scope
from fengsui.finding import MAX_EVIDENCE, Evidence
from fengsui.jsonform import ip_text

Key = tuple[Any, ...]

# How the keys of facts.sql are bound: addresses travel as text.
_BOUND = {
    "src_ip": "arrayMap(x -> toIPv6(x), {src_ip:Array(String)})",
    "dst_ip": "arrayMap(x -> toIPv6(x), {dst_ip:Array(String)})",
    "dst_port": "{dst_port:Array(UInt16)}",
}


@dataclass
class Facts:
    """``hours``: events by the start of their hour; times in microseconds."""

    hours: dict[int, int] = field(default_factory=dict)
    first: int = 2**63
    last: int = -(2**63)
    ports: set[int] = field(default_factory=set)
    evidence: list[Evidence] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """One hour of facts.sql or its like."""
        self.hours[row["hour"]] = self.hours.get(row["hour"], 0) + row["events"]
        self.first, self.last = min(self.first, row["first"]), max(self.last, row["last"])
        self.ports.update(row["ports"])
        self.evidence += [Evidence(kind, ts, event_id) for ts, event_id, kind in map(_members, row["evidence"])]

    def join(self, other: Facts) -> None:
        """Take in another's facts; nothing may be in both."""
        for hour, events in other.hours.items():
            self.hours[hour] = self.hours.get(hour, 0) + events
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.ports |= other.ports
        self.evidence += other.evidence

    def shown(self) -> dict[str, Any]:
        """As arguments of a Conclusion. Evidence: the earliest of each part in turn is fair to hours and to targets."""
        earliest = sorted(self.evidence, key=lambda e: (e.ts, e.event_id))
        step = max(1, len(earliest) // MAX_EVIDENCE)
        return {
            "first_seen": self.first, "last_seen": self.last, "hours": dict(sorted(self.hours.items())),
            "evidence": tuple(earliest[::step][:MAX_EVIDENCE]),
        }  # fmt: skip


def _members(value: Any) -> tuple[int, bytes, str]:
    """A tuple of the store comes as a mapping by position."""
    ts, event_id, kind = value.values() if isinstance(value, dict) else value
    return ts, event_id, kind


def gather(table: pa.Table, keys: Sequence[str]) -> dict[Key, Facts]:
    """Rows by key and hour as facts by key."""
    found: dict[Key, Facts] = {}
    for row in table.to_pylist():
        found.setdefault(tuple(row[k] for k in keys), Facts()).add(row)
    return found


def flow_facts(query: Query, scope: Scope, keys: Sequence[str], wanted: Sequence[Key], extra: str = "true",
               values: Mapping[str, Any] | None = None) -> dict[Key, Facts]:  # fmt: skip
    """Facts of the flows with these keys (columns of flow). ``extra`` is a condition of the hunt's own."""
    if not wanted:
        return {}
    columns = {k: [ip_text(v) if isinstance(v, bytes) else v for v in vs]
               for k, vs in zip(keys, zip(*wanted, strict=True), strict=True)}  # fmt: skip
    names = ", ".join(keys)
    zipped = f"arrayZip({', '.join(_BOUND[k] for k in keys)})" if len(keys) > 1 else _BOUND[keys[0]]
    table = scope.ask(query, "facts", {**columns, **(values or {})}, keys=names, wanted=zipped, extra=extra)
    return gather(table, keys)


def host(address: bytes) -> str:
    return f"host:{ip_text(address)}"
