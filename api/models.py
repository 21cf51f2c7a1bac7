"""What the API takes and gives, as OpenAPI shows it. Answers are built by ``views`` and sent as they are; a test
holds them to these declarations. Text that people read comes in both languages, so that a reader switches without
asking again.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T08:21:00.000000Z"])]
"""RFC 3339 in UTC with microseconds."""

Severity = Annotated[int, Field(ge=0, le=6, description="OCSF: 1 informational, 2 low, 3 medium, 4 high, 5 critical, "
                                                        "6 fatal")]  # fmt: skip


NO_NUL = r"^[^\x00]*$"


class Out(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid")


class In(BaseModel):
    """What is asked for: a key that is not known is an error, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """Query parameters: text on the wire, so converted; a parameter that is not known is an error."""

    model_config = ConfigDict(extra="forbid")


Line = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Words = Annotated[str, Field(max_length=4000, pattern=NO_NUL)]
Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]


class Text(Out):
    """The same in English and Chinese."""

    en: str
    zh: str


class Problem(BaseModel):
    """An error, RFC 9457. ``title`` and ``detail`` follow Accept-Language."""

    type: str = Field(examples=["/problems/unknown-cursor"])
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []


class FieldError(Out):
    field: str
    reason: str


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


Cursor = Annotated[str, Field(max_length=1000, description="`next` of the page before, of the same query")]
Limit = Annotated[int, Field(ge=1, le=200)]


class AlertQuery(AlertFilter):
    sort: Sort = Sort.SEVERITY_DOWN
    cursor: Cursor = ""
    limit: Limit = 50


class Page(Asked):
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


class Organisation(Out):
    id: str
    name: Text
    city: str
    sector: str
    size: str
    protection_level: int
    critical: bool
    importance: str
    has_data: bool


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


class EventPage(Out):
    items: list[dict[str, Any]]
    next: str | None


class Kind(StrEnum):
    FLOW = "flow"
    DNS = "dns"
    HTTP = "http"
    TLS = "tls"
    FILE = "file"


class EventQuery(Page):
    """Which events; all given must hold. Newest first."""

    from_: Annotated[datetime | None, Field(alias="from", description="At or after")] = None
    to: Annotated[datetime | None, Field(description="Before")] = None
    org: Annotated[str, Field(max_length=200)] = ""
    network: Annotated[str, Field(max_length=200)] = ""
    src_ip: Annotated[str, Field(max_length=50)] = ""
    dst_ip: Annotated[str, Field(max_length=50)] = ""
    host: Annotated[str, Field(max_length=50, description="Address of either side")] = ""
    port: Annotated[int | None, Field(ge=0, le=65535, description="Port of the responder")] = None
    uid: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$", description="Flow that it belongs to")] = ""
    q: Annotated[str, Field(max_length=200, description="Text in the kind's main columns: query, host, sni, …")] = ""


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


class FileState(Out):
    name: str
    bytes: int
    state: Literal["waiting", "reading", "done", "failed", "refused"]
    rows: int
    already: int
    read_at: Moment | None
    faults: list[str]
    more_faults: int


class Analysis(Out):
    """Files that somebody handed in. Its alerts are those of its ``network``."""

    id: str
    created_at: Moment
    org: str
    network: str
    state: Literal["waiting", "reading", "hunting", "done", "failed"]
    files: list[FileState]
    done_bytes: int
    total_bytes: int
    rows: int
    alerts: int
    below: int


class AnalysisPage(Out):
    items: list[Analysis]
    next: str | None


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


class Scope(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    ORGANISATION = "organisation"


class Coverage(Out):
    """What is heard of: organisations that report enough (of an area), or hours with data (of an organisation)."""

    reporting: int
    registered: int
    share: float
    enough: bool


class DimensionScore(Out):
    dimension: str
    label: Text
    score: float | None = Field(description="0 to 100; null: no source for it here")
    weight: float


class Worst(Out):
    id: str
    name: Text
    index: float


class Score(Out):
    """An index (0 to 100, the higher the worse). ``index`` is null where too little is heard: band
    *insufficient*, which is not safety; ``at_least`` is what is known all the same."""

    scope: Scope
    id: str
    name: Text
    index: float | None
    at_least: float | None
    band: Literal["excellent", "good", "fair", "poor", "critical", "insufficient"]
    coverage: Coverage
    dimensions: list[DimensionScore]
    change_24h: float | None
    alerts: int
    worst: Worst | None


class BandStart(Out):
    band: str
    from_: float = Field(alias="from")
    label: Text


class SituationOut(Out):
    as_of: Moment
    weights_version: str
    province: Score
    cities: list[Score]
    map: dict[str, Any]
    bands: list[BandStart]


class TrendPoint(Out):
    at: Moment
    index: float | None
    band: str
    coverage: float


class Member(Out):
    """An organisation's part in its area's index: ``points`` of all members add up to it."""

    scope: str
    id: str
    name: Text
    index: float | None
    band: str
    weight: float
    points: float
    floor: bool


class Contribution(Out):
    """An alert's part in an index: all of them add up to it."""

    alert: str
    org: str
    dimension: str
    points: float
    title: Text
    subject: str
    severity: int
    last_seen: Moment


class Peers(Out):
    """How its risk compares with organisations of its size: standard deviations of log(1 + R) from their mean."""

    size: str
    organisations: int
    z: float | None


class Rest(Out):
    points: float
    count: int


class ScoreDetail(Score):
    as_of: Moment
    trend: list[TrendPoint]
    members: list[Member]
    contributions: list[Contribution]
    rest: Rest | None
    formula: Text
    peers: Peers | None


class AtQuery(Asked):
    at: Annotated[datetime | None, Field(description="A full hour of the last days; the newest if not given")] = None


class Level(StrEnum):
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class WarningState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    ADJUSTED = "adjusted"
    LIFTED = "lifted"
    DISMISSED = "dismissed"


class WarningItem(Out):
    id: str
    level: Level
    level_name: Text
    state: WarningState
    trigger: Literal["critical_alert", "shared_subject", "index_jump"]
    title: Text
    orgs: list[str]
    cities: list[str]
    subject: str
    created_at: Moment
    issued_at: Moment | None
    changed: int


class WarningPage(Out):
    items: list[WarningItem]
    next: str | None


class Matrix(Out):
    importance: str
    damage: str
    level: Level | None = Field(description="What the matrix asks for; a person may have chosen another")
    why: Text


class Notice(Out):
    category: str
    level: str
    start_time: str
    scope: str
    matters: str
    measures: str
    issuer: str


class Notices(Out):
    en: Notice
    zh: Notice


class Proposal(Out):
    """What the machine proposes since the warning was issued (*none*: lift it); a person does it, or does not."""

    level: Literal["red", "orange", "yellow", "blue", "none"]
    why: Text


class WarningDetail(WarningItem):
    matrix: Matrix
    notice: Notices
    basis: list[Alert]
    proposal: Proposal | None
    record: list[Activity]
    actions: list[str]


class WarningQuery(Page):
    state: list[WarningState] = []
    level: list[Level] = []


class TextIn(In):
    en: Words
    zh: Words


class Edit(In):
    """A change of a draft's words. ``changed`` is what was on the screen."""

    matters: TextIn | None = None
    measures: TextIn | None = None
    scope: TextIn | None = None
    changed: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Issue(Edit):
    issuer: TextIn | None = None


class Adjust(Issue):
    level: Level = Field(strict=False)
    reason: Reason


class Lift(In):
    reason: Reason
    changed: Annotated[int, Field(ge=0, le=2**53)] | None = None
