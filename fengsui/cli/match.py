"""``fengsui match``: what of bills of materials is known to be vulnerable, by advisories that are given."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from detectors.advisories import vex
from detectors.advisories.match import (
    AFFECTED,
    NOT_COVERED,
    STALE_DAYS,
    UNORDERED,
    Match,
    age_days,
    match,
    read_folder,
)
from detectors.advisories.osv import Advisory, Book, read
from detectors.advisories.policy import Policy, Ruling, ruling
from detectors.advisories.policy import read as read_policy
from detectors.advisories.wording import GATES, SEVERITIES, STATUSES, word
from detectors.sbom.read import read as read_sbom
from fengsui.cli.console import progress, say
from fengsui.cli.text import text
from fengsui.errors import BadInput, UsageError
from fengsui.progress import Progress


def run(args: argparse.Namespace) -> int:
    """0 nothing that the policy stops (without one: nothing affected); 1 something; 2 no advisories, or advisories that
    were asked are old or without a date, without --allow-stale; 3 usage."""
    policy = read_policy(args.policy) if args.policy else Policy()
    before = [args.since] if args.since else []
    for path in (*args.sboms, *before, *args.advisories, *(args.vex or ())):
        if not path.exists():
            raise UsageError(f"{path}: there is no such file")
    try:
        sources, known = read_folder(args.advisories)
        with progress(text("match.reading", args.lang)) as report:
            book = Book(_counted(chain.from_iterable(map(read, sources)), report, text("match.advisory", args.lang)))
        for path in args.vex or ():
            known = replace(known, vex={**known.vex, **vex.read(path.read_bytes(), str(path))})
        documents = [(path, read_sbom(path.read_bytes(), str(path))) for path in args.sboms]
        earlier = [c for path in before for c in read_sbom(path.read_bytes(), str(path)).components]
    except BadInput as e:
        say(str(e))
        return 3
    if not book.count:
        say(text("match.nothing", args.lang))
        return 2
    old = {m.risk for m in match(earlier, book, known)}
    now = datetime.now(UTC)
    counts: Counter[str] = Counter()
    gates: Counter[str] = Counter()
    ages: dict[str, float | None] = {}
    for path, document in documents:
        for odd in document.odd:
            say(f"{path}: {odd}")
        for m in match(document.components, book, known):
            if m.risk is not None and m.risk in old:
                continue
            said = ruling(m, policy, now.date())
            counts[m.status] += 1
            gates[said.gate] += 1
            if m.ecosystem and m.ecosystem not in ages:
                ages[m.ecosystem] = age_days(book, m.ecosystem, now)
            if args.json:
                age = ages.get(m.ecosystem)
                more = {"sbom": str(path), "source_age_days": None if age is None else round(age, 1), "gate": said.gate,
                        "rule": said.rule, "days": said.days}  # fmt: skip
                print(json.dumps(m.line() | more))
            elif m.status in (AFFECTED, UNORDERED):
                _row(m, said, args.lang)
    told = [f"{word(STATUSES, k, args.lang)} {n}" for k, n in sorted(counts.items())]
    say("  ".join(told) or text("match.none", args.lang))
    if counts[NOT_COVERED]:
        say(text("match.uncovered", args.lang, n=counts[NOT_COVERED]))
    stale = {e: age for e, age in ages.items() if age is None or age > STALE_DAYS}
    for ecosystem, age in sorted(stale.items()):
        say(text("match.stale", args.lang, source=ecosystem, days="?" if age is None else f"{age:.0f}"))
    if stale and not args.allow_stale:
        return 2
    return 1 if gates["fail"] else 0


def _counted(advisories: Iterator[Advisory], report: Progress, unit: str) -> Iterator[Advisory]:
    for n, advisory in enumerate(advisories, 1):
        yield advisory
        if not n % 1000:
            report(n, 0, unit)


def _row(m: Match, said: Ruling, lang: str) -> None:
    line: dict[str, Any] = m.line()
    marks = "KEV " if m.kev else ""
    fixed = f"  → {', '.join(m.fixed)}" if m.fixed else ""
    days = f", {text('match.days', lang, n=said.days)}" if said.days is not None else ""
    rule = f"  [{said.rule}{days}]" if said.rule else ""
    severity = word(SEVERITIES, line["severity"], lang) if line["severity"] else "?"
    words = (word(GATES, said.gate, lang), word(STATUSES, m.status, lang), severity, line["purl"])
    head = f"{'  '.join(words)}  {line['advisory']} {marks}"
    sys.stdout.write(f"{head}{', '.join(line['aliases'])}\n      {m.reason(lang)}{fixed}{rule}\n")
