"""Samples of hunt rules: made events that a rule must, or must not, put into the queue. Written in the rule's own file.

A sample has a name and events. An entry of ``events`` is ``flow:``, ``dns:`` or ``browse:`` (a person), repeated
``times`` times ``every`` so many seconds from ``start`` on. Numbers may be ``60 ± 2`` (drawn evenly); texts may hold
``{i}`` (the repetition), ``{i+40000}``, ``{i%60}`` and ``{hex:48}`` (48 hexadecimal digits). The same file always makes
the same events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from detectors import rulefile
from detectors.base import Query, WindowHunt
from detectors.hunts import HuntSettings, window_hunts
from detectors.rulefile import Section
from detectors.sample_events import EPOCH_US, Made, browse, dns_row, flow_row
from fengsui.batch import Batch
from fengsui.errors import BadRule
from fengsui.finding import HOUR_US, Rule, Window, hour

_SPREAD = re.compile(r"\s*(-?[\d.]+)\s*±\s*([\d.]+)\s*")
_HOLE = re.compile(r"\{(i|hex)([+%:]\d+)?\}")
_ENTRY = {"flow", "dns", "browse", "every", "times", "start", "hours"}


@dataclass(frozen=True)
class Sample:
    """Events of one story. ``batches`` are of the organisation named ``org``, so that samples do not mix in a store."""

    name: str
    must_match: bool
    org: str
    batches: tuple[Batch, ...]
    hours: tuple[int, ...]


@dataclass(frozen=True)
class Failure:
    """A sample that a rule got wrong."""

    path: Path
    sample: str
    reason: str


def hunt_samples(path: Path) -> list[Sample]:
    """The samples of one file of ``rules/hunts``. Raises BadRule where it has none to match, or none not to match."""
    section = rulefile.read(path).values.get("samples")
    if not isinstance(section, Section):
        raise BadRule(path, "samples must be a mapping of match and no_match")
    section.only({"match", "no_match"})
    out = []
    for key, must_match in (("match", True), ("no_match", False)):
        listed = section.values.get(key)
        if not isinstance(listed, list) or not listed:
            raise section.error(f"samples need at least one that it {'must' if must_match else 'must not'} match", key)
        out += [_sample(path, s, section, must_match) for s in listed]
    return out


def check(rules: Path, settings: HuntSettings, load: Callable[[list[Batch]], Query]) -> tuple[int, list[Failure]]:
    """Run every hunt rule over its samples: how many samples ran, and those that went wrong.

    ``load`` puts batches into an empty store and returns how to ask it. A sample matches if in one of its windows the
    rule concludes something at or above its alert line.
    """
    hunts = window_hunts(rules, settings)
    cases = [(h, r, s) for h in hunts for r in h.rules for s in hunt_samples(rules / "hunts" / f"{r.id}.yaml")]
    query = load([b for _, _, s in cases for b in s.batches])
    failures = []
    for hunt, rule, sample in cases:
        top = _highest(query, hunt, rule, sample)
        matched = top >= rule.line
        if matched != sample.must_match:
            reason = "matches, and must not" if matched else f"does not match, and must (highest severity {top})"
            failures.append(Failure(rules / "hunts" / f"{rule.id}.yaml", sample.name, reason))
    return len(cases), failures


def _highest(query: Query, hunt: WindowHunt, rule: Rule, sample: Sample) -> int:
    """The highest severity that the rule concludes in any of the sample's windows."""
    windows = [Window(h - hunt.hours * HOUR_US, h + HOUR_US) for h in sample.hours]
    found = hunt.run(query, sample.org, "default", windows)
    return max((c.severity for _, told in found for r, c in told if r.id == rule.id), default=0)


def _sample(path: Path, section: Any, parent: Section, must_match: bool) -> Sample:
    if not isinstance(section, Section):
        raise parent.error("a sample is a mapping of name and events")
    section.only({"name", "events"})
    name, events = section.values.get("name"), section.values.get("events")
    if not isinstance(name, str) or not isinstance(events, list) or not events:
        raise section.error("a sample needs a name and a list of events")
    org = f"{path.stem}: {name}"
    made = Made(org)
    rng = np.random.default_rng(int.from_bytes(blake2b(org.encode(), digest_size=8).digest()))
    for entry in events:
        if not isinstance(entry, Section):
            raise section.error("an entry of events is a mapping", "events")
        _entry(entry, made, rng)
    hours = sorted({hour(ts) for ts in made.times()})
    return Sample(name, must_match, org, tuple(made.batches()), tuple(hours))


def _entry(entry: Section, made: Made, rng: np.random.Generator) -> None:
    entry.only(_ENTRY)
    kinds = [k for k in ("flow", "dns", "browse") if k in entry.values]
    if len(kinds) != 1 or not isinstance(entry.values[kinds[0]], Section):
        raise entry.error("an entry of events has exactly one of flow, dns and browse")
    what: Section = entry.values[kinds[0]]
    start = _number(entry.values.get("start", 0), rng, entry, "start")
    if kinds[0] == "browse":
        hours = _number(entry.values.get("hours", 1), rng, entry, "hours")
        browse(made, what, rng, EPOCH_US + round(start * 1e6), hours)
        return
    add = flow_row if kinds[0] == "flow" else dns_row
    now = start
    for i in range(round(_number(entry.values.get("times", 1), rng, entry, "times"))):
        add(made, dict(_filled(what, i, rng)), what, EPOCH_US + round(now * 1e6))
        now += _number(entry.values.get("every", 1), rng, entry, "every")


def _filled(section: Section, i: int, rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    for key, value in section.values.items():
        if isinstance(value, list):
            yield key, [_text(str(v), i, rng) for v in value]
        elif isinstance(value, str):
            spread = _SPREAD.fullmatch(value)
            yield key, _number(value, rng, section, key) if spread else _text(value, i, rng)
        else:
            yield key, value


def _number(value: Any, rng: np.random.Generator, section: Section, key: str) -> float:
    if isinstance(value, str) and (spread := _SPREAD.fullmatch(value)):
        middle, half = float(spread[1]), float(spread[2])
        return float(rng.uniform(middle - half, middle + half))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise section.error(f"{key}: {value!r} is neither a number nor a number ± another", key)
    return float(value)


def _text(text: str, i: int, rng: np.random.Generator) -> str:
    def hole(match: re.Match[str]) -> str:
        change = match[2] or "+0"
        n = int(change[1:])
        if match[1] == "hex":
            return str(rng.bytes(n // 2 + 1).hex()[:n])
        return str(i % n if change[0] == "%" else i + n)

    return _HOLE.sub(hole, text)
