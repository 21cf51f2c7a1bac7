"""``fengsui rules``: test and list the rules."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from detectors.catalogue import rules_folder
from detectors.ruletest import list_rules, test_rules
from fengsui.cli.console import json_line, say
from fengsui.cli.text import text
from fengsui.config import load
from fengsui.store.chdb import ChdbStore


def run(args: argparse.Namespace) -> int:
    """0; 1 if a rule fails its samples or there is none; 3 for a rule that cannot be loaded."""
    folder = rules_folder(load(args.config, os.environ, {"rules": args.rules}).rules)
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
