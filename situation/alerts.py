"""An alert is a pure function of the findings that hold today and of what people did: grouping, counting, severity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from fengsui.finding import Finding
from fengsui.ids import text_id

NEW, IN_PROGRESS, WITHDRAWN = "new", "in_progress", "withdrawn"
CLOSED = ("resolved", "false_positive")
"""States in which people are done with an alert; one whose severity rises then is new again."""
REOPENED = "reopened"


@dataclass(frozen=True)
class Alert:
    """One line of the queue. Times are microseconds, UTC; ``summary`` and ``explanation`` are JSON as in a finding.

    ``count``: events behind it. ``queued``: at or above its rule's alert line.
    """

    id: str
    org: str
    network: str
    rule: str
    subject: str
    related: tuple[str, ...]
    severity: int
    confidence: int
    queued: bool
    category: str
    domain: str
    techniques: tuple[str, ...]
    summary: str
    explanation: str
    evidence: tuple[str, ...]
    first_seen: int
    last_seen: int
    count: int


def alert_id(f: Finding) -> str:
    """Key of the alert that a finding belongs to: organisation, network, rule and group."""
    return text_id("alert", f.org, f.network, f.rule, f.group).hex()


def alert_of(findings: Iterable[Finding]) -> Alert:
    """The alert of all findings of one key that hold today; at least one.

    It speaks with the numbers of its newest finding (for results: of the newest window), and keeps the highest severity
    among all of them. Its count adds what was added, and for results takes each hour once, from the newest window that
    holds it.
    """
    fs = sorted(findings, key=_age)
    if not fs:
        raise ValueError("no findings")
    newest, worst = fs[-1], max(fs, key=lambda f: (f.severity, f.confidence, _age(f)))
    return Alert(
        id=alert_id(newest), org=newest.org, network=newest.network, rule=newest.rule, subject=newest.subject,
        related=_unique(s for f in reversed(fs) for s in f.related),
        severity=worst.severity, confidence=worst.confidence, queued=any(f.queued for f in fs),
        category=newest.category, domain=newest.domain, techniques=newest.techniques, summary=newest.summary,
        explanation=_explanation(newest, worst), evidence=newest.evidence,
        first_seen=min(f.first_seen for f in fs), last_seen=max(f.last_seen for f in fs), count=count(fs),
    )  # fmt: skip


def _age(f: Finding) -> tuple[int, int, bytes]:
    return (f.window_end or 0, f.last_seen, f.finding_id)


def _explanation(newest: Finding, worst: Finding) -> str:
    """The newest numbers; where an earlier window was worse, what it was."""
    if worst.severity <= newest.severity:
        return newest.explanation
    peak: dict[str, Any] = {"severity": worst.severity, "last_seen": worst.last_seen}
    return msgspec.json.encode(_numbers(newest.explanation) | {"peak": peak}).decode()


def _numbers(explanation: str) -> dict[str, Any]:
    """A finding of another's making may say anything: it must not stop the fold."""
    try:
        value = msgspec.json.decode(explanation)
    except msgspec.DecodeError:
        value = explanation
    return value if isinstance(value, dict) else {"value": value}


def _unique(subjects: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(subjects))[:64]


def count(findings: Iterable[Finding]) -> int:
    """Events behind findings: those of results by hour, from the newest window that holds the hour; added ones add."""
    by_hour: dict[int, tuple[int, int]] = {}
    total = 0
    for f in findings:
        if f.window_start is None:
            total += sum(f.hour_counts)
            continue
        for h, n in zip(f.hours, f.hour_counts, strict=True):
            if f.window_start >= by_hour.get(h, (-1 << 63, 0))[0]:
                by_hour[h] = (f.window_start, n)
    return total + sum(n for _, n in by_hour.values())
