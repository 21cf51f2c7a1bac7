"""Names that people know things by: cities, organisations, categories, severities, in both languages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, select

from fengsui.registry.database import reading
from fengsui.registry.models import organisation, presence
from situation.standards import Standards

Text = dict[str, str]

SEVERITIES = (
    ("unknown", "未知"), ("informational", "信息"), ("low", "低"), ("medium", "中"), ("high", "高"),
    ("critical", "严重"), ("fatal", "致命"),
)  # fmt: skip
STATES = {
    "new": ("new", "待处理"), "in_progress": ("in progress", "处理中"), "resolved": ("resolved", "已处置"),
    "false_positive": ("false positive", "误报"), "withdrawn": ("withdrawn", "已撤回"),
}  # fmt: skip
DOMAINS = {
    "network": ("network", "网络安全"), "supply_chain": ("software supply chain", "软件供应链安全"),
    "data": ("data", "数据安全"), "physical": ("physical", "物理安全"),
}  # fmt: skip
KEEP = 2.0
"""Seconds that names of organisations are remembered."""


def both(pair: tuple[str, str]) -> Text:
    return {"en": pair[0], "zh": pair[1]}


UPLOADS = "uploads"
"""The organisation of files that were handed in, where none was chosen: in no city, in no index."""


def _unknown(key: str) -> dict[str, Any]:
    """An organisation that is not registered is called by its id."""
    return {"id": key, "name": both((key, key)), "city": "", "sector": "", "size": "", "protection_level": 0,
            "critical": False, "importance": "general", "has_data": True}  # fmt: skip


class Names:
    """Names of cities and categories from ``standards``, of organisations from the registry."""

    def __init__(self, standards: Standards, registry: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._standards = standards
        self.cities: dict[str, Text] = {k: c.both() for k, c in standards.regions.cities.items()}
        self._registry, self._clock = reading(registry), clock
        self._organisations: dict[str, dict[str, Any]] = {}
        self._version = 0
        self._read = -KEEP

    def category(self, key: str) -> Text:
        return self._standards.categories.name(key).both()

    def organisations(self) -> dict[str, dict[str, Any]]:
        """Every organisation that is registered, as the API shows it."""
        now = self._clock()
        if now - self._read >= KEEP:
            with self._registry.connect() as db:
                rows = db.execute(select(organisation)).all()
                seen = set(db.execute(select(presence.c.org).distinct()).scalars())
            fresh = {r.id: self._shown(r, seen) for r in rows}
            self._version += fresh != self._organisations
            self._organisations, self._read = fresh, now
        return self._organisations

    def version(self) -> int:
        """Another number whenever an organisation has become another."""
        self.organisations()
        return self._version

    def organisation(self, key: str) -> dict[str, Any]:
        """An organisation; one that is not registered is called by its id."""
        found = self.organisations().get(key)
        if found is None and key == UPLOADS:
            return _unknown(key) | {"name": both(("files handed in", "上传的数据"))}
        return found or _unknown(key)

    def in_cities(self, cities: list[str]) -> list[str]:
        """Ids of the organisations in these cities."""
        return [k for k, o in self.organisations().items() if o["city"] in cities]

    def city(self, key: str) -> Text:
        return self.cities.get(key) or both((key, key))

    def _shown(self, row: Any, seen: set[str]) -> dict[str, Any]:
        important = self._standards.weights.importance_of(row.protection_level, bool(row.critical))
        return {
            "id": row.id, "name": {"en": row.en, "zh": row.zh}, "city": row.city, "sector": row.sector,
            "size": row.size, "protection_level": row.protection_level, "critical": bool(row.critical),
            "importance": important, "has_data": row.id in seen,
        }  # fmt: skip
