"""A made province: for each organisation a capture and Zeek's logs of one day, and the truth of what is planted there.

What is written goes the way of any other capture and log. It is marked as made: the sensor is named ``made``, names
end in ``.example``, addresses outside are those reserved for documentation (RFC 5737), organisations say so themselves.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from collectors.made.background import Sensor, working_day
from collectors.made.logs import Logs
from collectors.made.organisations import SILENT, Organisation, organisations, with_files
from collectors.made.planted import LISTED, LISTED_DOMAIN, LISTED_NETWORK, PLANTS, SHARED_DOMAIN, Planted, shared
from collectors.made.talk import Talk
from fengsui.progress import Progress, silent

DEMO_SEED = 7
CAPTURE = "made.pcap"
SHARED_IN = (5, 19, 27)  # organisations, in different cities, that contact the same listed name


@dataclass(frozen=True)
class Province:
    """What was made. ``indicators`` is a list to load; ``packets`` and ``lines`` count what the files hold."""

    folder: Path
    day: date
    organisations: tuple[Organisation, ...]
    planted: tuple[Planted, ...]
    indicators: Path
    packets: int
    lines: int
    bytes: int
    by_log: dict[str, int] = field(default_factory=dict)


def make_province(folder: Path, *, day: date, seed: int = DEMO_SEED, organisations: int = 30, scale: float = 1.0,
                  progress: Progress = silent) -> Province:  # fmt: skip
    """Write ``folder/<organisation>/{made.pcap, zeek/*.log}`` for the day (UTC) and a list of indicators.

    One organisation of the thirty is silent: it has no files.
    ``scale`` multiplies what people do, not what is planted. The same arguments write the same bytes. A day that is
    over keeps clear of clocks that run ahead.
    """
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    made, planted = [], []
    packets, size, counts = 0, 0, Counter[str]()
    everyone = _organisations(organisations)
    for i, organisation in enumerate(everyone):
        if organisation.id == SILENT:
            made.append(organisation)
            continue
        sensor = _sensor(organisation, seed, i)
        working_day(sensor, midnight, scale)
        planted += [plant(sensor, midnight) for k, plant in enumerate(PLANTS) if _place(k, len(everyone)) == i]
        planted += [shared(sensor, midnight)] if i in _shared_in(len(everyone)) else []
        files = _write(sensor, folder / organisation.id)
        made.append(with_files(organisation, files))
        packets += len(sensor.talk.packets)
        counts.update({log: len(lines) for log, lines in sensor.logs.lines.items()})
        size += sum(f.stat().st_size for f in files)
        progress(i + 1, len(everyone), "organisations")
    indicators = folder / f"{LISTED}.txt"
    indicators.write_text(f"# Made for the demonstration.\n{LISTED_DOMAIN}\n{SHARED_DOMAIN}\n{LISTED_NETWORK}\n")
    return Province(folder, day, tuple(made), tuple(planted), indicators, packets, counts.total(), size, dict(counts))


def _organisations(count: int) -> list[Organisation]:
    if count < 1:
        raise ValueError("a province has at least one organisation")
    return organisations(count)


def _place(plant: int, count: int) -> int:
    """The organisation that a story is planted in: spread, so that each has its own while there are enough."""
    return plant * 2 % count if count >= 2 * len(PLANTS) else plant % count


def _shared_in(count: int) -> tuple[int, ...]:
    return SHARED_IN if count > max(SHARED_IN) else tuple(range(min(count, len(SHARED_IN))))


def _sensor(organisation: Organisation, seed: int, i: int) -> Sensor:
    rng = random.Random(f"{seed}/{i}")  # noqa: S311 - made data, not secrets
    return Sensor(organisation, Logs(f"made{i:03d}"), Talk(rng), rng, np.random.default_rng([seed, i]))


def _write(sensor: Sensor, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    capture = folder / CAPTURE
    sensor.talk.write(capture)
    return [capture, *sensor.logs.write(folder / "zeek")]
