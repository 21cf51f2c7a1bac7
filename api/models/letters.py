"""Dead letters: input that could not be read, and what was decided about it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from api.models.common import Line, Moment, Out, Page
from situation.letters import STATES

LetterState = StrEnum("LetterState", {s: s for s in STATES})  # type: ignore[misc]


class Letter(Out):
    id: str
    at: Moment = Field(description="When it was kept")
    state: LetterState
    reason: str
    place: str = Field(description="The file or log, or topic/partition/offset")
    position: int | None = Field(description="Byte or line in `place`; the offset of a message")
    org: str
    network: str
    origin: str
    topic: str = Field(description="Where it is sent again; empty for what was no message")
    size: int
    actor: str
    decided_at: Moment | None


class LetterDetail(Letter):
    """``text`` is the beginning of the bytes as text, what is none of it replaced; the whole is under `/raw`."""

    headers: dict[str, str]
    text: str
    whole: bool


class LetterPage(Out):
    items: list[Letter]
    next: str | None
    counts: dict[str, int] = Field(description="Letters by state, whatever was asked for")


class LetterQuery(Page):
    state: list[LetterState] = []
    org: Line = ""
    topic: Line = ""
