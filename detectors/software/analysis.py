"""From the bytes of one submission to its facts: unpack, and look at every file. Runs in the worker; opens no file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from detectors.batch.yara_rules import Match, YaraSet, read_folder
from detectors.software import (
    binaries,
    foreign,
    formats,
    hooks,
    java,
    javascript,
    macros,
    metadata,
    pdf,
    python,
    scripts,
    secrets,
)
from detectors.software.budget import Budget, Profile
from detectors.software.facts import MAX_USES, Binary, Claim, Evidence, Facts, File, Use, visible
from detectors.software.similar import CODE, Sketch
from detectors.software.spool import Spool
from detectors.software.unpack import CONTAINERS, PASSWORDS, Node, Unpacker

VERSION = "2"
"""Of everything in this package that facts depend on, rules aside."""
YARA_SECONDS = 10
SAMPLED = 1 << 20
"""Bytes from which entropy is taken."""

Look = Callable[[Node, Budget], Iterable[Evidence | Use | Claim | Binary]]
"""One analysis of one file. What it does not look at is a limit of the budget."""
LOOKS: tuple[Look, ...] = (python.look, javascript.look, scripts.look, java.look, macros.look, pdf.look,
                          binaries.look, secrets.look, hooks.look, metadata.look)
"""All of them, in their order."""


def digest(rules: YaraSet, looks: Iterable[Look]) -> str:
    """Names the analysis: the same content under the same digest has the same facts."""
    h = hashlib.sha256(VERSION.encode())
    for name, source in sorted(rules.sources.items()):
        h.update(f"{name}\0{source.text}\0".encode())
    for look in looks:
        h.update(f"{look.__module__}.{getattr(look, '__qualname__', '')}\0".encode())
    return h.hexdigest()[:16]


class Analysis:
    """Rules and analyses, loaded once. ``looks`` are asked of every file that is no container."""

    def __init__(self, rules: YaraSet, looks: tuple[Look, ...] = (),
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._rules, self._looks, self._clock = rules, looks, clock
        self.digest = digest(rules, looks)

    def facts(self, content: memoryview, name: str, profile: Profile, spool_fd: int = -1,
              passwords: tuple[str, ...] = ()) -> Facts:  # fmt: skip
        """Everything found in ``content``. A limit, damage or memory that runs out is in ``limits``, never raised."""
        budget = Budget(profile, self._clock)
        files: list[File] = []
        evidence: list[Evidence] = []
        uses: dict[tuple[str, str], Use] = {}
        claims: list[Claim] = []
        binaries: list[Binary] = []
        sketch = Sketch()
        seen: set[str] = set()

        def look(node: Node) -> str:
            sha256 = hashlib.sha256(node.content).hexdigest()
            if len(files) < profile.listed:
                files.append(File(node.path, sha256, len(node.content), node.format, node.depth, node.parent,
                                  round(entropy(node.content), 2)))  # fmt: skip
            if sha256 not in seen and node.format not in CONTAINERS:
                if node.format in CODE:
                    sketch.add(node.content)
                for found in self._of(node, budget):
                    if isinstance(found, Evidence):
                        evidence.append(found)
                    elif isinstance(found, Claim):
                        claims.append(found)
                    elif isinstance(found, Binary):
                        if len(binaries) < MAX_USES:
                            binaries.append(found)
                    elif len(uses) < MAX_USES:
                        uses.setdefault((found.when, found.name), found)
            seen.add(sha256)  # what lies in it twice is found once
            return sha256

        unpacker = Unpacker(budget, Spool(spool_fd, profile.spool), look, (*passwords, *PASSWORDS))
        if not content:
            budget.hit("damaged", name, "the file is empty")
        try:
            unpacker.run(content, name)
        except MemoryError:
            budget.hit("memory", name)
        whole = files[0] if files else File(name, hashlib.sha256(content).hexdigest(), len(content), "empty", 0)
        return Facts(whole.sha256, len(content), whole.format, self.digest, tuple(files),
                     (*unpacker.evidence, *evidence), tuple(budget.limits), tuple(claims), tuple(uses.values()),
                     tuple(binaries), sketch.signature(), budget.out, budget.members,
                     round(budget.seconds, 4))  # fmt: skip

    def _of(self, node: Node, budget: Budget) -> Iterator[Evidence | Use | Claim | Binary]:
        if not node.content:
            return
        yield from self._yara(node, budget)
        for look in self._looks:
            yield from look(node, budget)

    def _yara(self, node: Node, budget: Budget) -> Iterator[Evidence]:
        scan = self._rules.scan(node.content, max(2, min(YARA_SECONDS, int(budget.left))), self._clock)
        for m in scan.matches:
            yield _matched(node, m)
        if not scan.complete:
            budget.hit("slow", node.path, ", ".join((*scan.slow, *scan.skipped)))


def _matched(node: Node, m: Match) -> Evidence:
    offset = next((s["offsets"][0] for s in m.strings if s["offsets"]), -1)
    names = ", ".join(f"{s['name']}×{s['count']}" for s in m.strings[:5])
    line = 1 + bytes(node.content[:offset]).count(b"\n") if offset >= 0 and _lined(node) else -1
    return Evidence(
        m.rule.rule.id, node.path, round(m.rule.severity * m.rule.confidence * 0.014, 2), line, offset, visible(names),
        {"title": m.rule.rule.title["en"], "title_zh": m.rule.rule.title["zh"]}, m.rule.rule.techniques,
    )  # fmt: skip


def _lined(node: Node) -> bool:
    return node.format in formats.SUFFIXES.values() or node.format == "text"


def entropy(content: memoryview) -> float:
    """Shannon's, in bits a byte, of the first megabyte."""
    if not content:
        return 0.0
    counts = np.bincount(np.frombuffer(content[:SAMPLED], np.uint8), minlength=256)
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def load(rules: Path) -> Analysis:
    """The analysis as it is shipped, with the rules below a folder. Raises BadRule."""
    for part in (foreign, python, javascript, scripts, binaries):
        part.warm()
    return Analysis(YaraSet(read_folder(rules)), LOOKS)
