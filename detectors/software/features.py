"""What the model sees of facts: which rules and functions, where and when. No size, no count of files, nothing that
only a build tool or a registry writes: a scanner that goes by those knows what malicious packages of one year looked
like, and is fooled by padding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from detectors.software.facts import Evidence, Facts, Use

_SETUP = re.compile(r"(?:^|[/!])setup\.py$")
_ENTRY = re.compile(r"(?:^|[/!])(?:__init__|__main__)\.py$")
_START = re.compile(r"\.pth$")
_ASIDE = re.compile(r"(?:^|[/!])(?:tests?|testing|docs?|examples?|benchmarks?|samples?)/|(?:^|[/!])(?:test_|conftest)")
_PACKAGE = re.compile(r"(?:^|[/!])(?:[^/!]+\.dist-info/METADATA|PKG-INFO|setup\.py)$")


@dataclass
class Feature:
    """A number, and what it was made of."""

    value: float
    of: list[Evidence | Use] = field(default_factory=list)


def is_python_package(facts: Facts) -> bool:
    """What the model was trained on: a wheel, a source distribution, an egg."""
    return any(_PACKAGE.search(f.path) for f in facts.files)


def place(path: str) -> str:
    """When a file is read: by its name."""
    for word, pattern in (("start", _START), ("setup", _SETUP), ("aside", _ASIDE), ("entry", _ENTRY)):
        if pattern.search(path):
            return word
    return "other"


def features(facts: Facts) -> dict[str, Feature]:
    """By name: ``rule R``, ``rule R at P``, ``hot R`` (in the file that holds the most), ``use W F``; and the log odds
    of the file that holds the most, of all (``heat``) and of those that run by themselves (``heat early``)."""
    out: dict[str, Feature] = {}

    def mark(name: str, of: Evidence | Use) -> None:
        out.setdefault(name, Feature(1.0)).of.append(of)

    for e in facts.evidence:
        mark(f"rule {e.rule}", e)
        mark(f"rule {e.rule} at {place(e.path)}", e)
    for u in facts.uses:
        mark(f"use {u.when} {u.name}", u)
        if u.when in ("install", "import"):
            mark(f"early {u.name.split('.', 1)[0]}", u)
    hottest = _hottest(facts.evidence)
    for name, found in (("heat", hottest), ("heat early", _hottest(e for e in facts.evidence if _early(e)))):
        if found:
            out[name] = Feature(sum(e.weight for e in found), list(found))
    for e in hottest:
        mark(f"hot {e.rule}", e)
    return out


def _early(e: Evidence) -> bool:
    return place(e.path) in ("start", "setup", "entry")


def _hottest(evidence: Iterable[Evidence]) -> Sequence[Evidence]:
    """The heaviest of each rule in the file where they weigh the most together."""
    files: dict[str, dict[str, Evidence]] = {}
    for e in evidence:
        mine = files.setdefault(e.path, {})
        if e.rule not in mine or e.weight > mine[e.rule].weight:
            mine[e.rule] = e
    return max((list(m.values()) for m in files.values()), key=lambda es: sum(e.weight for e in es), default=[])
