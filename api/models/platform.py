"""Signing in, health, and how the platform and its numbers are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.models.common import In, Moment, Organisation, Out, Text


class Session(Out):
    actor: str
    roles: list[str]
    version: str
    made: bool = Field(description="The data is made up, for demonstration")
    as_of: Moment


class Token(In):
    token: Annotated[str, Field(min_length=1, max_length=200)]


class Health(Out):
    status: Literal["ok", "degraded"]
    problems: list[Text]
    version: str


class Organisations(Out):
    items: list[Organisation]
    next: str | None


class KindCount(Out):
    kind: str
    count: int


class EventStats(Out):
    total: int
    by_kind: list[KindCount]
    last_read_at: Moment | None


class SeverityCount(Out):
    severity: int
    count: int


class HourCount(Out):
    hour: Moment
    severity: int
    count: int


class CityCount(Out):
    city: str
    label: Text
    count: int
    worst: int | None


class SubjectCount(Out):
    subject: str
    count: int
    severity: int


class RuleCount(Out):
    rule: str
    title: Text
    count: int


class AlertStats(Out):
    """``total`` is all of the queue; the rest speaks of what is open (new, in progress), ``by_hour`` of what began."""

    total: int
    open: int
    by_severity: list[SeverityCount]
    by_hour: list[HourCount]
    by_city: list[CityCount]
    top_subjects: list[SubjectCount]
    top_rules: list[RuleCount]


class Lag(Out):
    group: str
    messages: int


class SourceState(Out):
    folder: str
    org: str
    state: Literal["ok", "waiting", "missing", "unreadable"]
    last_read_at: Moment | None
    files: int
    rows: int
    ignored: int
    ignored_names: list[str]
    problem: Text | None


class RoleState(Out):
    name: str
    alive: bool
    idle_s: float = Field(description="Seconds since its last step")
    problem: Text | None


class PipelineState(Out):
    version: str
    started_at: Moment
    data: str
    disk_used: int
    disk_limit: int
    collector: Literal["idle", "reading", "waiting", "paused", "ended"]
    lag: list[Lag]
    sources: list[SourceState]
    dead_letters: int
    roles: list[RoleState]
    problems: list[Text]
    stuck: bool


class StatsOut(Out):
    as_of: Moment
    events: EventStats
    alerts: AlertStats
    pipeline: PipelineState
