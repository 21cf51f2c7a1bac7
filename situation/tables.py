"""What is in the tables of ``rules/standards``: every key, its type and its range."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Hours = Annotated[int, msgspec.Meta(gt=0, le=24 * 366)]
Severity = Annotated[int, msgspec.Meta(ge=0, le=6)]
Size = Literal["small", "medium", "large"]
Importance = Literal["particularly_important", "important", "general"]
Damage = Literal["extreme", "severe", "major", "general"]
Level = Literal["red", "orange", "yellow", "blue"]
Dimension = Literal["network", "supply_chain", "data", "physical", "vulnerability", "disposal"]
Band = Literal["excellent", "good", "fair", "poor", "critical"]

DIMENSIONS: tuple[Dimension, ...] = ("network", "supply_chain", "data", "physical", "vulnerability", "disposal")
BANDS: tuple[Band, ...] = ("excellent", "good", "fair", "poor", "critical")
INSUFFICIENT = "insufficient"


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping whose keys are all known."""


class Text(Strict, frozen=True):
    """What people read, in both languages."""

    en: str
    zh: str

    def both(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh}


def text(en: str, zh: str) -> Text:
    return Text(en=en, zh=zh)


class WeighedDimension(Text, frozen=True):
    alpha: Share


class BandStart(Text, frozen=True):
    start: float = msgspec.field(name="from")


class Asset(Strict, frozen=True):
    protection: dict[Annotated[int, msgspec.Meta(ge=1, le=5)], Positive]
    critical: Positive


class Floors(Strict, frozen=True):
    organisation: Share
    area: Share


class CoverageNeeded(Strict, frozen=True):
    hours: Hours
    organisation: Share
    area: Share


class ImportanceLevels(Strict, frozen=True):
    particularly_important: int
    important: int


class Weights(Strict, frozen=True):
    """``situation_index.yaml``; the file says what each number is."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    verified: bool
    dimensions: dict[Dimension, WeighedDimension]
    judgements: list[list[Positive]]
    exponents: dict[Severity, int]
    half_life_hours: Positive
    horizon_hours: Hours
    resolved: Share
    disposal_hours: dict[Severity, Positive]
    asset: Asset
    r0: dict[Dimension, dict[Size, Positive]]
    floors: Floors
    mean_share: Share
    percentile: Share
    importance: dict[Importance, Positive]
    importance_levels: ImportanceLevels
    coverage: CoverageNeeded
    trend_hours: Hours
    told: Positive
    bands: dict[Band, BandStart]
    insufficient: Text

    def importance_of(self, protection_level: int, critical: bool) -> Importance:
        """How important an organisation is: for its weight in its city, and for a warning's colour."""
        if critical or protection_level >= self.importance_levels.particularly_important:
            return "particularly_important"
        return "important" if protection_level >= self.importance_levels.important else "general"

    def asset_weight(self, protection_level: int, critical: bool) -> float:
        """w_a; a level outside 1 to 5 counts as the nearest."""
        base = self.asset.protection[min(5, max(1, protection_level))]
        return base * (self.asset.critical if critical else 1.0)

    def band(self, index: float | None) -> str:
        """The band of an index; *insufficient* of none."""
        if index is None:
            return INSUFFICIENT
        return max((b for b in BANDS if self.bands[b].start <= index), key=lambda b: self.bands[b].start)

    def band_label(self, band: str) -> Text:
        return self.insufficient if band not in BANDS else text(self.bands[band].en, self.bands[band].zh)


class City(Text, frozen=True):
    code: str = ""


class Group(Strict, frozen=True):
    zh: str
    cities: list[str]


class Regions(Strict, frozen=True):
    """``regions.yaml``."""

    verified: bool
    province: City
    cities: dict[str, City]
    groups: dict[str, Group]
    sectors: dict[str, Text]


class Category(Strict, frozen=True):
    en: str
    zh: str
    sub: dict[str, str] = {}
    note: str = ""
    count: int = 0


class Categories(Strict, frozen=True):
    """``incident_categories.yaml``: Chinese names of sub-categories; their English ones are the keys."""

    verified: str
    categories: dict[str, Category]

    def name(self, category: str) -> Text:
        """The name of ``category/sub-category``; the code itself where the table has none."""
        top, _, sub = category.partition("/")
        if top not in self.categories:
            return text(category, category)
        c = self.categories[top]
        if sub not in c.sub or sub == "other":
            return text(c.en, c.zh)
        return text(f"{c.en}: {sub.replace('_', ' ')}", f"{c.zh}（{c.sub[sub]}）")


class LevelName(Text, frozen=True):
    rank: int
    event_level: Text


class Measures(Strict, frozen=True):
    en: list[str]
    zh: list[str]


class NoticeFields(Strict, frozen=True):
    category: Text
    level: Text
    start_time: Text
    scope: Text
    matters: Text
    measures: Text
    issuer: Text


class Levels(Strict, frozen=True):
    """``warning_levels.yaml``."""

    verified: dict[str, bool]
    levels: dict[Level, LevelName]
    importance: dict[Importance, Text]
    damage: dict[Damage, Text]
    matrix: dict[Importance, tuple[Literal["red", "orange", "yellow", "blue", "none"], ...]]
    notice_fields: NoticeFields
    states: list[str]
    issuers: dict[Level, list[str]]
    response: dict[Level, Measures]
    leaked_user_records: dict[Level, int]


class Shared(Strict, frozen=True):
    organisations: Annotated[int, msgspec.Meta(ge=2)]
    hours: Hours
    worse_from: int


class Jump(Strict, frozen=True):
    points: Positive
    hours: Hours
    basis: int
    made_by: Share
    alone: Share


class Clock(Text, frozen=True):
    offset_hours: float


class WarningRules(Strict, frozen=True):
    """``warning_rules.yaml``."""

    version: str
    verified: bool
    critical_severity: Severity
    shared: Shared
    jump: Jump
    fresh_hours: Hours
    damage: dict[Severity, Damage]
    named: int
    told: int
    clock: Clock
    private: list[str]
    advice: dict[str, Text]
