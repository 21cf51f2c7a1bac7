"""Warnings (预警): which states there are, what colour a case has, what is kept of one. Pure.

The colour comes from the matrix alone, importance of the object × possible damage; no index sets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from situation.area import Organisation
from situation.standards import Standards
from situation.tables import Damage, Importance, Level, Text, text

DRAFT, ISSUED, ADJUSTED, LIFTED, DISMISSED = "draft", "issued", "adjusted", "lifted", "dismissed"

# What people may do in each state, and where it leads. The machine drafts, updates and dismisses drafts, nothing else.
# Approval in steps fits in between (draft: assess → assessed: approve → approved: issue → issued), as does an end by
# time (issued: expire → expired); who may issue which level is in warning_levels.yaml.
TRANSITIONS: dict[str, dict[str, str]] = {
    DRAFT: {"issue": ISSUED, "edit": DRAFT, "dismiss": DISMISSED},
    ISSUED: {"adjust": ADJUSTED, "lift": LIFTED},
    ADJUSTED: {"adjust": ADJUSTED, "lift": LIFTED},
    LIFTED: {},
    DISMISSED: {},
}
OPEN = (DRAFT, ISSUED, ADJUSTED)
OUT = (ISSUED, ADJUSTED)

CRITICAL_ALERT, SHARED_SUBJECT, INDEX_JUMP = "critical_alert", "shared_subject", "index_jump"

_IMPORTANCES: tuple[Importance, ...] = ("particularly_important", "important", "general")
_DAMAGES: tuple[Damage, ...] = ("extreme", "severe", "major", "general")
MOST_BASIS = 200
"""Alerts that are kept as the basis of a warning, the worst first."""


class Notice(msgspec.Struct, frozen=True):
    """What is announced, in one language: the fields of ``notice_fields`` in their order."""

    category: str
    level: str
    start_time: str
    scope: str
    matters: str
    measures: str
    issuer: str = ""


class Basis(NamedTuple):
    """What a warning needs to know of an alert. Times in microseconds; ``summary`` as in the registry."""

    id: str
    org: str
    rule: str
    category: str
    subject: str
    severity: int
    summary: str
    first_seen: int
    last_seen: int


class Case(msgspec.Struct, frozen=True):
    """What a trigger found. ``scope``: of a jump, the scope and its id; ``moved``: its index before and now."""

    trigger: str
    key: str
    basis: tuple[Basis, ...]
    subject: str = ""
    scope: tuple[str, str] = ("", "")
    moved: tuple[float, float] = (0.0, 0.0)

    @property
    def orgs(self) -> tuple[str, ...]:
        return tuple(sorted({b.org for b in self.basis}))

    @property
    def worst(self) -> Basis:
        return min(self.basis, key=lambda b: (-b.severity, -b.last_seen, b.id))


class Grade(msgspec.Struct, frozen=True):
    """Where a case stands in the matrix. ``level`` None: the matrix asks for no warning."""

    level: Level | None
    importance: Importance
    damage: Damage
    why: Text


class Content(msgspec.Struct, frozen=True):
    """A graded case with its notice in each language. ``severities`` by alert of the basis, the worst first;
    ``category`` of the worst."""

    grade: Grade
    category: str
    title: Text
    orgs: tuple[str, ...]
    cities: tuple[str, ...]
    severities: dict[str, int]
    notice: dict[str, Notice]

    def differs(self, other: Content) -> bool:
        """Whether there is something to tell: not the wording, which follows numbers that grow by the minute."""
        return (self.grade, self.orgs, self.severities) != (other.grade, other.orgs, other.severities)


class Version(msgspec.Struct, frozen=True):
    """The notice as a person issued, adjusted or lifted it."""

    at: int
    actor: str
    act: str
    level: Level
    reason: str
    notice: dict[str, Notice]


class Proposal(msgspec.Struct, frozen=True):
    """What the machine would change in a warning that is out; level *none*: lift it."""

    level: str
    why: Text


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a warning. ``edited``: parts of the notice that a person wrote. ``pending``: content that the machine
    would put in place of ``content``, which stays as it was issued. ``closed_by_machine``: dismissed without a person.
    ``scope`` and ``moved`` as in its case."""

    content: Content
    level_name: Text
    scope: tuple[str, str] = ("", "")
    moved: tuple[float, float] = (0.0, 0.0)
    edited: dict[str, Text] = {}
    pending: Content | None = None
    proposal: Proposal | None = None
    versions: tuple[Version, ...] = ()
    closed_by_machine: bool = False


def grade(case: Case, organisations: Mapping[str, Organisation], s: Standards) -> Grade:
    """The worst importance of the organisations concerned × the damage of the worst alert, looked up in the matrix."""
    concerned = [organisations[o] for o in case.orgs if o in organisations]
    found = {s.weights.importance_of(o.protection_level, o.critical) for o in concerned}
    importance = next((i for i in _IMPORTANCES if i in found), _IMPORTANCES[-1])
    damage = s.warnings.damage[case.worst.severity]
    wide = bool(case.subject) and len(case.orgs) >= s.warnings.shared.worse_from
    if wide:
        damage = _DAMAGES[max(0, _DAMAGES.index(damage) - 1)]
    level = s.levels.matrix[importance][_DAMAGES.index(damage)]
    return Grade(None if level == "none" else level, importance, damage, _why(case, importance, damage, wide, s))


def _why(case: Case, importance: Importance, damage: Damage, wide: bool, s: Standards) -> Text:
    i, d, severity, n = s.levels.importance[importance], s.levels.damage[damage], case.worst.severity, len(case.orgs)
    en = f"importance: {i.en}; possible damage: {d.en}, from a worst alert of severity {severity}"
    zh = f"保护对象重要程度：{i.zh}；可能损害程度：{d.zh}，依据最严重告警的级别 {severity}"
    if wide:
        return text(f"{en}, one step worse for {n} organisations", f"{zh}，因涉及 {n} 家单位提高一档")
    return text(en, zh)


def proposal(out: Content, now: Content) -> Proposal | None:
    """What to propose for a warning that is out with ``out``, the facts now being ``now``; None if nothing."""
    if now.grade.level is None:
        return Proposal("none", NOT_NEEDED)
    joined = len(set(now.orgs) - set(out.orgs))
    if now.grade.level != out.grade.level:
        return Proposal(now.grade.level, now.grade.why)
    if joined:
        return Proposal(now.grade.level, text(f"{joined} more organisation(s) concerned", f"新增 {joined} 家涉及单位"))
    return None


FEWER = text("fewer organisations are left than the trigger asks for", "涉及单位数已低于触发条件")
MERGED = text("its alert has joined the warning of a shared subject", "其告警已并入多单位同一对象的预警")
NOT_NEEDED = text("the matrix asks for no warning any more", "按判定矩阵已无需预警")
UNFOUNDED = text("every alert it rests on was withdrawn or is a false positive", "所依据的告警均已撤回或判定为误报")


def edited(content: Content, parts: Mapping[str, Text]) -> dict[str, Notice]:
    """The notice with what a person wrote in place of the machine's words."""
    return {
        lang: msgspec.structs.replace(n, **{k: t.both()[lang] for k, t in parts.items()})
        for lang, n in content.notice.items()
    }
