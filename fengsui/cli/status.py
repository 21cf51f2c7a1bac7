"""``fengsui status``: how a running platform is, asked over its API; or, on Kafka without one, read from the bus."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from typing import Any

from rich.console import Console
from rich.table import Table

from fengsui.cli.console import json_line
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.errors import UsageError

ANSWER = 20.0
"""Seconds to wait for the platform."""


def run(args: argparse.Namespace) -> int:
    """0 if all is well; 1 if something is wrong (it is said what); 3 if nothing runs here."""
    settings = load(args.config, os.environ, {"data": args.data})
    state = _asked(settings, args.lang) if (settings.data / "server.json").exists() else _read(settings, args.lang)
    if args.json:
        print(json_line(state))
    else:
        _print(state, args.lang)
    return 1 if state["problems"] or any(r["problem"] for r in state["roles"]) else 0


def _asked(settings: Settings, lang: str) -> dict[str, Any]:
    note = json.loads((settings.data / "server.json").read_text())
    headers = {"authorization": f"Bearer {note['token']}"}
    request = urllib.request.Request(f"{note['url']}/api/v1/stats", headers=headers)  # noqa: S310 our own address
    try:
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:  # noqa: S310 as above
            state: dict[str, Any] = json.loads(answer.read())["pipeline"]
    except (urllib.error.URLError, OSError) as e:
        raise UsageError(text("status.silent", lang, url=note["url"], pid=note["pid"], reason=e)) from e
    return state


def _read(settings: Settings, lang: str) -> dict[str, Any]:
    """What the bus knows: lag, and what each process wrote of itself."""
    if not settings.kafka_bootstrap:
        raise UsageError(text("status.none", lang, folder=settings.data))
    import time

    from fengsui import __version__
    from fengsui.cli.engines import Engines
    from fengsui.cli.service import elsewhere

    engines = Engines(settings)
    try:
        lag = [{"group": g, "messages": n} for g, n in sorted(engines.bus.lag().items())]
        roles = elsewhere(engines.bus, time.time())
    finally:
        engines.close()
    return {"version": __version__, "lag": lag, "roles": roles, "problems": [], "sources": []}


def _print(state: dict[str, Any], lang: str) -> None:
    out = Console(soft_wrap=True)
    started = f", {text('status.since', lang, when=state['started_at'][:19])}" if "started_at" in state else ""
    out.print(f"Fengsui {state['version']}{started}")
    lag = {e["group"]: e["messages"] for e in state["lag"]}
    table = Table(text("status.role", lang), text("status.idle", lang),
                  text("status.lag", lang), text("status.problem", lang))  # fmt: skip
    for role in state["roles"]:
        waits = [n for g, n in lag.items() if g.partition("@")[0] == role["name"].partition(" · ")[0]]
        problem = role["problem"][lang] if role["problem"] else "" if role["alive"] else text("status.stuck", lang)
        table.add_row(role["name"], f"{role['idle_s']:.0f} s", str(sum(waits)) if waits else "", problem)
    out.print(table)
    for s in state["sources"]:
        why = f": {s['problem'][lang]}" if s["problem"] else ""
        out.print(f"{s['folder']}: {s['state']}, {s['rows']:,} {text('count', lang)}{why}", markup=False)
    for p in state["problems"]:
        out.print(p[lang], style="red", markup=False)
