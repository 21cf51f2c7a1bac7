"""A Sigma rule over each new slice of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectors.base import Query, Slice
from detectors.sigma.fields import Field, Form
from detectors.sigma.loader import Loaded
from detectors.slicing import DESTINATION, SLICE, SOURCE, Group, grouped
from fengsui.finding import Conclusion, Detection, Rule

_MAX_SHOWN = 6  # fields shown in an explanation


class SigmaHunt:
    """One rule. A conclusion covers the matching rows of one host in one message."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.name = loaded.rule.id
        self.kinds = tuple(loaded.where)
        self.rules: tuple[Rule, ...] = (loaded.rule,)

    def sql(self, kind: str) -> tuple[str, list[str]]:
        """The rows that match, and the names of the rule's fields whose values they carry."""
        shown = self._shown(kind)
        subject, other = (SOURCE, DESTINATION) if self.loaded.subject == "src" else (DESTINATION, SOURCE)
        columns = ["org", "network", f"{subject} AS subject", f"{other} AS other", "origin", "`offset`", "ts"]
        columns.append("event_id")
        columns += [f"{as_text(f)} AS value_{i}" for i, f in enumerate(shown.values())]
        where = f"{SLICE}\nAND ({self.loaded.where[kind]})"
        return f"SELECT {', '.join(columns)} FROM {kind} WHERE {where}", list(shown)  # noqa: S608 literals.py quotes

    def run(self, query: Query, part: Slice) -> list[Detection]:
        rows, shown = self.sql(part.kind)
        samples = ["other", *(f"value_{i}" for i in range(len(shown)))]
        groups = grouped(query, part, rows, {}, samples=samples)
        return [Detection(self.loaded.rule, g.org, g.network, self._conclude(g, part.kind, shown)) for g in groups]

    def _conclude(self, g: Group, kind: str, shown: Sequence[str]) -> Conclusion:
        values = {name: list(g.samples[f"value_{i}"]) for i, name in enumerate(shown) if g.samples[f"value_{i}"]}
        return Conclusion(
            subject=g.subject, severity=self.loaded.severity, confidence=self.loaded.confidence,
            arguments={"host": g.subject.removeprefix("host:"), "count": g.count, "seen": _example(values)},
            explanation={"kind": kind, "count": g.count, "values": values, "description": self.loaded.description,
                         "condition": self.loaded.where[kind][:4096]},
            first_seen=g.first, last_seen=g.last, hours=g.hours, related=g.samples["other"], evidence=g.evidence,
            filter={"kind": kind, "rule": self.loaded.rule.id}, origin=g.origin, unit=g.unit,
        )  # fmt: skip

    def _shown(self, kind: str) -> Mapping[str, Field]:
        distinct: dict[str, tuple[str, Field]] = {}
        for name, field in self.loaded.fields[kind].items():
            if not field.fixed:
                distinct.setdefault(field.sql, (name, field))
        return dict(list(distinct.values())[:_MAX_SHOWN])


def as_text(field: Field) -> str:
    if field.form is Form.TEXTS:
        return f"substring(arrayStringConcat({field.sql}, ' '), 1, 512)"
    if field.form is Form.IP:
        return f"replaceRegexpOne(IPv6NumToString({field.sql}), '^::ffff:', '')"
    text = f"toString({field.sql})"
    return f"substring({f'ifNull({text}, {chr(39) * 2})' if field.optional else text}, 1, 512)"


def _example(values: Mapping[str, Sequence[str]]) -> str:
    """The first value of each field, for a summary of one line."""
    return ", ".join(f"{name}={seen[0][:120]}" for name, seen in values.items())
