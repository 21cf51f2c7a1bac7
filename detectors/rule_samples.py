"""Samples of Sigma and YARA rules, through the engine that will run the rules.

Sigma: events by kind under ``fengsui.samples`` of the rule; ``from``, ``to``, ``port`` and any column of the kind;
``at`` seconds, as many ``times`` as it says, ``every`` so many seconds.
YARA: contents in ``<file>.samples.yaml`` beside the rules; parts of text, hex or base64, joined.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.base import Query, Slice
from detectors.batch.yara import YaraDetector
from detectors.rulefile import Section, read
from detectors.sample_events import EPOCH_US, address
from detectors.sigma.correlation import CorrelationHunt
from detectors.sigma.hunt import SigmaHunt
from fengsui.batch import Batch, Identity, build
from fengsui.errors import BadRule
from fengsui.finding import HOUR_US, Window, hour
from fengsui.schema import EVENTS

Insert = Callable[[Batch], Slice]
"""Put a batch into the store; the slice in which its rows became visible."""
_HOUR = hour(EPOCH_US) + 36_000_000_000


@dataclass(frozen=True)
class Case:
    """One sample of one rule, and whether it did what it must. ``reason`` is empty if so."""

    rule: str
    path: Path
    sample: str
    reason: str


def listed(section: Section | None, path: Path) -> Iterator[tuple[Section, bool]]:
    """(sample, must match) of a rule. Raises BadRule where there is none of a sort."""
    if section is None:
        raise BadRule(path, "no samples: a rule needs some that it must match and some that it must not")
    section.only({"match", "no_match"})
    for key, must in (("match", True), ("no_match", False)):
        entries = section.values.get(key)
        if not isinstance(entries, list) or not entries:
            raise section.error(f"samples need at least one that it {'must' if must else 'must not'} match", key)
        for entry in entries:
            if not isinstance(entry, Section) or not isinstance(entry.values.get("name"), str):
                raise section.error("a sample is a mapping with a name", key)
            yield entry, must


def verdict(rule: str, path: Path, sample: Section, must: bool, matched: bool) -> Case:
    reason = "" if matched is must else "matches, and must not" if matched else "does not match, and must"
    return Case(rule, path, str(sample.values["name"]), reason)


def sigma_cases(hunt: SigmaHunt, insert: Insert, query: Query) -> Iterator[Case]:
    """Run a Sigma rule over each of its samples."""
    path = hunt.loaded.path
    for number, (sample, must) in enumerate(listed(hunt.loaded.samples, path)):
        sample.only({"name", "events"})
        org = f"{hunt.name}/{number}"
        slices = [insert(b) for b in event_batches(sample, org)]
        matched = any(hunt.run(query, s) for s in slices if s.kind in hunt.kinds)
        yield verdict(hunt.name, path, sample, must, matched)


def correlation_cases(hunt: CorrelationHunt, insert: Insert, query: Query) -> Iterator[Case]:
    """Run a correlation over the window of each of its samples' last event."""
    c = hunt.correlation
    for number, (sample, must) in enumerate(listed(c.samples, c.path)):
        sample.only({"name", "events"})
        org = f"{hunt.name}/{number}"
        last = max(insert(b).greatest for b in event_batches(sample, org))
        window = Window(hour(last) - hunt.hours * HOUR_US, hour(last) + HOUR_US)
        yield verdict(hunt.name, c.path, sample, must, bool(hunt.window(query, org, "default", window)))


def event_batches(sample: Section, org: str) -> Iterator[Batch]:
    """The events of a sample as batches of the organisation ``org``."""
    events = sample.values.get("events")
    if not isinstance(events, list) or not events:
        raise sample.error("a sample needs a list of events", "events")
    for number, event in enumerate(events):
        if not isinstance(event, Section) or len(event.values) != 1:
            raise sample.error("an event is a mapping of its kind to its columns", "events")
        kind, columns = next(iter(event.values.items()))
        if kind not in EVENTS or not isinstance(columns, Section):
            raise event.error(f"{kind} is none of {', '.join(EVENTS)}", kind)
        yield _event(kind, columns, org, number)


