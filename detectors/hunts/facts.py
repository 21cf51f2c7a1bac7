"""What lies behind a conclusion: when, how often, on which ports, and up to 20 events to show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.base import Query
from detectors.hunts.sql import Scope
from fengsui.finding import MAX_EVIDENCE, Evidence, Window
from fengsui.jsonform import ip_text

Key = tuple[Any, ...]

# How the keys of facts.sql are bound: addresses travel as text.
_BOUND = {
    "src_ip": "arrayMap(x -> toIPv6(x), {src_ip:Array(String)})",
    "dst_ip": "arrayMap(x -> toIPv6(x), {dst_ip:Array(String)})",
    "dst_port": "{dst_port:Array(UInt16)}",
}


class Events:
    """The events to show of each row, as the store's arrays: only those that are shown become objects."""

    def __init__(self, column: Any) -> None:
        lists = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        self._offsets = np.asarray(lists.offsets, dtype=np.int64)
        self._times, self._ids, self._kinds = (lists.values.field(n) for n in range(3))

    def places(self, low: int, high: int) -> list[int]:
        """Of rows [low, high), one hour after the other: as each is sorted, so are all."""
        return list(range(self._offsets[low], self._offsets[high]))

    def time(self, place: int) -> tuple[int, bytes]:
        return self._times[place].as_py(), self._ids[place].as_py()

    def at(self, place: int) -> Evidence:
        return Evidence(self._kinds[place].as_py(), *self.time(place))


@dataclass
class Facts:
    """``hours``: events by the start of their hour; times in microseconds. ``places`` of events to show, the earliest
    first."""

    hours: dict[int, int] = field(default_factory=dict)
    first: int = 2**63
    last: int = -(2**63)
    ports: set[int] = field(default_factory=set)
    places: list[int] = field(default_factory=list)
    events: Events | None = None

    @staticmethod
    def joined(parts: Iterable[Facts]) -> Facts:
        """Several facts of the same answer as one; nothing may be in two of them."""
        out = Facts()
        for p in parts:
            for hour, events in p.hours.items():
                out.hours[hour] = out.hours.get(hour, 0) + events
            out.first, out.last = min(out.first, p.first), max(out.last, p.last)
            out.ports |= p.ports
            out.places += p.places
            out.events = p.events or out.events
        if out.events is not None:
            out.places.sort(key=out.events.time)
        return out

    @property
    def kind(self) -> str:
        """Of the earliest event."""
        return self.events.at(self.places[0]).kind if self.events else ""

    def shown(self) -> dict[str, Any]:
        """As arguments of a Conclusion. Evidence: the earliest of each part in turn is fair to hours and to targets."""
        step = max(1, len(self.places) // MAX_EVIDENCE)
        chosen = self.places[::step][:MAX_EVIDENCE]
        return {
            "first_seen": self.first, "last_seen": self.last, "hours": dict(sorted(self.hours.items())),
            "evidence": tuple(self.events.at(p) for p in chosen) if self.events else (),
        }  # fmt: skip


class Behind:
    """Facts by key and hour, from which those of any window of whole hours are made."""

    def __init__(self, table: pa.Table, keys: Sequence[str]) -> None:
        names = [*keys, "hour", "events", "first", "last", "ports"]
        self._rows: list[dict[str, Any]] = table.select(names).to_pylist()
        self._events = Events(table.column("evidence").combine_chunks())
        self._at: dict[Key, tuple[int, list[int]]] = {}
        for key, rows in groupby(enumerate(self._rows), lambda r: tuple(r[1][k] for k in keys)):
            mine = list(rows)
            self._at[key] = (mine[0][0], [r["hour"] for _, r in mine])

    def of(self, key: Key, window: Window) -> Facts:
        """Facts of one key within a window; empty where there are none."""
        start, hours = self._at.get(key, (0, []))
        low, high = start + bisect_left(hours, window.start), start + bisect_left(hours, window.end)
        rows = self._rows[low:high]
        if not rows:
            return Facts()
        return Facts({r["hour"]: r["events"] for r in rows}, min(r["first"] for r in rows),
                     max(r["last"] for r in rows), {p for r in rows for p in r["ports"]},
                     self._events.places(low, high), self._events)  # fmt: skip

    def last(self, key: Key, window: Window) -> int:
        """The time of the last event of one key within a window, in microseconds; something must lie in it."""
        start, hours = self._at[key]
        return int(self._rows[start + bisect_left(hours, window.end) - 1]["last"])


def flow_facts(query: Query, scope: Scope, keys: Sequence[str], wanted: Iterable[Key], extra: str = "true",
               values: Mapping[str, Any] | None = None) -> Behind:  # fmt: skip
    """Facts of the flows with these keys (columns of flow), one or more. ``extra`` is a condition of the hunt's own."""
    distinct = sorted(set(wanted))
    columns = {k: [ip_text(v) if isinstance(v, bytes) else v for v in vs]
               for k, vs in zip(keys, zip(*distinct, strict=True), strict=True)}  # fmt: skip
    names = ", ".join(keys)
    zipped = f"arrayZip({', '.join(_BOUND[k] for k in keys)})" if len(keys) > 1 else _BOUND[keys[0]]
    table = scope.ask(query, "facts", {**columns, **(values or {})}, keys=names, wanted=zipped, extra=extra)
    return Behind(table, keys)


def host(address: bytes) -> str:
    return f"host:{ip_text(address)}"
