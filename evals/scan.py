"""Verdicts on packages that are known to be malicious or benign: how many are found at how many false alarms, and how
long it takes.

``python -m evals.scan --malicious DIR --benign DIR [--side train|test|all] [--most N] [--json]``. Each archive below a
folder is one package; a folder may also be a bare git repository of ``name/version/archive``, whose archives are read
in memory. Nothing is unpacked onto the disk and nothing is run. ``--side`` takes the packages whose name (in lower
case) has a SHA-256 that begins with 0 to 8 (train) or 9 to b (test); c to f are never read.

A malicious package that ends *incomplete* with a low probability is a miss; a benign one counts by its probability, and
its being incomplete is told. Intervals are exact (Clopper and Pearson, 95 %).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import random
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from detectors.catalogue import rules_folder
from detectors.software.budget import PROFILES
from detectors.software.facts import Facts
from detectors.software.verdict import INCOMPLETE, Verdict, verdict
from detectors.software.worker import Scanner

RATES = (0.001, 0.01, 0.05)
SIDES = {"train": "012345678", "test": "9ab", "all": "0123456789ab"}
_NAME = re.compile(r"^(.+?)-\d")


@dataclass(frozen=True)
class Package:
    """``place`` is a path, or an object of a git repository."""

    name: str
    file: str
    place: str
    repository: str = ""

    def open(self) -> BinaryIO:
        if not self.repository:
            return Path(self.place).open("rb")
        out = tempfile.TemporaryFile()  # noqa: SIM115 without a name, and closed by who asked for it
        command = ["git", "-C", self.repository, "cat-file", "blob", self.place]
        subprocess.run(command, stdout=out, check=True)
        out.seek(0)
        return out

    @property
    def digit(self) -> str:
        return hashlib.sha256(self.name.lower().encode()).hexdigest()[0]


@dataclass(frozen=True)
class Result:
    package: Package
    facts: Facts
    verdict: Verdict
    seconds: float


def packages(folder: Path, side: str) -> list[Package]:
    """Of a side, in the order of their names. Raises SystemExit if there are none: no table is made of nothing."""
    found = _of_git(folder) if (folder / "objects").is_dir() else _of_folder(folder)
    mine = sorted((p for p in found if p.digit in SIDES[side]), key=lambda p: (p.name, p.file))
    if not mine:
        raise SystemExit(f"{folder}: no packages")
    return mine


def _of_folder(folder: Path) -> Iterator[Package]:
    for path in folder.rglob("*"):
        if path.is_file():
            found = _NAME.match(path.name)
            yield Package(found[1].replace("_", "-") if found else path.name, path.name, str(path))


def _of_git(folder: Path) -> Iterator[Package]:
    listed = subprocess.run(["git", "-C", str(folder), "ls-tree", "-r", "-z", "HEAD"], capture_output=True, check=True)
    for line in listed.stdout.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = line.partition("\t")
        parts = path.split("/")
        if len(parts) == 3:
            yield Package(parts[0], parts[2], head.split()[2], str(folder))


def chosen(found: Sequence[Package], most: int, seed: int = 1) -> list[Package]:
    """At most so many, one of each name, by a seed."""
    once = list({p.name.lower(): p for p in found}.values())
    random.Random(seed).shuffle(once)
    return once[:most] if most else once


def scan(found: Sequence[Package], rules: Path, jobs: int) -> list[Result]:
    todo: queue.SimpleQueue[Package | None] = queue.SimpleQueue()
    out: list[Result] = []
    faults: list[BaseException] = []
    for p in [*found, *[None] * jobs]:
        todo.put(p)
    scanners = [Scanner(rules) for _ in range(jobs)]
    for s in scanners:
        s.start()

    def work(scanner: Scanner) -> None:
        while (p := todo.get()) is not None:
            try:
                with p.open() as f:
                    began = time.perf_counter()
                    facts = scanner.scan(f, p.file, PROFILES["package"])
                out.append(Result(p, facts, verdict(facts), time.perf_counter() - began))
            except (OSError, subprocess.CalledProcessError) as e:
                faults.append(e)

    threads = [threading.Thread(target=work, args=(s,)) for s in scanners]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for s in scanners:
        s.close()
    if faults:
        raise SystemExit(f"{len(faults)} packages could not be read, the first: {faults[0]}")
    return out


def interval(hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's, by bisection of the binomial's tails."""

    def tail(p: float, least: int) -> float:
        """P(X >= least) of n trials."""
        term, total = (1 - p) ** n, 0.0
        for k in range(n + 1):
            if k >= least:
                total += term
            term *= (n - k) / (k + 1) * p / (1 - p) if p < 1 else 0.0
        return total

    def where(least: int, goal: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            p = (low + high) / 2
            low, high = (p, high) if tail(p, least) < goal else (low, p)
        return low

    if n > 1000:  # the tails above lose their digits; Wilson's is close there
        z, p = 1.96, hits / n
        centre, half = p + z * z / 2 / n, z * ((p * (1 - p) + z * z / 4 / n) / n) ** 0.5
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return (where(hits, 0.025) if hits else 0.0), (where(hits + 1, 0.975) if hits < n else 1.0)


def recall_at(bad: Sequence[float], good: Sequence[float], rate: float) -> tuple[float, float] | None:
    """Recall and threshold at a rate of false alarms; None if there are too few benign ones to support it."""
    allowed = int(len(good) * rate)
    if allowed < 1:
        return None
    threshold = sorted(good, reverse=True)[allowed]
    return sum(p > threshold for p in bad) / len(bad), threshold


def auc(bad: Sequence[float], good: Sequence[float]) -> float:
    """The share of pairs in the right order (Mann and Whitney)."""
    ranked = sorted([(p, 1) for p in bad] + [(p, 0) for p in good])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(is_bad for _, is_bad in ranked[at:end]) * (at + 1 + end) / 2
        at = end
    n = len(bad)
    return (total - n * (n + 1) / 2) / (n * len(good))


def report(bad: Sequence[Result], good: Sequence[Result]) -> dict[str, Any]:
    p_bad, p_good = [r.verdict.probability for r in bad], [r.verdict.probability for r in good]
    alarms = {w: sum(r.verdict.word == w for r in good) for w in ("malicious", "suspicious", INCOMPLETE)}
    hits = {w: sum(r.verdict.word == w for r in bad) for w in ("malicious", "suspicious", INCOMPLETE)}
    seconds = sorted(r.seconds for r in good)
    return {
        "malicious": len(bad), "benign": len(good), "auc": auc(p_bad, p_good),
        "recall_at": {str(rate): recall_at(p_bad, p_good, rate) for rate in RATES},
        "verdicts_on_malicious": hits, "verdicts_on_benign": alarms,
        "recall_suspicious": interval(hits["malicious"] + hits["suspicious"], len(bad)),
        "false_suspicious": interval(alarms["malicious"] + alarms["suspicious"], len(good)),
        "incomplete_benign": sum(bool(r.facts.limits) for r in good) / len(good),
        "seconds": {"median": statistics.median(seconds), "mean": statistics.mean(seconds),
                    "p90": seconds[int(len(seconds) * 0.9)], "p99": seconds[int(len(seconds) * 0.99)]},
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--malicious", type=Path, required=True)
    parser.add_argument("--benign", type=Path, required=True)
    parser.add_argument("--side", choices=SIDES, default="all")
    parser.add_argument("--most", type=int, default=0, help="packages of each at most")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--show", type=int, default=10, help="of the greatest errors")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rules = rules_folder(options.rules) / "yara"
    bad = scan(chosen(packages(options.malicious, options.side), options.most), rules, options.jobs)
    good = scan(chosen(packages(options.benign, options.side), options.most), rules, options.jobs)
    found = report(bad, good)
    if options.json:
        print(json.dumps(found))
        return 0
    print(json.dumps(found, indent=1))
    for title, mine in (("missed", sorted(bad, key=lambda r: r.verdict.probability)),
                        ("false alarms", sorted(good, key=lambda r: -r.verdict.probability))):  # fmt: skip
        print(title)
        for r in mine[: options.show]:
            why = Counter(e.rule for e, _ in r.verdict.reasons)
            limits = [x.name for x in r.verdict.limits][:3]
            print(f"  {r.verdict.probability:.3f} {r.package.file}  {dict(why)} {limits}")
    rules_of = {side: Counter(rule for r in rs for rule in {e.rule for e in r.facts.evidence})
                for side, rs in (("bad", bad), ("good", good))}  # fmt: skip
    print("rule: share of malicious, of benign")
    for rule in sorted({*rules_of["bad"], *rules_of["good"]}):
        print(f"  {rule:28} {rules_of['bad'][rule] / len(bad):7.1%} {rules_of['good'][rule] / len(good):7.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
