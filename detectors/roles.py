"""The roles that run detectors: how a batch, a slice or a window comes to a detector, and what it says to the bus."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from detectors.base import BatchDetector, Query, ReadBlob, Slice, SliceHunt, WindowHunt
from fengsui import wire
from fengsui.bus.protocol import Assignment, Commit, Message, Place
from fengsui.bus.topics import FINDINGS
from fengsui.errors import BadInput
from fengsui.finding import HOUR_US, Finding, Window, added, result, withdraw
from fengsui.wire import Stored

log = logging.getLogger("fengsui.detect")

MAX_OFFSETS = 200
"""Messages in one query of a slice hunt: bounds its memory."""
MAX_PLACES = 2_000
"""Organisations' shares of messages in one query of a slice hunt: bounds what is bound to it."""

QUIET = 1.0
"""Seconds without an announcement after which a hunt does not wait for its interval to end."""

SPAN_US, MAX_ROWS = 48 * HOUR_US, 3_000_000
"""Windows that a window hunt gets at once: how far their ends lie apart, and the rows that they hold together."""


class DetectRole:
    """A batch detector over the events of its kinds: group ``detect.<name>``."""

    def __init__(self, detector: BatchDetector, read_blob: ReadBlob, partitions: Mapping[str, int]) -> None:
        self.name = f"detect.{detector.name}"
        self._detector, self._read_blob, self._partitions = detector, read_blob, partitions

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not messages:
            return None
        findings: list[Finding] = []
        for m in messages:
            try:
                content = wire.read_message(m)
            except BadInput as e:
                log.error("%s at %d: %s", m.place, m.offset, e)  # the sink keeps the dead letter
                continue
            if isinstance(content, wire.Deletion):
                findings.append(withdraw(self._detector.name, content.org, content.network, content.origin))
            else:
                found = self._detector.detect(content, wire.unit(m), self._read_blob)
                findings += [added(d, self._detector.name) for d in found]
        after = {m.place: m.offset + 1 for m in messages}
        return Commit(wire.finding_outputs(findings, self._partitions[FINDINGS]), after)


class Announced:
    """A consumer of ``stored`` that collects announcements until its interval is over, or nothing new has come for a
    second: what arrives alone is answered at once, what streams is answered at intervals.

    With ``interval`` 0 it runs when the topic is quiet: for one-shot work, where running once at the end is cheapest.
    """

    def __init__(self, name: str, kinds: Iterable[str], partitions: Mapping[str, int], interval: float) -> None:
        self.name, self._kinds, self._partitions, self._interval = name, frozenset(kinds), partitions, interval
        self._reset()

    def _reset(self) -> None:
        self._entries: list[tuple[Stored, int]] = []
        self._after: dict[Place, int] = {}
        self._since: float | None = None
        self._heard = 0.0

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        self._reset()
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        for m in messages:
            try:
                entries = wire.read_stored(m)
            except BadInput as e:
                log.error("%s at %d: %s", m.place, m.offset, e)
                entries = []
            self._entries += [(e, m.offset) for e in entries if e.kind in self._kinds]
            self._after[m.place] = m.offset + 1
        if not self._after:
            return None
        if self._since is None:
            self._since = now
        if messages:
            self._heard = now
        if self._waits(now, bool(messages)):
            return None
        findings = self.findings(self._entries)
        commit = Commit(wire.finding_outputs(findings, self._partitions[FINDINGS]), dict(self._after))
        self._reset()
        return commit

    def _waits(self, now: float, news: bool) -> bool:
        if self._interval == 0:
            return news
        return now - (self._since or 0.0) < self._interval and now - self._heard < QUIET

    def findings(self, entries: list[tuple[Stored, int]]) -> list[Finding]:
        """What the announced rows mean. Each entry comes with the offset of its announcement."""
        raise AssertionError("a role says how")


class SliceRole(Announced):
    """A slice hunt: each announced row is looked at once."""

    def __init__(self, hunt: SliceHunt, query: Query, partitions: Mapping[str, int], interval: float) -> None:
        super().__init__(f"hunt.{hunt.name}", hunt.kinds, partitions, interval)
        self._hunt, self._query = hunt, query

    def findings(self, entries: list[tuple[Stored, int]]) -> list[Finding]:
        out: list[Finding] = []
        pending: list[Stored] = []
        for e, _ in entries:
            if not e.deleted:
                pending.append(e)
                continue
            out += self._run(pending)
            pending = []
            out.append(withdraw(self._hunt.name, e.org, e.network, e.origin))
        return out + self._run(pending)

    def _run(self, entries: list[Stored]) -> list[Finding]:
        return [added(d, self._hunt.name) for part in slices(entries) for d in self._hunt.run(self._query, part)]


