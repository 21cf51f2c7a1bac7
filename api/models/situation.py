"""The situation: scores, what they are made of, trends."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from api.models.common import Asked, Moment, Out, Text


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
