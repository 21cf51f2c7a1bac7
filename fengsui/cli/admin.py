"""``fengsui admin migrate``: topics, tables and the registry brought to this version, before its roles are started."""

from __future__ import annotations

import argparse
import os
from contextlib import closing

from fengsui.cli.console import say
from fengsui.cli.engines import Engines
from fengsui.cli.text import text
from fengsui.config import load


def run(args: argparse.Namespace) -> int:
    """0 when everything is as this version wants it. Again is harmless: what is there is left."""
    settings = load(args.config, os.environ, {"data": args.data})
    with closing(Engines(settings)) as engines:
        say(text("admin.bus", args.lang, topics=len(engines.bus.partitions)))
        tables = engines.store.query("SELECT count() AS n FROM system.tables WHERE database = currentDatabase()")
        say(text("admin.store", args.lang, tables=tables.column(0)[0].as_py()))
        with engines.registry.connect() as db:
            version = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        say(text("admin.registry", args.lang, version=version))
    return 0
