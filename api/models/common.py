"""What declarations of the API are made of. Answers are built by ``views`` and sent as they are; a test holds them to
these declarations. Text that people read comes in both languages, so that a reader switches without asking again."""

from __future__ import annotations

from typing import Annotated

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


Cursor = Annotated[str, Field(max_length=1000, description="`next` of the page before, of the same query")]

Limit = Annotated[int, Field(ge=1, le=200)]


class Page(Asked):
    cursor: Cursor = ""
    limit: Limit = 50


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
