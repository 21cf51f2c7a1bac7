"""Correlation rules of Sigma: how many events, how many values or which rules, of one group within a span of time.

A correlation stands in one file with the rules that it counts. The store selects and groups the rows; how many
different things lie in the fullest span is counted here, exactly, wherever it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numba as nb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule
from sigma.correlations import SigmaCorrelationConditionOperator as Operator
from sigma.correlations import SigmaCorrelationType as Type

from detectors.base import Query, Site, Told
from detectors.hunts.sql import OF_SITES, bound_sites
from detectors.rulefile import Section, parse
from detectors.sigma.backend import NotCovered
from detectors.sigma.fields import FIELDS
from detectors.sigma.hunt import as_text
from detectors.sigma.loader import (
    Compiled,
    as_plain,
    compiled,
    confidence,
    described,
    is_correlation,
    naming,
    own_keys,
    rule_files,
    severity,
    unique,
)
from fengsui.errors import BadRule
from fengsui.finding import HOUR_US, MAX_EVIDENCE, Conclusion, Evidence, Rule, Window

MAX_ROWS = 100_000  # of one group in one window; the earliest count
_SUMMARY = ": {group}, {count} ≥ {least} / {span} s"
_SOURCES = {"src_ip", "`src_ip`"}
_HOSTS = {*_SOURCES, "dst_ip", "`dst_ip`"}


@dataclass(frozen=True)
class Correlation:
    """``selects`` are the rows of each rule and kind: group, time, what is counted, and the event."""

    path: Path
    rule: Rule
    severity: int
    confidence: int
    group_by: tuple[str, ...]
    host_at: int | None
    least: int
    span: int
    kinds: tuple[str, ...]
    selects: tuple[str, ...]
    samples: Section | None


def load_correlations(folder: Path) -> list[Correlation]:
    """Every correlation below a folder, in order of path. Raises BadRule at the first bad one."""
    found = [load_file(d, p) for p, d in rule_files(folder) if any(map(is_correlation, d))]
    unique([(c.rule.id, c.path) for c in found])
    return found


def load_file(documents: list[str], path: Path) -> Correlation:
    """A correlation and its rules, one a document. Raises BadRule."""
    own = [d for d in documents if is_correlation(d)]
    if len(own) != 1:
        raise BadRule(path, "a file holds one correlation")
    rules: dict[str, Compiled] = {}
    for d in documents:
        if d is not own[0]:
            c = compiled(d, path)
            names = [str(n) for n in (c.sigma.id, c.sigma.name) if n]
            rules |= dict.fromkeys(names, c)
    section = parse(path, own[0])
    plain = {k: v for k, v in as_plain(section).items() if k != "fengsui"}
    with naming(path, own[0], "correlation"):
        return _correlation(path, own[0], section, SigmaCorrelationRule.from_dict(plain), rules)


def _correlation(path: Path, text: str, section: Section, sigma: SigmaCorrelationRule,
                 rules: Mapping[str, Compiled]) -> Correlation:  # fmt: skip
    condition = _checked(sigma)
    used: list[Compiled] = []
    for r in sigma.rules or []:
        if r.reference not in rules:
            raise NotCovered(f"rule {r.reference} is not in this file", "rules")
        used.append(rules[r.reference])
    group_by = tuple(sigma.group_by or ())
    counted = str(condition.fieldref) if sigma.type is Type.VALUE_COUNT else None
    least = int(condition.count) + (condition.op is Operator.GT)
    if sigma.type is Type.TEMPORAL:
        least = len(used)
    selects, kinds = [], []
    for number, c in enumerate(used):
        for kind, where in c.where.items():
            code = _code(sigma.type, kind, number, counted)
            selects.append(_select(kind, where, group_by, code))
            kinds.append(kind)
    hosts = [i for i, g in enumerate(group_by) if all(_field(k, g) in _HOSTS for k in kinds)]
    first = [i for i in hosts if all(_field(k, group_by[i]) in _SOURCES for k in kinds)] or hosts
    own = own_keys(section)
    return Correlation(
        path, described(text, section, sigma, own, _SUMMARY), severity(sigma), confidence(sigma),
        group_by, first[0] if first else None, least, sigma.timespan.seconds * 1_000_000,
        tuple(dict.fromkeys(kinds)), tuple(selects), own.values.get("samples") if own else None,
    )  # fmt: skip


def _checked(sigma: SigmaCorrelationRule) -> SigmaCorrelationCondition:
    """What is counted; raises NotCovered for what this engine does not do."""
    if sigma.type not in (Type.EVENT_COUNT, Type.VALUE_COUNT, Type.TEMPORAL):
        raise NotCovered(f"correlation type {sigma.type.name.lower()}", "type")
    if sigma.generate:
        raise NotCovered("generate: the rules of a correlation raise nothing themselves", "generate")
    if sigma.aliases.aliases:
        raise NotCovered("aliases", "aliases")
    if not isinstance(sigma.condition, SigmaCorrelationCondition):
        raise NotCovered("an extended condition", "condition")
    if sigma.condition.op not in (Operator.GTE, Operator.GT) or int(sigma.condition.count) != sigma.condition.count:
        raise NotCovered("a condition other than gt or gte of a whole number", "condition")
    if sigma.type is Type.VALUE_COUNT and not isinstance(sigma.condition.fieldref, str):
        raise NotCovered("values of several fields", "field")
    return sigma.condition


def _field(kind: str, name: str) -> str:
    field = FIELDS[kind].get(name)
    if field is None:
        raise NotCovered(f"field {name} is not covered in {kind} events", name)
    return field.sql


def _text(kind: str, name: str) -> str:
    _field(kind, name)
    return as_text(FIELDS[kind][name])


def _code(what: Type, kind: str, number: int, counted: str | None) -> str:
    """What tells things apart that are to be counted: events (an open flow and its end are one), values or rules."""
    if what is Type.TEMPORAL:
        return f"toUInt64({number})"
    if what is Type.VALUE_COUNT and counted is not None:
        return f"cityHash64({_text(kind, counted)})"
    return "cityHash64(uid)" if kind == "flow" else "cityHash64(event_id)"


def _select(kind: str, where: str, group_by: tuple[str, ...], code: str) -> str:
    groups = ", ".join(_text(kind, g) for g in group_by)
    return f"""SELECT org, network, CAST([{groups}], 'Array(String)') AS keys, toUnixTimestamp64Micro(ts) AS t,
{code} AS code, '{kind}' AS kind, hex(event_id) AS id FROM {kind}
WHERE {OF_SITES} AND ({where})"""  # noqa: S608 literals.py quotes


class CorrelationHunt:
    """One correlation over windows of event time. A conclusion is one group whose fullest span reaches the count."""

    def __init__(self, correlation: Correlation) -> None:
        self.correlation = correlation
        self.name = correlation.rule.id
        self.kinds = correlation.kinds
        self.rules: tuple[Rule, ...] = (correlation.rule,)
        self.hours = -(-correlation.span // HOUR_US)

    def worth(self, query: Query, sites: Sequence[Site], span: Window) -> set[Site]:
        """Those where the whole span holds enough: a window holds no more."""
        found = self._ask(query, sites, span, "count() AS n").select(["org", "network"])
        return {(r["org"], r["network"]) for r in found.to_pylist()}

    def run(self, query: Query, org: str, network: str, windows: Sequence[Window]) -> Iterator[tuple[Window, Told]]:
        for window in windows:
            yield window, self.window(query, org, network, window)

    def _ask(self, query: Query, sites: Sequence[Site], window: Window, what: str) -> pa.Table:
        rows = "\nUNION ALL\n".join(self.correlation.selects)
        sql = f"""SELECT org, network, keys, {what} FROM ({rows})
