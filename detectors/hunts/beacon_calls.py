"""Connections of pairs over a span, and which pairs call home in one of its windows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.hunts import beacon_score
from detectors.hunts.beacon_score import Scores, Shape
from detectors.hunts.facts import host
from detectors.hunts.segments import Bools, Ints, Lists
from detectors.hunts.threat import Steps
from fengsui.finding import Window
from fengsui.jsonform import ip_text

SECOND_US = 1_000_000
MOST_ADDRESSES = 50  # of a name


@dataclass(frozen=True)
class Bounds:
    """Where a window's connections lie: whole seconds, and the hosts inside that made them."""

    start: int
    newest: int
    hosts: int


@dataclass(frozen=True)
class Wanted:
    """Which pairs are told of: see ``rules/hunts/beacon.yaml``. ``least_threat``: of the score alone; ``strobe``: from
    so many connections on a pair is not scored."""

    shape: Shape
    score: Steps
    least_times: int
    least_threat: float
    most: int
    strobe: int


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


class Series:
    """The connections of pairs over a whole span: an answer of beacon_pairs.sql or beacon_names.sql."""

    def __init__(self, table: pa.Table) -> None:
        self._src, self._dst = table.column("src"), table.column("dst")
        times = Lists.from_arrow(table.column("times"))
        owners = times.owners
        order = np.lexsort((times.values, owners))
        self._owners = owners  # the same in any order within a list
        self._times = Lists(times.values[order], times.starts, times.lengths)
        self._sizes = Lists.from_arrow(table.column("sizes")).values[order]
        self._order, self._peers = order, None
        self._first = self._last = self._times.values
        if "peers" in table.column_names:
            self._peers = table.column("peers").combine_chunks().values
            self._first = Lists.from_arrow(table.column("first")).values[order]
            self._last = Lists.from_arrow(table.column("last")).values[order]

    def calls(self, window: Window, bounds: Bounds, wanted: Wanted) -> list[Call]:
        """The pairs at or above the lowest threshold, the ``most`` highest of them, and the strobes."""
        if not len(self._times):
            return []
        mask = self._within(window)
        times = self._times.keep(mask)
        few = times.lengths < wanted.strobe
        strobes = np.flatnonzero(~few)
        scored = np.flatnonzero(few & beacon_score.scorable(times, wanted.shape, wanted.least_times))
        sizes = Lists(self._sizes[mask], times.starts, times.lengths)
        parts: dict[int, Mapping[str, Any]] = {int(i): {} for i in strobes}
        if len(scored):
            s = beacon_score.score(times.take(scored), sizes.take(scored), bounds.start, bounds.newest, wanted.shape)
            parts |= {int(scored[i]): _parts(s, i) for i in _highest(s, wanted)}
        return [Call(self._src[i].as_py(), self._dst[i].as_py(), int(times.lengths[i]), parts[i],
                     self._addresses(i, mask)) for i in sorted(parts)]  # fmt: skip

    def _within(self, window: Window) -> Bools:
        """Connections that began within a window and, of names, on which the name was asked for within it.

        Nobody asks before the connection begins, so the first and the last time say it all.
        """
        start, end = window.start // SECOND_US, window.end // SECOND_US
        inside = (self._times.values >= start) & (self._times.values < end)
        if self._peers is not None:
            asked = (self._first >= start) & (self._first < end) | (self._last >= start) & (self._last < end)
            inside &= asked
        return np.asarray(inside, np.bool_)

    def _addresses(self, i: int, mask: Bools) -> tuple[bytes, ...]:
        """Of a name, within a window: what it was reached at."""
        if self._peers is None:
            return ()
        start, length = int(self._times.starts[i]), int(self._times.lengths[i])
        mine: Ints = self._order[start : start + length][mask[start : start + length]]
        return tuple(sorted(set(self._peers.take(pa.array(mine)).to_pylist()))[:MOST_ADDRESSES])


def _highest(s: Scores, wanted: Wanted) -> list[int]:
    """Scores high enough to be told of, ``most`` of them."""
    enough = np.flatnonzero(s.score * 100 >= wanted.score.base)
    high = [int(i) for i in enough if wanted.score.threat(s.score[i] * 100) >= wanted.least_threat]
    return sorted(high, key=lambda i: (-s.score[i], i))[: wanted.most]


def _parts(s: Scores, i: int) -> dict[str, Any]:
    """The numbers behind one score: intervals in seconds, sizes in bytes, bars for a chart."""
    return {
        "score": float(s.score[i]), "ts": float(s.ts[i]), "ds": float(s.ds[i]), "dur": float(s.dur[i]),
        "hist": round(float(s.hist[i]), 3),
        "intervals": {k: float(getattr(s.intervals, k)[i]) for k in ("q1", "q2", "q3", "mad")},
        "sizes": {k: float(getattr(s.sizes, k)[i]) for k in ("q1", "q2", "q3", "mad")},
        "bars": s.bars[i].tolist(), "run": int(s.run[i]),
    }  # fmt: skip