def slices(entries: Iterable[Stored]) -> list[Slice]:
    """Announcements as few slices: one for each kind and place, of all organisations, of MAX_OFFSETS messages and
    MAX_PLACES shares of them at most."""
    by_place: dict[tuple[str, str, int], list[Stored]] = {}
    for e in entries:
        by_place.setdefault((e.kind, e.topic, e.partition), []).append(e)
    out = []
    for (kind, topic, partition), mine in by_place.items():
        places: dict[tuple[str, str, int], Stored] = {}
        offsets: set[int] = set()
        for e in mine:
            for o in e.offsets:
                if len(places) >= MAX_PLACES or (len(offsets) >= MAX_OFFSETS and o not in offsets):
                    out.append(_slice(kind, topic, partition, places))
                    places, offsets = {}, set()
                places[e.org, e.network, o] = e
                offsets.add(o)
        out.append(_slice(kind, topic, partition, places))
    return out


def _slice(kind: str, topic: str, partition: int, places: Mapping[tuple[str, str, int], Stored]) -> Slice:
    least, greatest = (min(e.least for e in places.values()), max(e.greatest for e in places.values()))
    return Slice(kind, topic, partition, tuple(places), least, greatest)


class WindowRole(Announced):
    """A window hunt: the windows that the touched hours make dirty are computed anew; each result replaces the last.

    The result's version is the offset of the last announcement read, so that a later run wins whoever commits first.
    """

    def __init__(self, hunt: WindowHunt, query: Query, partitions: Mapping[str, int], interval: float) -> None:
        super().__init__(f"hunt.{hunt.name}", hunt.kinds, partitions, interval)
        self._hunt, self._query = hunt, query

    def findings(self, entries: list[tuple[Stored, int]]) -> list[Finding]:
        touched: dict[tuple[str, str], set[int]] = {}
        version: dict[tuple[str, str], int] = {}
        for e, offset in entries:
            touched.setdefault((e.org, e.network), set()).update(e.hours)
            version[(e.org, e.network)] = offset
        out: list[Finding] = []
        for (org, network), hours in touched.items():
            for part in self._windows(org, network, hours):
                for window, found in self._hunt.run(self._query, org, network, part):
                    for rule in self._hunt.rules:
                        mine = [c for r, c in found if r.id == rule.id]
                        out += result(rule, self._hunt.name, org, network, window, version[(org, network)], mine)
        return out

    def _windows(self, org: str, network: str, touched: set[int]) -> list[list[Window]]:
        """The windows to compute for touched hours, in runs to compute together."""
        if not touched:
            return []
        reach = self._hunt.hours * HOUR_US
        start, end = min(touched) - reach, max(touched) + reach + HOUR_US
        rows = rows_by_hour(self._query, self._hunt.kinds, org, network, start, end)
        return chunks(dirty_windows(touched, rows, self._hunt.hours), rows)


def dirty_windows(touched: set[int], hold: Iterable[int], length: int) -> list[Window]:
    """The windows [H - L, H + 1 h) to compute for touched hours: each H that holds data, and the touched themselves,
    which may have lost theirs. All in microseconds but ``length``, in hours.
    """
    reach = length * HOUR_US
    ends = set(touched)
    ordered = sorted(touched)
    for h in hold:
        i = bisect_right(ordered, h)
        if i and h - ordered[i - 1] <= reach:
            ends.add(h)
    return [Window(h - reach, h + HOUR_US) for h in sorted(ends)]


def chunks(windows: Sequence[Window], rows: Mapping[int, int]) -> list[list[Window]]:
    """Ascending windows in runs to compute together: their ends lie within SPAN_US, and between the first one's start
    and the last one's end lie at most MAX_ROWS rows, or half as many again as the first one holds alone: what one
    window needs anyway is read once for several of them.

    ``rows``: how many lie in each hour (its start, microseconds).
    """
    hours = sorted(rows)
    before = [0, *accumulate(rows[h] for h in hours)]

    def held(start: int, end: int) -> int:
        return before[bisect_left(hours, end)] - before[bisect_left(hours, start)]

    out: list[list[Window]] = []
    for w in windows:
        first = out[-1][0] if out else w
        most = max(MAX_ROWS, held(first.start, first.end) * 3 // 2)
        if out and w.end - first.end < SPAN_US and held(first.start, w.end) <= most:
            out[-1].append(w)
        else:
            out.append([w])
    return out


_ROWS = """SELECT intDiv(toUnixTimestamp64Micro(ts), 3600000000) * 3600000000 AS hour, count() AS n FROM {table}
WHERE org = {{org:String}} AND network = {{network:String}} AND NOT clock_ahead
AND ts >= fromUnixTimestamp64Micro({{start:Int64}}, 'UTC') AND ts < fromUnixTimestamp64Micro({{end:Int64}}, 'UTC')
GROUP BY hour"""


def rows_by_hour(query: Query, kinds: Iterable[str], org: str, network: str, start: int, end: int) -> dict[int, int]:
    """How many rows of these kinds lie in each hour of [start, end) that holds any; microseconds."""
    sql = "\nUNION ALL\n".join(_ROWS.format(table=k) for k in kinds)
    out: dict[int, int] = {}
    for r in query(sql, {"org": org, "network": network, "start": start, "end": end}).to_pylist():
        out[r["hour"]] = out.get(r["hour"], 0) + r["n"]
    return out
