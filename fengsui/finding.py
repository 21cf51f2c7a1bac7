"""Findings: what detectors and hunts conclude, and the results that hunts replace as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from fengsui.batch import Batch, Identity, build
from fengsui.ids import text_id
from fengsui.schema import FINDING

HOUR_US = 3_600_000_000
MAX_EVIDENCE = 20
_EPOCH, _MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)

ADDED, RESULT, EMPTY, WITHDRAW = "added", "result", "empty", "withdraw"


@dataclass(frozen=True)
class Evidence:
    """One event behind a finding; ``ts`` in microseconds, so that the store finds it by its sort key."""

    kind: str
    ts: int
    event_id: bytes

    def text(self) -> str:
        return f"{self.kind}@{self.ts}#{self.event_id.hex()}"

    @staticmethod
    def parse(text: str) -> Evidence:
        kind, rest = text.split("@", 1)
        ts, event_id = rest.split("#", 1)
        return Evidence(kind, int(ts), bytes.fromhex(event_id))


@dataclass(frozen=True)
class Rule:
    """What every rule says of itself, whatever applies it.

    ``line`` is the severity from which it enters the queue. ``title`` and ``text`` are by language; ``text`` is the
    template (``str.format``) of its findings' summaries.
    """

    id: str
    version: str
    category: str
    domain: str = "network"
    techniques: tuple[str, ...] = ()
    line: int = 3
    title: Mapping[str, str] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """[start, end) in microseconds of event time, whole hours."""

    start: int
    end: int


@dataclass(frozen=True)
class Conclusion:
    """What a pure scorer returns: no identity, no time of its own. Times are microseconds of event time, UTC.

    ``hours`` counts the events behind it by hour (its start in microseconds). ``arguments`` fill the rule's ``text``.
    Only for findings of slices and batches: ``origin``, the capture or log of its rows, and ``unit``, the message
    (topic/partition/offset) of its rows. One conclusion covers rows of one message, so that a repeat has the same id.
    """

    subject: str
    severity: int
    confidence: int
    arguments: Mapping[str, Any]
    explanation: Mapping[str, Any]
    first_seen: int
    last_seen: int
    hours: Mapping[int, int]
    related: tuple[str, ...] = ()
    group: str = ""
    evidence: tuple[Evidence, ...] = ()
    filter: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Detection:
    """A conclusion of a rule for one organisation's network."""

    rule: Rule
    org: str
    network: str
    conclusion: Conclusion


@dataclass(frozen=True)
class Finding:
    """A row of the kind ``finding``, in Python's types. Build one with :func:`added`, :func:`result` and the like."""

    form: str
    rule: str
    org: str
    network: str
    finding_id: bytes = bytes(16)
    detector: str = ""
    detector_version: str = ""
    subject: str = ""
    related: tuple[str, ...] = ()
    group: str = ""
    severity: int = 0
    confidence: int = 0
    queued: bool = False
    category: str = ""
    domain: str = ""
    techniques: tuple[str, ...] = ()
    summary: str = ""
    explanation: str = ""
    evidence: tuple[str, ...] = ()
    filter: str = ""
    first_seen: int = 0
    last_seen: int = 0
    hours: tuple[int, ...] = ()
    hour_counts: tuple[int, ...] = ()
    window_start: int | None = None
    window_end: int | None = None
    result_version: int = 0
    origin: str = ""


def _finding(form: str, rule: Rule, detector: str, org: str, network: str, c: Conclusion, unit: str) -> Finding:
    hours = sorted(c.hours.items())
    return Finding(
        form=form, rule=rule.id, org=org, network=network, detector=detector, detector_version=rule.version,
        finding_id=text_id(rule.id, org, network, c.subject, c.group, unit),
        subject=c.subject, related=c.related, group=c.group or c.subject, severity=c.severity, confidence=c.confidence,
        queued=c.severity >= rule.line, category=rule.category, domain=rule.domain, techniques=rule.techniques,
        summary=_fitting("summary", c.arguments, lambda a: [rule.id, a]),
        explanation=_fitting("explanation", c.explanation),
        evidence=tuple(e.text() for e in c.evidence[:MAX_EVIDENCE]),
        filter=_filter(c.filter),
        first_seen=c.first_seen, last_seen=c.last_seen,
        hours=tuple(h for h, _ in hours), hour_counts=tuple(n for _, n in hours), origin=c.origin,
    )  # fmt: skip


