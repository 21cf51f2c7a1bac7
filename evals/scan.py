"""Verdicts on packages that are known to be malicious or benign: how many are found at how many false alarms, and how
long it takes.

``python -m evals.scan --malicious DIR --benign DIR [--side train|test|all] [--most N] [--keep DIR] [--trained DIR]
[--json]``. Each archive below a folder is one package; a folder may also be a bare git repository of
``name/version/archive``, whose archives are read in memory. Nothing is unpacked onto the disk and nothing is run.
``--side`` takes the packages whose name (in lower case) has a SHA-256 that begins with 0 to 8 (train) or 9 to b (test).
``--trained``: facts that ``evals.train`` kept; what resembles one of them is left out.

A malicious package that ends *incomplete* with a low probability is a miss, an incomplete benign one counts as a false
alarm. Rows: ours; the rules' weights alone; and three that read no code (``evals.leftovers``), each a model of its own
trained on the same train side. All again for each third by year and by size. Intervals are exact (Clopper and Pearson,
95 %).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.catalogue import rules_folder, software_context
from detectors.software.facts import Facts
from detectors.software.similar import resemblance
from detectors.software.verdict import BASE, INCOMPLETE, Context, Verdict, by_weight, verdict
from evals.guarddog import Said, all_of
from evals.leftovers import Leftovers, newest
from evals.packages import SIDES, Package, Result, chosen, packages, results
from evals.rates import RATES, auc, interval, recall_at

LIKE = 0.8
"""Resemblance from which a package is a near duplicate."""


@dataclass(frozen=True)
class Judged:
    package: Package
    facts: Facts
    verdict: Verdict
    seconds: float

    @property
    def incomplete(self) -> bool:
        return self.verdict.word == INCOMPLETE

    @property
    def size(self) -> int:
        return sum(f.size for f in self.facts.files if f.depth)


Score = Callable[[Judged], float]


def ours(j: Judged) -> float:
    return j.verdict.probability


def weights(j: Judged) -> float:
    return BASE + sum(share for _, share in by_weight(j.facts.evidence))


def judged(found: Sequence[Result], context: Context) -> list[Judged]:
    return [Judged(r.package, r.facts, verdict(r.facts, context), r.seconds) for r in found]


def unlike(found: Sequence[Judged], others: Sequence[Facts]) -> list[Judged]:
    """Those that resemble none of the others."""
    signatures = {f.signature for f in others if f.signature}
    return [j for j in found if all(resemblance(j.facts.signature, s) < LIKE for s in signatures)]


def row(bad: Sequence[Judged], good: Sequence[Judged], score: Score) -> dict[str, Any]:
    """AUC, and recall at each rate with its interval; None where there are too few benign ones for the rate."""
    b, g = [score(j) for j in bad], [score(j) for j in good]
    at: dict[str, Any] = {}
    for rate in RATES:
        found = recall_at(b, g, rate)
        at[str(rate)] = None if found is None else {"recall": found[0], "threshold": found[1],
                                                    "interval": interval(round(found[0] * len(b)), len(b))}  # fmt: skip
    return {"malicious": len(b), "benign": len(g), "auc": auc(b, g), "recall_at": at}


def thirds(bad: Sequence[Judged], good: Sequence[Judged], key: Callable[[Judged], float]
           ) -> list[tuple[str, list[Judged], list[Judged]]]:  # fmt: skip
    """Both sides cut at the thirds of the malicious."""
    ordered = sorted(key(j) for j in bad)
    cuts = [ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]]
    out = []
    for i, word in enumerate(("lowest", "middle", "highest")):
        mine, others = ([j for j in side if sum(key(j) > c for c in cuts) == i] for side in (bad, good))
        out.append((f"{word} third (up to {cuts[i]:g})" if i < 2 else f"{word} third", mine, others))
    return out


def tables(bad: Sequence[Judged], good: Sequence[Judged], rows: dict[str, Score]) -> dict[str, Any]:
    parts: list[tuple[str, Sequence[Judged], Sequence[Judged]]] = [("all", bad, good)]
    parts += [(f"year, {word}", b, g) for word, b, g in thirds(bad, good, lambda j: newest(j.package))]
    parts += [(f"size, {word}", b, g) for word, b, g in thirds(bad, good, lambda j: j.size)]
    return {word: {name: row(b, g, score) for name, score in rows.items()} for word, b, g in parts if b and g}


def report(bad: Sequence[Judged], good: Sequence[Judged], rows: dict[str, Score]) -> dict[str, Any]:
    alarms = Counter(j.verdict.word for j in good)
    hits = Counter(j.verdict.word for j in bad)
    told = hits["malicious"] + hits["suspicious"]
    false = alarms["malicious"] + alarms["suspicious"] + alarms[INCOMPLETE]
    seconds = sorted(j.seconds for j in good)
    return {
        "malicious": len(bad), "benign": len(good), "verdicts_on_malicious": hits, "verdicts_on_benign": alarms,
        "recall_suspicious": {"rate": told / len(bad), "interval": interval(told, len(bad))},
        "recall_malicious": {"rate": hits["malicious"] / len(bad), "interval": interval(hits["malicious"], len(bad))},
        "false_alarms": {"rate": false / len(good), "interval": interval(false, len(good))},
        "false_malicious": {"rate": alarms["malicious"] / len(good),
                            "interval": interval(alarms["malicious"], len(good))},
        "limited_benign": sum(bool(j.facts.limits) for j in good) / len(good),
        "seconds": {"median": statistics.median(seconds), "mean": statistics.mean(seconds),
                    "p90": seconds[int(len(seconds) * 0.9)], "p99": seconds[int(len(seconds) * 0.99)]},
        "tables": tables(bad, good, rows),
    }  # fmt: skip


def of_peer(peer: Mapping[Package, Said], good: Sequence[Package]) -> dict[str, Any]:
    """Its labels on either side, and seconds a package with the start of a process."""
    benign = set(good)
    seconds = sorted(s.seconds for s in peer.values())
    return {
        "labels_on_malicious": Counter(s.label for p, s in peer.items() if p not in benign),
        "labels_on_benign": Counter(s.label for p, s in peer.items() if p in benign),
        "failed": sum(s.failed for s in peer.values()),
        "seconds": {"median": statistics.median(seconds), "mean": statistics.mean(seconds),
                    "p99": seconds[int(len(seconds) * 0.99)]},
    }  # fmt: skip


def shown(found: dict[str, Any]) -> str:
    """The report as people read it."""

    def at(cell: Any) -> str:
        if cell is None:
            return "too few benign".rjust(22)
        low, high = cell["interval"]
        return f"{cell['recall']:7.1%} ({low:.0%} to {high:.0%})".rjust(22)

    lines = [json.dumps({k: v for k, v in found.items() if k != "tables"}, indent=1)]
    for word, rows in found["tables"].items():
        first = next(iter(rows.values()))
        lines.append(f"\n{word}: {first['malicious']} malicious, {first['benign']} benign")
        lines.append(f"{'':22}{'AUC':>7}" + "".join(f"recall at {rate:g}".rjust(22) for rate in RATES))
        lines += [f"{name:22}{r['auc']:7.3f}" + "".join(at(r["recall_at"][str(x)]) for x in RATES)
                  for name, r in rows.items()]  # fmt: skip
    return "\n".join(lines)


def errors(bad: Sequence[Judged], good: Sequence[Judged], most: int) -> str:
    lines = []
    for title, mine in (("missed", sorted(bad, key=ours)), ("false alarms", sorted(good, key=ours, reverse=True))):
        lines.append(f"\n{title}")
        for j in mine[:most]:
            why = Counter(e.rule for e, share in j.verdict.reasons if share > 0.3)
            lines.append(f"  {ours(j):.3f} {j.package.file}  {dict(why)} {sorted({x.name for x in j.facts.limits})}")
    return "\n".join(lines)


def side(folder: Path, word: str, options: argparse.Namespace, rules: Path) -> list[Result]:
    keep = options.keep and options.keep / word
    return results(chosen(packages(folder, options.side), options.most), rules, options.jobs, keep)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--malicious", type=Path, required=True)
    parser.add_argument("--benign", type=Path, required=True)
    parser.add_argument("--side", choices=SIDES, default="all")
    parser.add_argument("--most", type=int, default=0, help="packages of each at most")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--keep", type=Path, help="where facts are kept")
    parser.add_argument("--trained", type=Path, help="where facts of the train side are kept")
    parser.add_argument("--guarddog", metavar="EXECUTABLE", help="have this peer look at the same packages")
    parser.add_argument("--show", type=int, default=10, help="of the greatest errors")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = rules_folder(options.rules)
    rules, context = folder / "yara", software_context(folder)
    bad = judged(side(options.malicious, "malicious", options, rules), context)
    good = judged(side(options.benign, "benign", options, rules), context)
    rows: dict[str, Score] = {"ours": ours, "rules' weights alone": weights}
    if options.trained:
        leftovers = Leftovers(options.trained)
        bad, good = unlike(bad, leftovers.facts), unlike(good, leftovers.facts)
        rows |= leftovers.rows()
    peer = all_of(options.guarddog, [j.package for j in (*bad, *good)], options.jobs) if options.guarddog else {}
    if peer:
        rows |= {"GuardDog's score": lambda j: peer[j.package].score,
                 "GuardDog, any finding": lambda j: float(peer[j.package].findings > 0)}  # fmt: skip
    found = report(bad, good, rows)
    if peer:
        found["guarddog"] = of_peer(peer, [j.package for j in good])
    if options.json:
        print(json.dumps(found))
    else:
        print(shown(found))
        print(errors(bad, good, options.show))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
