"""How well captures are decoded: against Zeek's logs, Suricata's checks, Arkime's sessions, and hostile captures.

    python -m evals.network DIR [--json] [--family zeek|suricata|arkime|malformed] [--verbose]

``DIR/pcap`` has the layout of the shared data. Decoding is done in two worker processes under a time limit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from evals import network_arkime as arkime
from evals import network_suricata as suricata
from evals import network_zeek as zeek
from evals.network_work import Outcome, decode_all

FAMILIES = ("zeek", "suricata", "arkime", "malformed")
SLICE = Path(__file__).with_name("network_slice.yaml")
CAPTURES = (".pcap", ".pcapng", ".cap", ".trace")

Figures = dict[str, Any]


def run(paths: Iterable[Path], options: argparse.Namespace) -> dict[Path, Outcome]:
    """Decode the captures that are there."""
    there = [p for p in dict.fromkeys(paths) if p.is_file()]
    outcomes: dict[Path, Outcome] = {}
    for outcome in decode_all(there, options.limit, options.checksums):
        outcomes[outcome.path] = outcome
        if outcome.died:
            print(f"  DIED {outcome.path}: {outcome.died}", file=sys.stderr)
    return outcomes


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def percent(value: float | None) -> str:
    return "   -  " if value is None else f"{100 * value:5.1f}%"


def eval_zeek(folder: Path, options: argparse.Namespace) -> Figures:
    tests = zeek.tests(folder)
    listed: dict[str, str] = (yaml.safe_load(SLICE.read_text()) or {}).get("zeek", {})
    outcomes = run((c for t in tests for c in t.captures), options)
    for test in tests:
        zeek.judge(test, folder, outcomes, listed)
    inside = [t for t in tests if t.logs and not t.outside]
    outside = [t for t in tests if t.logs and t.outside]
    print(f"\nZeek: {len(tests)} tests; {len(inside)} with logs we have, inside the slice")
    print(f"  {'log':<6} {'tests':>5} {'score':>7} {'records':>8} {'found':>6} {'surplus rows':>13}")
    by_log: Figures = {}
    for name in zeek.KINDS:
        logs = [log for t in inside for log in t.logs if log.name == name]
        by_log[name] = {
            "tests": len(logs), "score": mean([log.score for log in logs]), "records": sum(x.expected for x in logs),
            "found": sum(x.found for x in logs), "surplus": sum(len(x.surplus) for x in logs),
        }  # fmt: skip
        f = by_log[name]
        print(f"  {name:<6} {f['tests']:>5} {percent(f['score']):>7} {f['records']:>8} {f['found']:>6}"
              f" {f['surplus']:>13}")  # fmt: skip
    score = mean([t.score for t in inside])
    print(f"  all    {len(inside):>5} {percent(score):>7}   (each test counts once)")
    _differences(inside, options.verbose)
    print("  outside the slice (share found all the same):")
    for test in outside:
        stale = "   (all found: no longer outside)" if test.name in listed and test.score == 1.0 else ""
        print(f"    {percent(test.score)} {test.name}: {test.outside}{stale}")
    rest = [t for t in tests if not t.logs]
    kinds = Counter(name for t in rest for name in t.other)
    print(f"  not yet, {len(rest)} tests of other logs: " + ", ".join(f"{k} {n}" for k, n in kinds.most_common()))
    return {"tests": len(tests), "inside": len(inside), "score": score, "logs": by_log,
            "outside": {t.name: {"why": t.outside, "score": t.score} for t in outside},
            "not_yet": len(rest), "died": [t.name for t in tests if t.died]}  # fmt: skip


def _differences(tests: list[zeek.Test], verbose: bool) -> None:
    for test in tests:
        for log in test.logs:
            if log.score == 1.0 and not (verbose and log.surplus and log.name != "conn"):
                continue
            print(f"  {percent(log.score)} {test.name} {log.name}: {log.found} of {log.expected}, ours {log.ours}")
            for line in log.missing if verbose else log.missing[:1]:
                print(f"       - {line}")
            for line in log.surplus[:20] if verbose else []:
                print(f"       + {line}")


def eval_suricata(folder: Path, options: argparse.Namespace) -> Figures:
    report = suricata.checks(folder)
    outcomes = run((c.capture for c in report.checks if c.match.get("event_type") in suricata.TYPES), options)
    for check in report.checks:
        suricata.judge(check, outcomes.get(check.capture) or Outcome(check.capture))
    print(f"\nSuricata: {len(report.checks)} checks; {len(report.absent)} rows whose capture is not there")
    print(f"  {'event type':<12} {'portable':<9} {'compared':>8} {'passed':>7} {'share':>7} {'left out':>9}")
    figures: Figures = {}
    for kind in sorted(suricata.TYPES):
        for portable in (True, False):
            mine = [c for c in report.checks if c.match.get("event_type") == kind and c.portable is portable]
            compared = [c for c in mine if c.got is not None]
            passed = sum(c.passed for c in compared)
            if not mine:
                continue
            share = passed / len(compared) if compared else None
            figures[f"{kind}{'' if portable else ' (other settings)'}"] = {
                "compared": len(compared), "passed": passed, "left_out": len(mine) - len(compared)}  # fmt: skip
            print(f"  {kind:<12} {'yes' if portable else 'no':<9} {len(compared):>8} {passed:>7} {percent(share):>7}"
                  f" {len(mine) - len(compared):>9}")  # fmt: skip
    families = suricata.by_family(report)
    for name, counts in sorted(families.items(), key=lambda f: -f[1]["passed"]):
        if counts["passed"] or counts["failed"]:
            tried = counts["passed"] + counts["failed"]
            print(f"    {name}: {counts['passed']} of {tried}, {counts['left out']} left out")
    failed = [c for c in report.checks if c.got is not None and not c.passed]
    print("  differing:")
    for c in failed if options.verbose else failed[:12]:
        print(f"    {c.test}: expected {c.count}, got {c.got}: {json.dumps(c.match)[:180]}")
    if options.verbose:
        why = Counter(c.why for c in report.checks if c.got is None)
        print("  left out: " + ", ".join(f"{k} ({n})" for k, n in why.most_common(40)))
    figures["families"] = {name: dict(counts) for name, counts in families.items()}
    return figures | {"died": sorted({str(o.path) for o in outcomes.values() if o.died})}


def eval_arkime(folder: Path, options: argparse.Namespace) -> Figures:
    pairs = [(t, c) for t in sorted(folder.glob("*.test")) for e in CAPTURES if (c := t.with_suffix(e)).is_file()]
    outcomes = run((c for _, c in pairs), options)
    table: dict[str, arkime.Aspect] = {}
    for test, capture in pairs:
        if capture in outcomes:
            arkime.judge(test, outcomes[capture], table)
    print(f"\nArkime: {len(pairs)} captures\n  {'aspect':<16} {'expected':>8} {'found':>6} {'share':>7}")
    for name, a in table.items():
        print(f"  {name:<16} {a.expected:>8} {a.found:>6} {percent(a.found / a.expected):>7}")
        for line in a.missing if options.verbose else []:
            print(f"       - {line}")
    return {n: {"expected": a.expected, "found": a.found} for n, a in table.items()}


def eval_malformed(folder: Path, options: argparse.Namespace) -> Figures:
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in CAPTURES)
    outcomes = run(paths, options)
    died = [o for o in outcomes.values() if o.died]
    faults = [o for o in outcomes.values() if o.fault]
    slowest = max(outcomes.values(), key=lambda o: o.seconds, default=Outcome(Path()))
    print(f"\nMalformed: {len(outcomes)} captures, {len(died)} crashed or hung, {len(faults)} with a message, "
          f"slowest {slowest.seconds:.2f} s ({slowest.path.name})")  # fmt: skip
    for o in died:
        print(f"    {o.path.name}: {o.died}")
    for o in faults if options.verbose else []:
        print(f"    {o.path.name}: {o.fault}")
    return {"captures": len(outcomes), "died": {o.path.name: o.died for o in died}, "with_message": len(faults)}


EVALS = {"zeek": eval_zeek, "suricata": eval_suricata, "arkime": eval_arkime, "malformed": eval_malformed}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.network", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dir", type=Path, help="folder with pcap/ in it")
    parser.add_argument("--json", action="store_true", help="figures as JSON to stdout, the tables to stderr")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only this; may be given several times")
    parser.add_argument("--verbose", action="store_true", help="every record and check that differs")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one capture")
    parser.add_argument("--checksums", choices=("ignore", "check"), default="ignore", help="of packets")
    options = parser.parse_args(arguments)
    out, figures = sys.stdout, {}
    if options.json:
        sys.stdout = sys.stderr
    for name in options.family or FAMILIES:
        folder = options.dir / "pcap" / name
        if folder.is_dir():
            figures[name] = EVALS[name](folder, options)
    sys.stdout = out
    if options.json:
        print(json.dumps(figures, indent=2))
    return 1 if any(f.get("died") for f in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