def _fitting(column: str, values: Mapping[str, Any], shape: Callable[[Any], Any] = lambda v: v) -> str:
    """Values as JSON within the column's cap: texts and lists in them are cut until it fits, for half of a JSON text is
    none. Names come from attackers."""
    cap = limit = FINDING.column(column).cap
    raw = msgspec.json.encode(shape(values), order="sorted")
    while len(raw) > cap and limit:
        limit //= 2
        raw = msgspec.json.encode(shape({k: _cut(v, limit) for k, v in values.items()}), order="sorted")
    return (raw if len(raw) <= cap else msgspec.json.encode(shape({}))).decode()


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value[:limit]
    if isinstance(value, Mapping):
        return {k: _cut(v, limit) for k, v in list(value.items())[:limit]}
    if isinstance(value, (list, tuple)):
        return [_cut(v, limit) for v in value[:limit]]
    return value


def _filter(values: Mapping[str, Any]) -> str:
    """The filter as JSON; none rather than one that finds other rows."""
    raw = msgspec.json.encode(values) if values else b""
    return raw.decode() if len(raw) <= FINDING.column("filter").cap else ""


def added(d: Detection, detector: str) -> Finding:
    """A finding of a batch detector or a slice hunt."""
    unit = f"{d.conclusion.unit} {d.conclusion.origin}"  # one message may hold rows of several captures
    return _finding(ADDED, d.rule, detector, d.org, d.network, d.conclusion, unit)


def result(rule: Rule, detector: str, org: str, network: str, window: Window, version: int,
           conclusions: Iterable[Conclusion]) -> list[Finding]:  # fmt: skip
    """The whole result of a window hunt; one row that says *empty* if nothing was concluded."""
    place: dict[str, Any] = {"window_start": window.start, "window_end": window.end, "result_version": version}
    found = [_finding(RESULT, rule, detector, org, network, c, f"{window.start}") for c in conclusions]
    if not found:
        found = [Finding(EMPTY, rule.id, org, network, detector=detector, detector_version=rule.version)]
    return [_replace(f, **place) for f in found]


def withdraw(detector: str, org: str, network: str, origin: str) -> Finding:
    """Says that what this detector added from this origin no longer holds: its rows were deleted."""
    return Finding(WITHDRAW, "", org, network, detector=detector, origin=origin)


def _replace(f: Finding, **changes: Any) -> Finding:
    return Finding(**{**f.__dict__, **changes})


_OWN = [c.name for c in FINDING.own]


def to_batch(findings: list[Finding]) -> Batch:
    """Findings as a Batch; org, network and origin are columns of their own values."""
    columns: dict[str, Any] = {name: [getattr(f, name) for f in findings] for name in _OWN}
    columns |= {name: [getattr(f, name) for f in findings] for name in ("org", "network", "origin")}
    columns["event_id"] = columns["finding_id"]
    columns["ts"] = columns["last_seen"]
    for name, values in columns.items():
        if values and isinstance(values[0], tuple):
            columns[name] = [list(v) for v in values]
    return build(FINDING, Identity(source="detector"), columns, len(findings))


def from_batch(batch: Batch) -> list[Finding]:
    """The findings of a Batch."""
    names = [*_OWN, "org", "network", "origin"]
    columns = [[_plain(v) for v in batch.column(n).to_pylist()] for n in names]
    return [Finding(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, list):
        return tuple(microseconds(v) if isinstance(v, datetime) else v for v in value)
    return value


def microseconds(moment: datetime) -> int:
    """Exact microseconds since 1970 (``timestamp()`` is a float and is not)."""
    return (moment - _EPOCH) // _MICROSECOND


def hour(ts: int) -> int:
    """The start of the hour that holds ``ts``, in microseconds."""
    return ts - ts % HOUR_US
