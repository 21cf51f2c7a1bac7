"""``fengsui demo``: the made day compressed into minutes, with the console up while it happens and afterwards."""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from collectors.made.province import make_province
from collectors.made.replay import Replay
from fengsui.cli.console import progress, say
from fengsui.cli.serve import Demo, listening, serve
from fengsui.cli.service import Service
from fengsui.cli.text import text
from fengsui.config import WatchSetting, load
from fengsui.errors import UsageError
from fengsui.jsonform import time_text

LEAST, MOST, CALM = 4.0, 90.0, 1.0
"""Seconds that a part of the day takes at least and at most, and that all must have been quiet before the next."""


def live(args: argparse.Namespace, day: date, prepare: Callable[[], None]) -> int:
    """Serve until told to stop."""
    folder: Path = args.folder
    if min(args.organisations, args.steps) < 1:
        raise UsageError(text("demo.least", args.lang))
    settings = load(args.config, os.environ, {"data": folder / "data", "port": args.port})
    with listening(settings, args.lang) as sock:
        prepare()
        with progress(text("made", args.lang)) as report:
            province = make_province(folder / "input", day=day, organisations=args.organisations, progress=report)
        replay = Replay(province, folder / "watch", steps=args.steps)
        watched = tuple(WatchSetting(w.folder, w.org, w.network, w.sensor) for w in replay.watches())
        settings = msgspec.structs.replace(settings, indicators=(province.indicators,), watch=watched)
        day_clock = Day(replay, args.lang)
        say(text("demo.note", args.lang))
        return serve(settings, args.lang, sock, Demo(
            [o.entry() for o in province.organisations], lambda: day_clock.reached, day_clock.begin))  # fmt: skip


class Day:
    """The made day going by. ``reached``: the moment (microseconds) until which it was released."""

    def __init__(self, replay: Replay, lang: str) -> None:
        self._replay, self._lang = replay, lang
        self.reached = replay.released(-1)

    def begin(self, service: Service) -> None:
        threading.Thread(target=self._run, args=(service,), name="fengsui-day", daemon=True).start()

    def _run(self, service: Service) -> None:
        began = time.monotonic()
        for i in range(self._replay.steps):
            self._replay.step(i)
            self.reached = self._replay.released(i)
            say(text("demo.hour", self._lang, hour=time_text(self.reached)[11:16]))
            if not self._settle(service):
                return
        say(text("demo.over", self._lang, seconds=time.monotonic() - began))

    def _settle(self, service: Service) -> bool:
        """Wait until what was released has become alerts; False if the platform stops."""
        began = quiet = time.monotonic()
        while time.monotonic() - began < MOST:
            if service.platform.stopping.wait(0.2):
                return False
            now = time.monotonic()
            quiet = quiet if service.idle else now
            if now - began >= LEAST and now - quiet >= CALM:
                return True
        return True
