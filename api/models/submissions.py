"""Software that was handed in, verdicts on it, appeals and exceptions."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from api.models.common import In, Line, Moment, Out, Page, Reason, Text
from situation import appeals
from situation.submissions import STATES

SubmissionState = StrEnum("SubmissionState", {s: s for s in STATES})  # type: ignore[misc]
AppealState = StrEnum("AppealState", {s: s for s in appeals.STATES})  # type: ignore[misc]
VerdictWord = Literal["malicious", "suspicious", "incomplete", "clean"]
Profile = Literal["package", "archive", "image"]
Lane = Literal["interactive", "bulk"]


class Submission(Out):
    id: str
    org: str
    name: str
    size: int
    sha256: str
    profile: str
    state: SubmissionState
    verdict: VerdictWord | None = Field(description="The one that was told last")
    probability: float | None
    actor: str
    created_at: Moment
    changed_at: Moment


class Why(Out):
    """A piece of evidence. ``share``: what it adds to the log odds; all shares and ``base`` sum to the score."""

    rule: str
    text: Text
    file: str
    line: int | None
    offset: int | None
    matched: str
    share: float
    techniques: list[str]


class NotSeen(Out):
    """Something that was not looked at, and what may be done about it."""

    name: str
    file: str
    detail: str
    text: Text


class Inner(Out):
    path: str
    sha256: str
    size: int
    format: str
    depth: int


class Exempt(Out):
    """Content that an organisation accepts, whatever is found in it, until a day."""

    id: str
    org: str
    sha256: str
    reason: str
    owner: str
    created_at: Moment
    expires_at: Moment


class Appeal(Out):
    id: str
    submission: str
    org: str
    sha256: str
    verdict: VerdictWord
    actor: str
    reason: str
    at: Moment
    deadline: Moment
    state: AppealState
    answer: str
    answered_by: str
    answered_at: Moment | None


class SubmissionDetail(Submission):
    """With the verdict as it is computed now: ``reasons`` the greatest first, ``files`` as they were met."""

    analysis: str
    format: str
    seconds: float | None
    base: float | None
    reasons: list[Why]
    limits: list[NotSeen]
    files: list[Inner]
    more_files: int
    exception: Exempt | None
    appeals: list[Appeal]


class Similar(Out):
    """``alike``: the share of code that two have in common, 0 to 1, by MinHash."""

    id: str
    name: str
    verdict: VerdictWord
    alike: float


class SimilarList(Out):
    items: list[Similar]


class ReportKey(Out):
    """``key``: the public half, base64."""

    algorithm: Literal["ed25519"]
    key: str


class SubmissionPage(Out):
    items: list[Submission]
    next: str | None


class SubmissionsMade(Out):
    items: list[Submission]


class SubmissionQuery(Page):
    org: Line = ""
    state: list[SubmissionState] = []
    verdict: list[VerdictWord] = []
    sha256: Line = ""


class Rescan(In):
    lane: Lane = "interactive"
    passwords: list[Line] = Field(default=[], max_length=20)


class NewAppeal(In):
    reason: Reason


class Answer(In):
    state: Literal["upheld", "rejected"]
    answer: Reason


class AppealList(Out):
    items: list[Appeal]


class NewException(In):
    org: Line = ""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    reason: Reason
    days: int = Field(ge=1, le=3650, description="From now on")


class ExceptionList(Out):
    items: list[Exempt]


class NewUpload(In):
    """A large file that is sent in parts."""

    name: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")
    size: int = Field(ge=1)


class Upload(Out):
    """``offset``: bytes that have arrived; the next part begins there."""

    id: str
    name: str
    size: int
    offset: int


class SubmitUpload(In):
    org: Line = ""
    profile: Profile = "package"
    lane: Lane = "interactive"
    passwords: list[Line] = Field(default=[], max_length=20)
