"""Train the model that weighs what is found in a Python package.

``python -m evals.train --malicious DIR --benign DIR --keep DIR [--out FILE]``. Folders as for ``evals.scan``; only
names of the train side are taken. Facts are kept below ``--keep``, so that a second run does not scan again. Of
packages that resemble each other one is taken. Boosted trees (scikit-learn), calibrated on scores of folds that had not
seen the package or its like (Platt, 1999), for a prevalence of ``PRIOR``; written as arrays.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from detectors.catalogue import rules_folder
from detectors.software.facts import Facts
from detectors.software.features import features
from detectors.software.model import FIELDS, FILE, Model
from detectors.software.similar import clusters
from evals.leftovers import Known, read, sizes
from evals.packages import chosen, packages, results
from evals.rates import RATES, auc, recall_at

PRIOR = 0.02
OWN = 4
"""Packages that a rule's own weight counts as, beside those in which it was seen."""
LEAST = 8
"""Packages in which a feature must occur."""
SETTINGS: dict[str, Any] = {"max_iter": 150, "learning_rate": 0.1, "max_leaf_nodes": 12, "min_samples_leaf": 12,
                            "l2_regularization": 3.0, "random_state": 1}  # fmt: skip
FOLDS = 5
CALLS = ("use ", "early ")
BUILD = frozenset({"setuptools", "distutils", "pkg_resources", "setup", "find_packages", "skbuild"})


def table(facts: Sequence[Facts], names: Sequence[str]) -> np.ndarray:
    at = {name: i for i, name in enumerate(names)}
    out = np.zeros((len(facts), len(names)))
    for row, f in enumerate(facts):
        for name, feature in features(f).items():
            if name in at:
                out[row, at[name]] = feature.value
    return out


def vocabulary(facts: Sequence[Facts]) -> list[str]:
    """Features that occur often enough, but for functions of build tools: how a package was built is no sign."""
    counts = Counter(name for f in facts for name in features(f))
    return sorted(name for name, n in counts.items() if n >= LEAST and not _of_build(name))


def _of_build(name: str) -> bool:
    return name.startswith(CALLS) and name.rpartition(" ")[2].partition(".")[0] in BUILD


