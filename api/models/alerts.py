"""Alerts: the queue, one alert whole, what people do to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from api.models.common import Asked, Cursor, In, Limit, Line, Moment, Organisation, Out, Severity, Text, Words


class State(StrEnum):
    """What people make of an alert; ``withdrawn`` is set by the system alone, when its findings no longer hold."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"
    WITHDRAWN = "withdrawn"


class Settable(StrEnum):
    NEW = "new"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    FALSE_POSITIVE = "false_positive"


class Sort(StrEnum):
    """What comes first; a minus is descending. Severity is followed by the time last seen."""

    SEVERITY_DOWN = "-severity"
    SEVERITY = "severity"
    LAST_SEEN_DOWN = "-last_seen"
    LAST_SEEN = "last_seen"
    FIRST_SEEN_DOWN = "-first_seen"
    FIRST_SEEN = "first_seen"
    COUNT_DOWN = "-count"
    COUNT = "count"


class AlertFilter(Asked):
    """Which alerts. A parameter given several times means any of them; different ones must all hold."""

    state: list[State] = []
    severity: list[Severity] = []
    severity_min: Severity | None = None
    org: Annotated[list[str], Field(max_length=100)] = []
    city: Annotated[list[str], Field(max_length=100)] = []
    network: Annotated[list[str], Field(max_length=100)] = []
    rule: Annotated[list[str], Field(max_length=100)] = []
    domain: Annotated[list[str], Field(max_length=10)] = []
    assignee: Annotated[list[str], Field(max_length=100, description="Empty text: nobody has it")] = []
    subject: Annotated[list[str], Field(max_length=100, description="Exactly, e.g. host:10.0.0.5")] = []
    technique: Annotated[str, Field(max_length=20, description="ATT&CK technique, e.g. T1071")] = ""
    q: Annotated[str, Field(max_length=200, description="Text in subject, related subjects or rule")] = ""
    from_: Annotated[datetime | None, Field(alias="from", description="Last seen at or after")] = None
    to: Annotated[datetime | None, Field(description="Last seen before")] = None
    first_from: Annotated[datetime | None, Field(description="First seen at or after")] = None
    first_to: Annotated[datetime | None, Field(description="First seen before")] = None
    below: Annotated[bool, Field(description="Add what stays below the alert line")] = False


class AlertQuery(AlertFilter):
    sort: Sort = Sort.SEVERITY_DOWN
    cursor: Cursor = ""
    limit: Limit = 50


class Alert(Out):
    """A line of the queue."""

    id: str = Field(examples=["0f3a9c4be1d24f61a6f0a5d0c3b1e277"])
    org: str
    org_name: Text
    city: str = Field(description="Key of the city; empty if the organisation is in none")
    network: str
    rule: str
    title: Text
    subject: str
    related: list[str]
    severity: int
    confidence: int
    queued: bool
    category: str
    category_name: Text
    domain: str
    techniques: list[str]
    summary: Text
    first_seen: Moment
    last_seen: Moment
    count: int
    state: State
    assignee: str
    changed: int = Field(description="Sequence number of its last change: give it back with a change")


class AlertPage(Out):
    items: list[Alert]
    next: str | None


class Bucket(Out):
    value: str
    label: Text
    count: int


class Facets(Out):
    """How many alerts there are by each value, all filters but the facet's own applied."""

    total: int
    facets: dict[str, list[Bucket]]


class Span(Out):
    start: Moment
    end: Moment


class Finding(Out):
    id: str
    form: str
    rule: str
    severity: int
    confidence: int
    subject: str
    summary: Text
    explanation: dict[str, Any]
    first_seen: Moment
    last_seen: Moment
    count: int
    window: Span | None
    origin: str


class Activity(Out):
    seq: int
    at: Moment
    object: str
    object_id: str
    org: str
    actor: str
    act: str
    body: dict[str, Any]


class WarningLink(Out):
    id: str
    level: str
    state: str
    title: Text


class AlertDetail(Alert):
    """An alert with what is behind it. ``evidence`` holds up to 20 events; ``evidence_missing`` counts those that are
    no longer stored. ``filter`` finds the rest: ask /alerts/{id}/events.
    """

    explanation: dict[str, Any]
    findings: list[Finding]
    findings_total: int
    evidence: list[dict[str, Any]]
    evidence_missing: int
    activity: list[Activity]
    warnings: list[WarningLink]
    filter: dict[str, Any] | None
    organisation: Organisation


class Triage(In):
    """A change by a person. ``changed`` is what was on the screen: if another person has changed it since, 409."""

    state: Settable | None = Field(default=None, strict=False)
    assignee: Line | None = None
    comment: Words | None = None
    changed: Annotated[int, Field(ge=0, le=2**53)] | None = None


class BulkTriage(In):
    ids: Annotated[list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]], Field(min_length=1, max_length=500)]
    state: Settable | None = Field(default=None, strict=False)
    assignee: Line | None = None
    comment: Words | None = None


class BulkDone(Out):
    changed: int
    items: list[Alert]


class Chart(Out):
    """What an alert looks like over time: ``intervals`` of a beacon, ``targets`` of a scan, or events by ``hours``."""

    chart: Literal["intervals", "targets", "hours"]
    times: list[Moment] = []
    bytes: list[int] = []
    targets: list[Target] = []
    hours: list[Moment] = []
    counts: list[int] = []
    total: int


class Target(Out):
    ip: str
    port: int
    count: int
    state: str
    first: Moment
