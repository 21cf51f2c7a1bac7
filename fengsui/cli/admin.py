"""``fengsui admin``: ``migrate`` brings topics, tables and the registry to this version, before its roles are started;
``regress`` judges again, with today's rules and model, what people found to be judged wrongly.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from contextlib import closing

import msgspec

from detectors.catalogue import rules_folder, software_context
from detectors.software.facts import Facts, visible
from detectors.software.verdict import AT_LEAST, verdict
from fengsui.cli.console import say
from fengsui.cli.engines import Engines
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.registry.database import reading
from situation import appeals, submissions


def run(args: argparse.Namespace) -> int:
    """0 when everything is as this version wants it. Again is harmless: what is there is left."""
    settings = load(args.config, os.environ, {"data": args.data})
    return _regress(args, settings) if args.what == "regress" else _migrate(args, settings)


def _regress(args: argparse.Namespace, settings: Settings) -> int:
    """0 if nothing of which an appeal was upheld is malicious or suspicious today, by its kept facts; 1 if something
    is; 2 if
    the facts of some are gone."""
    context = software_context(rules_folder(settings.rules), settings.known_bad)
    counts: Counter[str] = Counter()
    with closing(Engines(settings)) as engines:
        with reading(engines.registry).connect() as db:
            rows = appeals.listed(db, appeals.UPHELD, most=100_000)
            there = {r.id: r for r in submissions.named(db, [r.submission for r in rows])}
        for row in rows:
            mine = there.get(row.submission)
            content = engines.blobs.within(row.org).get(mine.facts) if mine is not None and mine.facts else None
            word = "gone" if content is None else verdict(msgspec.json.decode(content, type=Facts), context).word
            counts["wrong" if word in AT_LEAST else "gone" if word == "gone" else "right"] += 1
            name = mine.name if mine is not None else row.sha256
            print(f"{word:10} {row.sha256[:16]}  {visible(name)}")
    say(text("admin.regressed", args.lang, n=sum(counts.values()), wrong=counts["wrong"], gone=counts["gone"]))
    return 1 if counts["wrong"] else 2 if counts["gone"] else 0


def _migrate(args: argparse.Namespace, settings: Settings) -> int:
    with closing(Engines(settings)) as engines:
        say(text("admin.bus", args.lang, topics=len(engines.bus.partitions)))
        tables = engines.store.query("SELECT count() AS n FROM system.tables WHERE database = currentDatabase()")
        say(text("admin.store", args.lang, tables=tables.column(0)[0].as_py()))
        with engines.registry.connect() as db:
            version = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        say(text("admin.registry", args.lang, version=version))
    return 0