def fit(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> HistGradientBoostingClassifier:
    """What a rule finds never lowers the score, whatever stands beside it: otherwise finding more would clear a name.
    Functions that are called may."""
    rising = np.array([0 if n.startswith(CALLS) else 1 for n in names])
    return HistGradientBoostingClassifier(**SETTINGS, monotonic_cst=rising).fit(x, y)


def seldom(facts: Sequence[Facts], y: np.ndarray, rules: Sequence[str]) -> dict[str, float]:
    """Of rules that were seen and that the trees do not ask: their own weight, drawn towards the log of the ratio of
    the
    rates at which either side has it, the more the oftener it was seen. Never below 0."""
    seen: dict[str, tuple[list[int], float]] = {}
    for f, malicious in zip(facts, y, strict=True):
        for rule, weight in {e.rule: e.weight for e in f.evidence if e.rule not in rules}.items():
            counts, _ = seen.setdefault(rule, ([0, 0], weight))
            counts[int(malicious)] += 1
    sides = [int((1 - y).sum()), int(y.sum())]
    out = {}
    for rule, ((good, bad), weight) in sorted(seen.items()):
        ratio = math.log((bad + 1) / (sides[1] + 2)) - math.log((good + 1) / (sides[0] + 2))
        out[rule] = max(0.0, (OWN * weight + (good + bad) * ratio) / (OWN + good + bad))
    return out


def exported(trained: HistGradientBoostingClassifier, names: Sequence[str], scale: float, shift: float) -> Model:
    """The trees as arrays, with only the features that are asked. The baseline is spread over the roots."""
    parts: dict[str, list[Any]] = {k: [] for k in ("feature", "threshold", "left", "right", "value", "roots")}
    trees = [t[0].nodes for t in trained._predictors]
    asked = sorted({int(f) for t in trees for f in t["feature_idx"][t["is_leaf"] == 0]})
    number = {f: i for i, f in enumerate(asked)}
    baseline = float(trained._baseline_prediction.ravel()[0]) / len(trees)
    for t in trees:
        first = len(parts["feature"])
        value = t["value"].astype(float) + baseline
        for i in range(len(t) - 1, -1, -1):  # children stand behind their parents
            if not t["is_leaf"][i]:
                sides = [int(t["left"][i]), int(t["right"][i])]
                value[i] = np.average(value[sides], weights=t["count"][sides])
        parts["roots"].append(first)
        leaf = t["is_leaf"].astype(bool)
        parts["feature"] += [-1 if leaf[i] else number[int(t["feature_idx"][i])] for i in range(len(t))]
        parts["threshold"] += [0.0 if leaf[i] else float(t["num_threshold"][i]) for i in range(len(t))]
        parts["left"] += [first + int(t["left"][i]) for i in range(len(t))]
        parts["right"] += [first + int(t["right"][i]) for i in range(len(t))]
        parts["value"] += value.tolist()
    rules = tuple(n.removeprefix("rule ") for n in names if n.startswith("rule ") and " at " not in n)
    return Model(
        rules, tuple(names[f] for f in asked), **{k: tuple(v) for k, v in parts.items()}, scale=scale, shift=shift
    )


def calibrated(scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and shift from scores to log odds at PRIOR."""
    line = LogisticRegression(C=1e6, class_weight="balanced").fit(scores.reshape(-1, 1), y)
    return float(line.coef_[0, 0]), float(line.intercept_[0]) + math.log(PRIOR / (1 - PRIOR))


def write(model: Model, path: Path) -> None:
    kinds: dict[str, Any] = {"feature": np.int16, "threshold": np.float64, "left": np.int32, "right": np.int32,
                             "value": np.float32, "roots": np.int32}  # fmt: skip
    arrays: dict[str, Any] = {n: np.array(getattr(model, n), dtype=kinds.get(n)) for n in FIELDS}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--malicious", type=Path, required=True)
    parser.add_argument("--benign", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    rules = rules_folder(None) / "yara"
    sides = []
    known: list[Known] = []
    for word, folder in (("malicious", options.malicious), ("benign", options.benign)):
        mine = chosen(packages(folder, "train"), options.most)
        sides.append([r.facts for r in results(mine, rules, options.jobs, options.keep / word)])
        known += [Known(word == "malicious", read(p), sizes(f)) for p, f in zip(mine, sides[-1], strict=True)]
    (options.keep / "leftovers.json").write_bytes(msgspec.json.encode(known))
    facts = [f for side in sides for f in side]
    y = np.repeat([1, 0], [len(s) for s in sides])
    group = np.array(clusters([f.signature for f in facts]))
    _, first = np.unique(group, return_index=True)
    once = np.sort(first)
    facts, y, group = [facts[i] for i in once], y[once], group[once]
    names = vocabulary(facts)
    x = table(facts, names)
    print(f"{int(y.sum())} malicious and {int((1 - y).sum())} benign unlike each other, {len(names)} features")
    scores = np.zeros(len(y))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=1).split(x, y, group):
        scores[test] = fit(x[train], y[train], names).decision_function(x[test])
    bad, good = scores[y == 1].tolist(), scores[y == 0].tolist()
    print(f"out of fold: AUC {auc(bad, good):.4f}, recall at", {r: recall_at(bad, good, r) for r in RATES})
    scale, shift = calibrated(scores, y)
    model = exported(fit(x, y, names), names, scale, shift)
    few = seldom(facts, y, model.rules)
    model = replace(model, seldom=tuple(few), seldom_weights=tuple(few.values()))
    write(model, options.out)
    print(f"{len(model.names)} features asked, {len(model.value)} nodes, {options.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
