"""``fengsui analyze``: from files to alerts, through the whole path, without a server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from collectors.network.sources import sources_of
from collectors.source import Report
from fengsui import wording
from fengsui.batch import Identity
from fengsui.cli.console import alert_object, json_line, progress, say, table
from fengsui.cli.platform import Platform, scratch
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.jsonform import time_text
from situation.alerts import Alert

SHOWN_FAULTS = 10


def run(args: argparse.Namespace) -> int:
    """0; 2 if some input could not be read (what was read before the fault is analysed)."""
    settings = load(args.config, os.environ, {
        "data": args.data, "rules": args.rules, "org": args.org,
        "indicators": args.indicators and tuple(args.indicators),
    })  # fmt: skip
    with _platform(settings, keep=args.data is not None) as platform:
        tell_lists(platform, args.lang)
        reports = analyze(platform, args.paths, args.lang, again=args.again)
        show(platform, reports, args.lang, as_json=args.json, below=args.all)
    return 2 if any(r.faults for r in reports) else 0


@contextmanager
def _platform(settings: Settings, *, keep: bool) -> Iterator[Platform]:
    if keep:
        with Platform(settings) as platform:
            yield platform
    else:
        with scratch(settings) as platform:
            yield platform


def analyze(platform: Platform, paths: Sequence[Path], lang: str, *, again: bool = False) -> list[Report]:
    """Read paths to their end and run every detector; what became of each source."""
    s = platform.settings
    identity = Identity(s.org, s.network, s.sensor)
    with progress(text("reading", lang)) as report:
        sources = [(x, identity) for p in paths for x in sources_of(p, s, platform.blobs, report)]
        return platform.collect(sources, again=again, progress=lambda _: say(text("hunting", lang)))


def show(platform: Platform, reports: Sequence[Report], lang: str, *, as_json: bool, below: bool) -> None:
    """Faults and remarks on stderr, alerts on stdout."""
    tell(reports, lang)
    alerts = platform.alerts(below=below)
    if as_json:
        for a in alerts:
            print(json_line(alert_object(a, summary(platform, a, lang))))
        return
    if alerts:
        table([(a, title(platform, a, lang), summary(platform, a, lang)) for a in alerts], lang)
    rows = sum(sum(r.rows.values()) or r.already for r in reports)  # read now, or read before
    if alerts:
        say(text("found", lang, n=f"{sum(a.queued for a in alerts):,}", rows=f"{rows:,}"))
        return
    under = len(platform.alerts(below=True))
    say(text("none_below", lang, rows=f"{rows:,}", below=under) if under else text("none", lang, rows=f"{rows:,}"))


def tell_lists(platform: Platform, lang: str) -> None:
    """Lines of indicator lists that were not taken, and why."""
    for f in platform.catalogue.indicators:
        lines = [*f.parsed.bad, *f.parsed.guarded]
        for bad in lines[:SHOWN_FAULTS]:
            say(text("listed", lang, place=f"{f.path}:{bad.line}", reason=bad.reason))
        if len(lines) > SHOWN_FAULTS:
            say(text("more_faults", lang, n=len(lines) - SHOWN_FAULTS))


def tell(reports: Sequence[Report], lang: str) -> None:
    """What could not be read, and what had been read before."""
    for r in reports:
        if r.unchanged:
            when = time_text(r.read_at)[:16].replace("T", " ")
            say(text("already", lang, place=r.place, when=when, rows=f"{r.already:,}"))
        for f in r.faults[:SHOWN_FAULTS]:
            say(text("fault", lang, fault=f))
        more = len(r.faults[SHOWN_FAULTS:]) + r.more_faults
        if more:
            say(text("more_faults", lang, n=f"{more:,}"))


def summary(platform: Platform, alert: Alert, lang: str) -> str:
    """The story in a sentence, in the reader's language."""
    return wording.summary(platform.rules, alert.summary)[lang]


def title(platform: Platform, alert: Alert, lang: str) -> str:
    """The rule's title in the reader's language."""
    return wording.title(platform.rules, alert.rule)[lang]