GROUP BY org, network, keys HAVING uniqExact(code) >= {{least:UInt64}}
ORDER BY org, network, keys"""  # noqa: S608 literals.py quotes
        return query(sql, bound_sites(sites, window) | {"least": self.correlation.least})

    def window(self, query: Query, org: str, network: str, window: Window) -> Told:
        """What is concluded of one window."""
        c = self.correlation
        events = f"groupArraySorted({MAX_ROWS})((t, code, kind, id)) AS events"
        table = self._ask(query, [(org, network)], window, events).combine_chunks()
        found = (self._conclude(table, i, org) for i in range(table.num_rows))
        return [(c.rule, conclusion) for conclusion in found if conclusion is not None]

    def _conclude(self, table: pa.Table, i: int, org: str) -> Conclusion | None:
        c = self.correlation
        events = table.column("events")[i].values
        times, codes, kinds, ids = (events.field(n) for n in range(4))
        t = times.to_numpy()
        _, dense = np.unique(codes.to_numpy(), return_inverse=True)
        count, begin, end = fullest(t, dense, c.span)
        if count < c.least:
            return None
        keys = table.column("keys")[i].as_py()
        host = keys[c.host_at] if c.host_at is not None else ""
        at, n = np.unique(t[begin:end] // HOUR_US * HOUR_US, return_counts=True)
        hours = dict(zip(at.tolist(), n.tolist(), strict=True))
        shown = range(begin, min(end, begin + MAX_EVIDENCE))
        group = ", ".join(f"{name}={key}" for name, key in zip(c.group_by, keys, strict=True))
        told = {"count": count, "least": c.least, "span": c.span // 1_000_000, "group": group}
        return Conclusion(
            subject=f"host:{host}" if host else f"org:{org}", severity=c.severity, confidence=c.confidence,
            arguments=told, explanation={**told, "events": int(end - begin)}, group=group,
            first_seen=int(t[begin]), last_seen=int(t[end - 1]), hours=hours,
            evidence=tuple(Evidence(kinds[k].as_py(), int(t[k]), bytes.fromhex(ids[k].as_py())) for k in shown),
            filter={"rule": c.rule.id},
        )  # fmt: skip


@nb.njit(cache=True)
def fullest(times: NDArray[np.int64], codes: NDArray[np.int64], span: int) -> tuple[int, int, int]:
    """(different codes, begin, end) of the first span that holds most; ``times`` ascend; one or more rows."""
    held = np.zeros(codes.max() + 1, np.int64)
    best, best_begin, best_end = 0, 0, 0
    begin, different = 0, 0
    for i in range(len(times)):
        different += held[codes[i]] == 0
        held[codes[i]] += 1
        while times[i] - times[begin] > span:
            held[codes[begin]] -= 1
            different -= held[codes[begin]] == 0
            begin += 1
        if different > best:
            best, best_begin, best_end = different, begin, i + 1
    return best, best_begin, best_end
