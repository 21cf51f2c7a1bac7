"""``fengsui demo``: a made province through the real path, in a folder of its own."""

from __future__ import annotations

import argparse
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from collectors.made.province import Province, make_province
from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli.analyze import summary, tell, title
from fengsui.cli.console import alert_object, json_line, progress, say, table
from fengsui.cli.platform import Platform
from fengsui.cli.text import text
from fengsui.config import Settings
from fengsui.errors import UsageError

MARK = "made-by-fengsui-demo"


def run(args: argparse.Namespace) -> int:
    """0; 3 if the folder is not a demo's, or the port is busy."""
    if args.clean:
        return _clean(args.folder, args.lang)
    if args.once:
        return _once(args)
    from fengsui.cli.demo_live import live

    return live(args, _yesterday(), lambda: _prepare(args.folder, args.lang))


def _once(args: argparse.Namespace) -> int:
    """The whole day at once; its alerts are printed."""
    folder: Path = args.folder
    _prepare(folder, args.lang)
    began = time.monotonic()
    with progress(text("made", args.lang)) as report:
        province = make_province(folder / "input", day=_yesterday(), organisations=args.organisations, progress=report)
    settings = Settings(data=folder / "data", indicators=(province.indicators,))
    with Platform(settings) as platform:
        with progress(text("reading", args.lang)) as report:
            sources = [
                (source, Identity(o.id, o.network, o.sensor))
                for o in province.organisations
                if o.files
                for source in sources_of(folder / "input" / o.id, settings, platform.blobs, report)
            ]
            reports = platform.collect(sources, progress=lambda _: say(text("hunting", args.lang)))
        tell(reports, args.lang)
        _show(platform, province, args)
    rows = sum(sum(r.rows.values()) for r in reports)
    say(text("demo.end", args.lang, rows=f"{rows:,}", packets=f"{province.packets:,}", lines=f"{province.lines:,}",
             orgs=len(province.organisations), seconds=time.monotonic() - began, folder=folder))  # fmt: skip
    return 2 if any(r.faults for r in reports) else 0


def _yesterday() -> date:
    """The made day: over everywhere, so that no clock is ahead."""
    return (datetime.now(UTC) - timedelta(days=1)).date()


def _prepare(folder: Path, lang: str) -> None:
    """An empty folder of the demo's own; what an earlier demo left goes."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise UsageError(text("foreign", lang, folder=folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Everything here is made by `fengsui demo`; `fengsui demo --clean` removes it.\n")


def _clean(folder: Path, lang: str) -> int:
    if not folder.exists():
        say(text("nothing", lang, folder=folder))
        return 0
    if not (folder / MARK).exists():
        raise UsageError(text("foreign", lang, folder=folder))
    shutil.rmtree(folder)
    say(text("cleaned", lang, folder=folder))
    return 0


def _show(platform: Platform, province: Province, args: argparse.Namespace) -> None:
    alerts = platform.alerts(below=args.all)
    if args.json:
        for a in alerts:
            print(json_line(alert_object(a, summary(platform, a, args.lang)) | {"made": True}))
        return
    cities = _cities(args.lang)
    names = {o.id: f"{o.zh if args.lang == 'zh' else o.en} ({cities[o.city]})" for o in province.organisations}
    print(text("demo.note", args.lang))
    table([(a, title(platform, a, args.lang), summary(platform, a, args.lang)) for a in alerts], args.lang, names=names)


def _cities(lang: str) -> dict[str, str]:
    from detectors.catalogue import rules_folder

    raw = (rules_folder(None) / "standards" / "regions.yaml").read_bytes()
    return {k: v[lang] for k, v in msgspec.yaml.decode(raw)["cities"].items()}
