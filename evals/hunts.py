"""What the window hunts find in folders of Zeek logs: ``python -m evals.hunts DIR [--json] [--only NAME…]``.

Every folder of ``DIR/zeek-logs`` goes the whole way, from log to alert, as an organisation of its own. What must be
found is in ``hunts.yaml``; folders that it does not name are listed, and those it names that are not there are missing,
not passed. Ends with 1 if an expectation failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli.platform import Platform, scratch
from fengsui.config import Settings
from situation.alerts import Alert

EXPECTED = Path(__file__).with_suffix(".yaml")
NAMED = ("rule", "src", "dst")  # what an expectation finds its alert by; the rest are figures

Expectations = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Check:
    """One figure of one expectation. ``got`` is None where no such alert was found."""

    folder: str
    alert: str
    figure: str
    expected: float
    tolerance: float
    got: float | None

    @property
    def passed(self) -> bool:
        return self.got is not None and abs(self.got - self.expected) <= self.tolerance + 1e-9


@dataclass
class Outcome:
    """What a folder gave. ``alerts`` counts the queue by rule, ``below`` what stays under the alert line."""

    folder: str
    rows: int
    seconds: float
    alerts: dict[str, int] = field(default_factory=dict)
    below: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)


def expectations(path: Path = EXPECTED) -> Expectations:
    """By folder. An expectation without a figure would pass by doing nothing, and is refused."""
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for folder, entries in listed.items():
        for e in entries:
            if not set(NAMED) <= set(e) or set(e) == set(NAMED):
                raise ValueError(f"{path}: {folder}: an expectation needs {', '.join(NAMED)} and a figure")
    return listed


def compare(folder: str, wanted: list[dict[str, Any]], told: list[dict[str, Any]]) -> Iterator[Check]:
    """Every figure that is wanted against the explanation of the alert that it is wanted of."""
    for w in wanted:
        found = next((t for t in told if all(t.get(k) == w[k] for k in NAMED)), {})
        for figure in (k for k in w if k not in NAMED):
            value, tolerance = w[figure] if isinstance(w[figure], list) else (w[figure], 0)
            yield Check(folder, f"{w['rule']} {w['src']} → {w['dst']}", figure, value, tolerance, found.get(figure))


def run(platform: Platform, folder: Path, wanted: list[dict[str, Any]]) -> Outcome:
    """Read a folder to its end, as an organisation of its own, and run everything behind it."""
    start = time.perf_counter()
    identity = Identity(org=folder.name)
    reports = platform.collect([(s, identity) for s in sources_of(folder, platform.settings, platform.blobs)])
    mine = [a for a in platform.alerts(below=True) if a.org == folder.name]
    rows = sum(sum(r.rows.values()) for r in reports)
    outcome = Outcome(folder.name, rows, round(time.perf_counter() - start, 1))
    outcome.alerts = dict(Counter(a.rule for a in mine if a.queued))
    outcome.below = dict(Counter(a.rule for a in mine if not a.queued))
    outcome.faults = [f for r in reports for f in r.faults]
    outcome.told = [_told(a) for a in mine]
    outcome.checks = list(compare(folder.name, wanted, outcome.told))
    return outcome


def _told(alert: Alert) -> dict[str, Any]:
    explanation: dict[str, Any] = msgspec.json.decode(alert.explanation)
    own = {"rule": alert.rule, "subject": alert.subject, "severity": alert.severity, "queued": alert.queued}
    return {**explanation, **own, "count": alert.count}


def show(outcomes: list[Outcome], missing: list[str]) -> None:
    print(f"{'folder':<22} {'rows':>9} {'seconds':>8}  alerts; below the line")
    for o in outcomes:
        print(f"{o.folder:<22} {o.rows:>9,} {o.seconds:>8.1f}  {_counts(o.alerts)}; {_counts(o.below)}")
        for fault in o.faults[:3]:
            print(f"    fault: {fault}")
    print(f"\n{'folder':<16} {'alert':<50} {'figure':<13} {'expected':>16} {'got':>9}")
    for c in (c for o in outcomes for c in o.checks):
        wanted = f"{c.expected:g}" + (f" ± {c.tolerance:g}" if c.tolerance else "")
        got = "none" if c.got is None else f"{c.got:g}"
        print(f"{c.folder:<16} {c.alert:<50} {c.figure:<13} {wanted:>16} {got:>9}  {'ok' if c.passed else 'FAILED'}")
    for name in missing:
        print(f"{name:<16} missing: there is no such folder, nothing was checked")
    checks = [c for o in outcomes for c in o.checks]
    passed = sum(c.passed for c in checks)
    print(f"\n{passed} of {len(checks)} figures as expected; {len(missing)} expected folders missing")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{rule} {n}" for rule, n in sorted(counts.items())) or "none"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.hunts", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds zeek-logs/")
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    parser.add_argument("--only", nargs="*", default=[], help="names of folders; all if not given")
    options = parser.parse_args(arguments)
    wanted = {k: v for k, v in expectations().items() if not options.only or k in options.only}
    folders = [p for p in sorted((options.folder / "zeek-logs").glob("*")) if p.is_dir()]
    folders = [p for p in folders if not options.only or p.name in options.only]
    missing = sorted(set(wanted) - {p.name for p in folders})
    outcomes = []
    with scratch(Settings()) as platform:
        for f in folders:
            print(f"{f.name} …", file=sys.stderr, flush=True)
            outcomes.append(run(platform, f, wanted.get(f.name, [])))
    if options.json:
        figures = [asdict(o) | {"checks": [asdict(c) | {"passed": c.passed} for c in o.checks]} for o in outcomes]
        print(json.dumps({"folders": figures, "missing": missing}))
    else:
        show(outcomes, missing)
    return 0 if all(c.passed for o in outcomes for c in o.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
