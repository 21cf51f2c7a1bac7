"""The real detectors on a made day, fed hour by hour, out of order and at once: the same alerts."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from collectors.made.province import make_province
from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli.platform import Platform
from fengsui.config import Settings

HOURS = 24


def by_hour(folder: Path, out: Path) -> list[Path]:
    """Zeek's logs of a folder as a folder for each hour, as a sensor that rotates them writes them."""
    header: list[str] = []
    for log in sorted(folder.rglob("*.log")):
        hours: dict[int, list[str]] = defaultdict(list)
        header = []
        for line in log.read_text().splitlines():
            if line.startswith("#"):
                header += [line] if not line.startswith("#close") else []
            else:
                hours[int(float(line.split("\t", 1)[0])) // 3600].append(line)
        for hour, lines in hours.items():
            place = out / f"{hour}"
            place.mkdir(parents=True, exist_ok=True)
            (place / log.name).write_text("\n".join([*header, *lines, ""]))
    return sorted(out.iterdir(), key=lambda p: int(p.name))


def alerts(folder: Path, steps: Sequence[Sequence[Path]]) -> dict[tuple[str, str], tuple[object, ...]]:
    """Feed each step's folders and run everything to its end, step by step; what the queue and all below it say."""
    settings = Settings(data=folder)
    with Platform(settings) as platform:
        for step in steps:
            sources = [s for p in step for s in sources_of(p, settings, platform.blobs)]
            reports = platform.collect([(s, Identity("org", "net", "sensor")) for s in sources])
            assert not [f for r in reports for f in r.faults]
        return {(a.rule, a.id): (a.subject, a.severity, a.queued, a.count, a.first_seen, a.last_seen)
                for a in platform.alerts(below=True)}  # fmt: skip


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("made")
    make_province(folder / "day", day=date(2024, 5, 6), organisations=1, scale=0.2)
    return by_hour(folder / "day", folder / "hours")


def test_a_day_fed_hour_by_hour_shuffled_or_at_once_gives_the_same_alerts(hours, tmp_path):
    at_once = alerts(tmp_path / "at-once", [hours])
    assert {rule for rule, _ in at_once} >= {"beacon", "scan_horizontal", "guessing", "exfiltration"}
    assert len(hours) == HOURS
    hourly = alerts(tmp_path / "hourly", [[h] for h in hours])
    shuffled = hours[:]
    random.Random(11).shuffle(shuffled)
    pairs = [shuffled[i : i + 2] for i in range(0, len(shuffled), 2)]
    assert hourly == at_once
    assert alerts(tmp_path / "shuffled", pairs) == at_once
