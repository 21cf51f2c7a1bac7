"""``fengsui match``: what of bills of materials is known to be vulnerable, by advisories that are given."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
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
from detectors.advisories.osv import Book, read
from detectors.advisories.policy import Policy, Ruling, ruling
from detectors.advisories.policy import read as read_policy
from detectors.sbom.read import read as read_sbom
from fengsui.cli.console import say
from fengsui.cli.text import text
from fengsui.errors import BadInput, UsageError


def run(args: argparse.Namespace) -> int:
    """0 nothing that the policy stops (without one: nothing affected); 1 something; 2 no advisories, or old ones
    without
    --allow-stale; 3 usage."""
    policy = read_policy(args.policy) if args.policy else Policy()
    before = [args.since] if args.since else []
    for path in (*args.sboms, *before, *args.advisories, *(args.vex or ())):
        if not path.exists():
            raise UsageError(f"{path}: there is no such file")
    try:
        sources, known = read_folder(args.advisories)
        book = Book(chain.from_iterable(map(read, sources)))
        for path in args.vex or ():
            known = replace(known, vex={**known.vex, **vex.read(path.read_bytes(), str(path))})
        documents = [(path, read_sbom(path.read_bytes(), str(path))) for path in args.sboms]
        old = {m.risk for path in before for m in match(read_sbom(path.read_bytes(), str(path)).components, book,
                                                        known)}
    except BadInput as e:
        say(str(e))
        return 3
    if not book.count:
        say(text("match.nothing", args.lang))
        return 2
    age = age_days(book, datetime.now(UTC))
    stale = age is None or age > STALE_DAYS
    if stale:
        say(text("match.stale", args.lang, days="?" if age is None else f"{age:.0f}"))
    counts: Counter[str] = Counter()
    gates: Counter[str] = Counter()
    now = datetime.now(UTC)
    for path, document in documents:
        for odd in document.odd:
            say(f"{path}: {odd}")
        for m in match(document.components, book, known):
            if m.risk is not None and m.risk in old:
                continue
            counts[m.status] += 1
            said = ruling(m, policy, now.date())
            gates[said.gate] += 1
            if args.json:
                more = {"sbom": str(path), "source_age_days": None if age is None else round(age, 1), "gate": said.gate,
                        "rule": said.rule, "days": said.days}  # fmt: skip
                print(json.dumps(m.line() | more))
            elif m.status in (AFFECTED, UNORDERED):
                _row(m, said)
    say("  ".join(f"{k} {n}" for k, n in sorted(counts.items())) or text("match.none", args.lang))
    if counts[NOT_COVERED]:
        say(text("match.uncovered", args.lang, n=counts[NOT_COVERED]))
    if stale and not args.allow_stale:
        return 2
    return 1 if gates["fail"] else 0


def _row(m: Match, said: Ruling) -> None:
    line: dict[str, Any] = m.line()
    marks = "KEV " if m.kev else ""
    fixed = f"  → {', '.join(m.fixed)}" if m.fixed else ""
    rule = f"  [{said.rule}{f', {said.days} d' if said.days is not None else ''}]" if said.rule else ""
    head = f"{said.gate:5} {m.status:10} {line['severity'] or '?':9}{line['purl']}  {line['advisory']} {marks}"
    sys.stdout.write(f"{head}{', '.join(line['aliases'])}\n      {m.reason}{fixed}{rule}\n")
