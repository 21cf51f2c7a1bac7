"""``fengsui rules``: test and list the rules."""

from __future__ import annotations

import argparse
import os
from itertools import chain
from pathlib import Path

from detectors.batch.yara_import import examine, put, read
from detectors.catalogue import rules_folder
from detectors.ruletest import list_rules, test_rules
from fengsui.cli.console import json_line, say
from fengsui.cli.text import text
from fengsui.config import load
from fengsui.errors import BadInput, UsageError
from fengsui.store.chdb import ChdbStore


def run(args: argparse.Namespace) -> int:
    """0; 1 if a rule fails its samples or there is none; 3 for a rule that cannot be loaded."""
    given = load(args.config, os.environ, {"rules": args.rules}).rules
    if args.what == "import":
        return _import(args, given)
    folder = rules_folder(given)
    return _test(args, folder) if args.what == "test" else _list(args, folder)


def _test(args: argparse.Namespace, folder: Path) -> int:
    results = test_rules(folder, lambda: ChdbStore(None), lambda name: None)
    if not results:
        say(text("rules.none", args.lang, folder=folder))
        return 1
    for r in results:
        if args.json:
            print(json_line({"rule": r.rule, "samples": r.samples, "passed": r.passed, "failures": r.failures}))
        else:
            print(f"{'ok  ' if r.passed else 'FAIL'} {r.rule}  ({r.samples})")
            for failure in r.failures:
                print(f"     {failure}")
    ok = sum(r.passed for r in results)
    say(text("rules.ok", args.lang, ok=ok, n=len(results)))
    return 0 if ok == len(results) else 1


def _import(args: argparse.Namespace, into: Path | None) -> int:
    """What of foreign YARA rules compiles; into the folder of one's own rules, where one is set."""
    if not args.sources:
        raise UsageError(text("rules.nosource", args.lang))
    for source in args.sources:
        if not source.exists():
            raise UsageError(f"{source}: there is no such file")
    good, rules, bad = 0, 0, 0
    try:
        for found in examine(chain.from_iterable(map(read, args.sources))):
            if args.json:
                print(json_line({"file": found.name, "rules": list(found.rules), "reason": found.reason,
                                 "line": found.line}))
            elif found.reason:
                print(f"NO   {found.name}{f':{found.line}' if found.line else ''}  {found.reason}")
            else:
                print(f"ok   {found.name}  ({len(found.rules)})")
            good, bad, rules = good + (not found.reason), bad + bool(found.reason), rules + len(found.rules)
            if into is not None and not found.reason:
                put(found, into / "yara" / "imported")
    except BadInput as e:
        raise UsageError(str(e)) from e
    say(text("rules.imported", args.lang, good=good, rules=rules, bad=bad))
    say(text("rules.into", args.lang, folder=into / "yara" / "imported") if into else text("rules.nowhere", args.lang))
    return 0 if good else 1


def _list(args: argparse.Namespace, folder: Path) -> int:
    for info in list_rules(folder):
        rule = info.rule
        name = rule.title.get(args.lang) or rule.title.get("en", "")
        if args.json:
            print(json_line({"rule": rule.id, "type": info.type, "title": name, "category": rule.category,
                             "techniques": rule.techniques, "path": info.path.name}))  # fmt: skip
        else:
            print(f"{rule.id:32} {info.type:6} {', '.join(rule.techniques):24} {name}")
    return 0
