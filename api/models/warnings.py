"""Warnings: drafts, notices, the acts of people."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from api.models.alerts import Activity, Alert
from api.models.common import In, Moment, Out, Page, Reason, Text, Words


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
