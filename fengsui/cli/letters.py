"""``fengsui letters``: dead letters in the registry, whether or not a platform runs on it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine

from fengsui.cli.console import json_line, printable, say
from fengsui.cli.engines import Engines
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.errors import UsageError
from fengsui.jsonform import time_text
from fengsui.registry.database import reading
from situation import letters
from situation.acts import Refused

ACTOR = "admin"
_PAGE = 200
_ID = 12
"""Characters of an id that the table shows: enough to name it by."""


def run(args: argparse.Namespace) -> int:
    """0 done; 1 if a letter could not be decided upon; 3 for an id that is unknown or not one alone."""
    settings = load(args.config, os.environ, {"data": args.data})
    _there(settings, args.lang)
    engines = Engines(settings)
    try:
        return _COMMANDS[args.what](engines, args)
    finally:
        engines.close()


def _there(settings: Settings, lang: str) -> None:
    if not settings.registry_url and not Path(settings.data / "registry.db").exists():
        raise UsageError(text("letters.nowhere", lang, folder=settings.data))


def _every(registry: Engine, states: tuple[str, ...], topic: str) -> Iterator[Any]:
    """Letters, page after page."""
    after: tuple[int, str] | None = None
    while True:
        with reading(registry).connect() as db:
            rows, after = letters.page(db, states=states, topic=topic, limit=_PAGE, after=after)
        yield from rows
        if after is None:
            return


def _list(engines: Engines, args: argparse.Namespace) -> int:
    found = _every(engines.registry, () if args.all else (letters.WAITING, letters.REPLAYING), args.topic)
    if args.json:
        for row in found:
            print(json_line(_times(letters.shown(row))))
        return 0
    columns = ("letters.at", "letters.state", "letters.place", "letters.size", "letters.reason")
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True)
    for c in columns:
        table.add_column(text(c, args.lang), overflow="fold")
    for row in found:
        place, reason = Text(printable(row.place)), Text(printable(row.reason))
        table.add_row(row.id[:_ID], time_text(row.at)[:19], row.state, place, f"{row.size:,}", reason)
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else 180, highlight=False).print(table)
    else:
        say(text("letters.none", args.lang))
    return 0


def _show(engines: Engines, args: argparse.Namespace) -> int:
    for row in _named(engines.registry, args):
        raw = letters.content(row, engines.blobs)
        if args.raw:
            sys.stdout.buffer.write(raw)
            continue
        said = _times(letters.shown(row)) | {"headers": msgspec.json.decode(row.headers)}
        print(json_line(said | {"text": raw[:4096].decode("utf-8", "replace")}))
    return 0


def _times(shown: Any) -> dict[str, Any]:
    decided = shown["decided_at"]
    return dict(shown) | {"at": time_text(shown["at"]), "decided_at": None if decided is None else time_text(decided)}


def _named(registry: Engine, args: argparse.Namespace) -> list[Any]:
    """The letters that the arguments name. Raises UsageError."""
    if not args.ids:
        raise UsageError(text("letters.one", args.lang))
    out = []
    with reading(registry).connect() as db:
        for begin in args.ids:
            keys = letters.begins(db, begin)
            if not keys:
                raise UsageError(text("letters.unknown", args.lang, id=begin))
            if len(keys) > 1:
                raise UsageError(text("letters.many", args.lang, id=begin, n=len(keys)))
            out.append(letters.find(db, keys[0]))
    return out


def _decide(act: Callable[[Connection, str, str, int], None]) -> Callable[[Engines, argparse.Namespace], int]:
    def run_it(engines: Engines, args: argparse.Namespace) -> int:
        chosen = list(_every(engines.registry, (letters.WAITING,), args.topic)) if args.all else _named(
            engines.registry, args)  # fmt: skip
        done = refused = 0
        for row in chosen:
            try:
                with engines.registry.begin() as db:
                    act(db, row.id, ACTOR, int(time.time() * 1_000_000))
                done += 1
            except Refused as e:
                refused += 1
                say(f"{row.id[:_ID]}: {e.zh if args.lang == 'zh' else e}")
        say(text("letters.done", args.lang, n=done, refused=refused))
        if done and act is letters.replay:
            say(text("letters.later", args.lang))
        return 1 if refused else 0

    return run_it


_COMMANDS = {"list": _list, "show": _show, "replay": _decide(letters.replay), "drop": _decide(letters.drop)}
