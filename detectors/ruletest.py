"""``fengsui rules list`` and ``fengsui rules test``: what rules there are, and each against its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa

from detectors import catalogue
from detectors.base import Query, Slice
from detectors.batch.yara import YaraDetector
from detectors.batch.yara_rules import YaraSet, read_folder
from detectors.rule_samples import Case, correlation_cases, listed, sigma_cases, yara_cases, yara_samples
from detectors.rulefile import Section, read
from detectors.samples import check
from detectors.sigma.correlation import CorrelationHunt
from detectors.sigma.hunt import SigmaHunt
from fengsui.batch import Batch
from fengsui.bus.protocol import Place
from fengsui.config import Settings
from fengsui.errors import BadRule
from fengsui.finding import Rule, microseconds

Progress = Callable[[str], None]


class SampleStore(Protocol):
    """What a test needs of a store; ``ChdbStore(None)`` has it."""

    @property
    def query(self) -> Query: ...

    def migrate(self) -> list[str]: ...

    def insert(self, table: str, rows: pa.RecordBatch, place: Place, offset: int, token: str) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class RuleInfo:
    """A rule as it is listed. ``type`` is hunt, sigma or yara; ``path`` its file."""

    rule: Rule
    type: str
    path: Path


@dataclass(frozen=True)
class RuleResult:
    """A rule against its samples: how many ran, and what went wrong, empty if nothing."""

    rule: str
    path: Path
    samples: int
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.samples > 0 and not self.failures


def list_rules(rules_dir: Path, settings: Settings | None = None) -> list[RuleInfo]:
    """Every rule, by type and then id. Raises BadRule for the first that cannot be used."""
    c = catalogue.build(_settings(rules_dir, settings))
    places: dict[str, tuple[str, Path]] = {}
    for h in c.slices:
        if isinstance(h, SigmaHunt):
            places[h.name] = ("sigma", h.loaded.path)
    for d in c.batch:
        if isinstance(d, YaraDetector):
            places |= {r.rule.id: ("yara", r.source.path) for r in d.set.rules.values()}
    hunts = {r.id: ("hunt", rules_dir / "hunts" / f"{r.id}.yaml") for w in c.windows for r in w.rules}
    places |= {w.name: ("sigma", w.correlation.path) for w in c.windows if isinstance(w, CorrelationHunt)}
    known = {**hunts, **places}
    found = [RuleInfo(r, *known[r.id]) for r in c.every_rule() if r.id in known]
    return sorted(found, key=lambda i: (i.type, i.rule.id))


def test_rules(rules_dir: Path, make_store: Callable[[], SampleStore], progress: Progress,
               settings: Settings | None = None) -> list[RuleResult]:  # fmt: skip
    """Every rule of every type against its samples, through the engine that runs it.

    A rule without both sorts of samples has failed, and so has a folder without rules. Raises BadRule for a rule that
    cannot be loaded at all.
    """
    store = make_store()
    try:
        store.migrate()
        bench = _Bench(store)
        results = [
            *_hunts(rules_dir, bench, progress, _settings(rules_dir, settings)),
            *_sigma(rules_dir, bench, progress),
            *_yara(rules_dir, progress),
        ]
    finally:
        store.close()
    return results or [RuleResult("", rules_dir, 0, ("no rules found",))]


test_rules.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test of its own


class _Bench:
    """Batches into a store, each as a message of its own."""

    def __init__(self, store: SampleStore) -> None:
        self._store, self._count = store, 0
        self.query = store.query

    def insert(self, batch: Batch) -> Slice:
        self._count += 1
        place = Place(f"samples.{batch.kind}", 0)
        self._store.insert(batch.kind, batch.rows, place, self._count, f"samples/{self._count}")
        times = [microseconds(t) for t in batch.column("ts").to_pylist()]
        row = {name: batch.column(name)[0].as_py() for name in ("org", "network")}
        return Slice.of(batch.kind, row["org"], row["network"], place.topic, 0, (self._count,), min(times), max(times))

    def load(self, batches: list[Batch]) -> Query:
        for b in batches:
            self.insert(b)
        return self.query


def _settings(rules_dir: Path, settings: Settings | None) -> Settings:
    return msgspec.structs.replace(settings or Settings(), rules=rules_dir)


def _hunts(rules_dir: Path, bench: _Bench, progress: Progress, settings: Settings) -> list[RuleResult]:
    """The hunts' samples share a store, so they run together."""
    if not (rules_dir / "hunts").is_dir():
        return []
    ids = [r.id for w in catalogue.hunts(rules_dir, settings) for r in w.rules]
    paths = {i: rules_dir / "hunts" / f"{i}.yaml" for i in ids}
    progress("hunts")
    try:
        counts = {i: len(list(listed(_samples(p), p))) for i, p in paths.items()}
        _, failures = check(rules_dir, settings, bench.load)
    except BadRule as e:
        return [RuleResult(e.path.stem, e.path, 0, (str(e),))]
    wrong = {i: tuple(f"{f.sample}: {f.reason}" for f in failures if f.path == p) for i, p in paths.items()}
    return [RuleResult(i, p, counts[i], wrong[i]) for i, p in paths.items()]


def _samples(path: Path) -> Section | None:
    found = read(path).values.get("samples")
    return found if isinstance(found, Section) else None


def _sigma(rules_dir: Path, bench: _Bench, progress: Progress) -> Iterator[RuleResult]:
    for hunt in catalogue.sigma_hunts(rules_dir):
        assert isinstance(hunt, SigmaHunt)
        progress(hunt.name)
        yield _result(hunt.name, hunt.loaded.path, partial(sigma_cases, hunt, bench.insert, bench.query))
    for counted in catalogue.correlations(rules_dir):
        assert isinstance(counted, CorrelationHunt)
        progress(counted.name)
        cases = partial(correlation_cases, counted, bench.insert, bench.query)
        yield _result(counted.name, counted.correlation.path, cases)


def _yara(rules_dir: Path, progress: Progress) -> Iterator[RuleResult]:
    folder = rules_dir / "yara"
    if not folder.is_dir():
        return
    detector = YaraDetector(YaraSet(read_folder(folder)))
    for r in detector.set.rules.values():
        progress(r.rule.id)
        yield _result(r.rule.id, r.source.path, partial(_yara_cases, detector, r.identifier, r.source.path))


def _yara_cases(detector: YaraDetector, rule: str, path: Path) -> Iterator[Case]:
    yield from yara_cases(detector, rule, path, yara_samples(path))


def _result(rule: str, path: Path, cases: Callable[[], Iterator[Case]]) -> RuleResult:
    try:
        done = list(cases())
    except BadRule as e:
        return RuleResult(rule, path, 0, (str(e),))
    return RuleResult(rule, path, len(done), tuple(f"{c.sample}: {c.reason}" for c in done if c.reason))