def _event(kind: str, given: Section, org: str, number: int) -> Batch:
    known = {c.name: c for c in EVENTS[kind].columns}
    values: dict[str, Any] = {"from": "10.0.0.5", "to": "10.0.0.6", **given.values}
    at, times, every = (values.pop(k, d) for k, d in (("at", 0), ("times", 1), ("every", 1)))
    if not all(isinstance(v, (int, float)) for v in (at, every)) or type(times) is not int or times < 1:
        raise given.error("at and every are seconds, times a whole number from 1")
    row: dict[str, Any] = {
        "src_ip": address(values.pop("from"), given, "from"), "dst_ip": address(values.pop("to"), given, "to"),
    }  # fmt: skip
    if "port" in values:
        row["dst_port"] = values.pop("port")
    for name in values:
        if name not in known:
            raise given.error(f"{kind} has no column {name}", name)
    row |= values
    try:
        columns = {k: [v] * times for k, v in row.items()}
        columns["ts"] = [_HOUR + number + round((at + i * every) * 1e6) for i in range(times)]
        columns["event_id"] = [hashlib.sha256(f"{org}/{number}/{i}".encode()).digest()[:16] for i in range(times)]
        columns["uid"] = columns["event_id"]
        return build(EVENTS[kind], Identity(org=org, origin="sample"), columns, times)
    except (TypeError, ValueError) as e:
        raise given.error(f"columns of {kind}: {e}") from e


def yara_samples(path: Path) -> Section:
    """The samples beside a file of YARA rules, by rule."""
    beside = path.with_name(f"{path.stem}.samples.yaml")
    if not beside.is_file():
        raise BadRule(path, f"no samples: there is no {beside.name} beside it")
    return read(beside)


def yara_cases(detector: YaraDetector, rule: str, path: Path, samples: Section) -> Iterator[Case]:
    """Run the detector over each sample of a rule. ``rule`` is the name in the file of rules."""
    section = samples.values.get(rule)
    if section is not None and not isinstance(section, Section):
        raise samples.error("samples of a rule are a mapping of match and no_match", rule)
    for sample, must in listed(section, samples.path if section else path):
        matched = f"yara.{rule}" in scanned(detector, content(sample))
        yield verdict(f"yara.{rule}", path, sample, must, matched)


def scanned(detector: YaraDetector, data: bytes) -> set[str]:
    """The rules that a file event with this content raises."""
    sha256 = hashlib.sha256(data).hexdigest()
    columns: Mapping[str, Any] = {"ts": [_HOUR], "sha256": [sha256], "kept": [True], "direction": ["resp"]}
    batch = build(EVENTS["file"], Identity(origin="sample"), columns, 1)
    return {d.rule.id for d in detector.detect(batch, "sample", {sha256: data}.get)}


def content(sample: Section) -> bytes:
    """Parts of text, hex or base64, each as many ``times`` as it says, joined."""
    sample.only({"name", "parts"})
    parts = sample.values.get("parts")
    if not isinstance(parts, list) or not parts or not all(isinstance(p, Section) for p in parts):
        raise sample.error("a sample needs a list of parts", "parts")
    return b"".join(_part(p) for p in parts)


def _part(part: Section) -> bytes:
    part.only({"text", "hex", "base64", "times"})
    readers: dict[str, Callable[[str], bytes]] = {
        "text": str.encode, "hex": bytes.fromhex, "base64": lambda t: base64.b64decode(t, validate=True),
    }  # fmt: skip
    forms = [k for k in readers if isinstance(part.values.get(k), str)]
    times = part.values.get("times", 1)
    if len(forms) != 1 or type(times) is not int:
        raise part.error("a part has exactly one of text, hex and base64 (as text), and perhaps times")
    try:
        return readers[forms[0]](part.values[forms[0]]) * times
    except ValueError as e:
        raise part.error(f"{forms[0]}: {e}", forms[0]) from e
