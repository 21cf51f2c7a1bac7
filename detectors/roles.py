"""The roles that run detectors: how a batch, a slice or a window comes to a detector, and what it says to the bus."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from detectors.base import BatchDetector, Query, ReadBlob, Site, Slice, SliceHunt, WindowHunt
from detectors.hunts.sql import OF_SITES, bound_sites
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

MAX_SITES = 500
"""Organisations' networks in one query of a window hunt: bounds what is bound to it."""
DAY_US = 24 * HOUR_US
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
        for site, windows, worth in self._parts(touched):
            ran = self._hunt.run(self._query, *site, windows) if worth else ((w, []) for w in windows)
            for window, found in ran:
                for rule in self._hunt.rules:
                    mine = [c for r, c in found if r.id == rule.id]
                    out += result(rule, self._hunt.name, *site, window, version[site], mine)
        return out

    def _parts(self, touched: Mapping[Site, set[int]]) -> Iterator[tuple[Site, list[Window], bool]]:
        """The windows to compute for each site's touched hours, in runs to compute together, and whether they are worth
        it. Sites whose hours lie together are asked about at once."""
        reach = self._hunt.hours * HOUR_US
        spans = {site: Window(min(h) - reach, max(h) + reach + HOUR_US) for site, h in touched.items() if h}
        parts: list[tuple[Site, list[Window], Window]] = []
        for group, span in together(spans.items()):
            rows = rows_by_hour(self._query, self._hunt.kinds, [site for site, _ in group], span)
            for site, _ in group:
                mine = rows.get(site, {})
                windows = dirty_windows(touched[site], mine, self._hunt.hours)
                parts += [(site, run, Window(run[0].start, run[-1].end)) for run in chunks(windows, mine)]
        worth: dict[tuple[Site, Window], bool] = {}
        for group, span in together((site, own) for site, _, own in parts):
            found = self._hunt.worth(self._query, list(dict.fromkeys(site for site, _ in group)), span)
            worth |= {(site, own): site in found for site, own in group}
        for site, windows, own in parts:
            yield site, windows, worth[site, own]


def together(spans: Iterable[tuple[Site, Window]]) -> Iterator[tuple[list[tuple[Site, Window]], Window]]:
    """Sites with their spans in groups that lie within the same days, MAX_SITES in each at most, with what the spans of
    a group cover."""
    by_days: dict[tuple[int, int], list[tuple[Site, Window]]] = {}
    for site, w in spans:
        by_days.setdefault((w.start // DAY_US, -(-w.end // DAY_US)), []).append((site, w))
    for members in by_days.values():
        for i in range(0, len(members), MAX_SITES):
            group = members[i : i + MAX_SITES]
            yield group, Window(min(w.start for _, w in group), max(w.end for _, w in group))


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


_ROWS = """SELECT org, network, intDiv(toUnixTimestamp64Micro(ts), 3600000000) * 3600000000 AS hour, count() AS n
FROM {table} WHERE {sites} GROUP BY org, network, hour"""


def rows_by_hour(query: Query, kinds: Iterable[str], sites: Sequence[Site], span: Window) -> dict[Site, dict[int, int]]:
    """How many rows of these kinds lie in each hour (its start, microseconds) of the span that holds any, by site."""
    sql = "\nUNION ALL\n".join(_ROWS.format(table=k, sites=OF_SITES) for k in kinds)
    out: dict[Site, dict[int, int]] = {}
    for r in query(sql, bound_sites(sites, span)).to_pylist():
        hours = out.setdefault((r["org"], r["network"]), {})
        hours[r["hour"]] = hours.get(r["hour"], 0) + r["n"]
    return out
