"""A made day once more, as its sensors would have written it: logs that grow and captures that come, hour by hour.

After the last step every byte of the day is there, so the alerts are those of the day read at once.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from collectors.made.pcap import GLOBAL
from collectors.made.province import Province
from collectors.watch import Watch

DAY = 24 * 3_600_000_000
STAGED = ".staged"  # a hidden folder beside the organisations': what is still to come
SILENCE = 3_600_000_000  # microseconds after which equal endpoints are another connection
LASTING = {"conn": "duration", "dns": "rtt"}  # the column that says when a line was written: after its start


@dataclass(frozen=True)
class _Log:
    """A log in the order in which it is written. ``ends``: its length after each step."""

    staged: Path
    place: Path
    ends: list[int]


class Replay:
    """The files of a made province, put under ``target`` in ``steps`` of equal length. Preparing writes a copy beside.

    A step may be taken again, and a replay begun anew over the same folder: only what is missing is added. ``under``
    is a folder in each organisation's, so that several days can be put into one target.
    """

    def __init__(self, province: Province, target: Path, *, steps: int = 12, under: str = "") -> None:
        self.province, self.target, self.steps, self._under = province, target, steps, under
        day = province.day
        self._midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
        self._logs: list[_Log] = []
        self._captures: list[tuple[int, Path, Path]] = []
        for organisation in province.organisations:
            (target / organisation.id).mkdir(parents=True, exist_ok=True)
            for file in organisation.files:
                self._prepare(file, organisation.id)

    def watches(self) -> list[Watch]:
        """A folder for each organisation, the silent one included."""
        return [Watch(self.target / o.id, o.id, o.network, o.sensor) for o in self.province.organisations]

    def released(self, i: int) -> int:
        """The time of day (microseconds since 1970) reached with step ``i``, which counts from 0."""
        return self._midnight + DAY * (i + 1) // self.steps

    def step(self, i: int) -> None:
        """Add what was written until :meth:`released`; with the last step all."""
        for made in self._logs:
            _grow(made.staged, made.place, made.ends[i])
        for part, staged, place in self._captures:
            if part <= i and staged.exists():
                staged.rename(place)

    def _step_of(self, ts: int) -> int:
        """The step in which something that ended at ``ts`` is there."""
        return min(self.steps - 1, max(0, -(-(ts - self._midnight) * self.steps // DAY) - 1))

    def _prepare(self, file: Path, org: str) -> None:
        place = self.target / org / self._under / file.relative_to(self.province.folder / org)
        staged = self.target / STAGED / org / self._under / place.name
        for folder in (place.parent, staged.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".log":
            self._logs.append(_Log(staged, place, self._order(file, staged)))
        else:
            self._captures += self._split(file, staged, place)

    def _order(self, file: Path, staged: Path) -> list[int]:
        """Write a log's lines in the order in which they end; its length after each step."""
        head, lines = _lines(file)
        lines.sort(key=lambda line: line[0])
        at, positions = len(head), []
        for _, text in lines:
            at += len(text)
            positions.append(at)
        staged.write_bytes(head + b"".join(text for _, text in lines))
        steps = [self._step_of(end) for end, _ in lines]
        counts = [bisect_right(steps, i) for i in range(self.steps)]
        return [positions[n - 1] if n else 0 for n in counts]

    def _split(self, file: Path, staged: Path, place: Path) -> Iterator[tuple[int, Path, Path]]:
        """Write a capture in parts that cut no connection, each no later than its step."""
        packets = list(_packets(file.read_bytes()))
        parts: dict[int, list[bytes]] = {}
        last: dict[int, int] = {}
        for (ts, _, record), end in zip(packets, _ends(packets), strict=True):
            part = self._step_of(end)
            parts.setdefault(part, []).append(record)
            last[part] = ts
        for part, records in parts.items():
            name = f"{file.stem}-{part:02}{file.suffix}"
            if not place.with_name(name).exists():
                staged.with_name(name).write_bytes(GLOBAL + b"".join(records))
                os.utime(staged.with_name(name), (last[part] / 1e6, last[part] / 1e6))  # as its sensor closed it
            yield part, staged.with_name(name), place.with_name(name)


def _grow(staged: Path, place: Path, end: int) -> None:
    """Have ``place`` hold the first ``end`` bytes of ``staged``."""
    there = place.stat().st_size if place.exists() else 0
    if there < end:
        with staged.open("rb") as f, place.open("ab") as out:
            f.seek(there)
            out.write(f.read(end - there))


def _lines(file: Path) -> tuple[bytes, list[tuple[int, bytes]]]:
    """A made log's header, and its lines with the microsecond at which each was written."""
    head, lines = [], []
    column = -1
    for text in file.read_bytes().splitlines(keepends=True):
        if text.startswith(b"#fields"):
            names = text.decode().split()[1:]
            column = names.index(LASTING[file.stem]) if file.stem in LASTING else -1
        if text.startswith(b"#"):
            head.append(text)
            continue
        values = text.split(b"\t")
        lasted = values[column] if column >= 0 else b"-"
        ts = float(values[0]) + (0.0 if lasted == b"-" else float(lasted))
        lines.append((round(ts * 1e6), text))
    return b"".join(head), lines


_Key = tuple[bytes, ...]


def _packets(raw: bytes) -> Iterator[tuple[int, _Key, bytes]]:
    """Time (microseconds), connection and record of each packet of a made capture: Ethernet, IPv4 of 20 bytes."""
    at = len(GLOBAL)
    while at < len(raw):
        seconds, micros, size = struct.unpack_from("<III", raw, at)
        ip = at + 16 + 14
        ports = ip + 20
        one = raw[ip + 12 : ip + 16] + raw[ports : ports + 2]
        other = raw[ip + 16 : ip + 20] + raw[ports + 2 : ports + 4]
        yield seconds * 1_000_000 + micros, (raw[ip + 9 : ip + 10], *sorted((one, other))), raw[at : at + 16 + size]
        at += 16 + size


def _ends(packets: list[tuple[int, _Key, bytes]]) -> list[int]:
    """For each packet, when its connection ends: equal endpoints without an hour's silence."""
    ends = [0] * len(packets)
    later: dict[_Key, tuple[int, int]] = {}  # from behind: the connection's next packet, and its last
    for i in range(len(packets) - 1, -1, -1):
        ts, key, _ = packets[i]
        following, end = later.get(key, (ts, ts))
        ends[i] = end if following - ts <= SILENCE else ts
        later[key] = ts, ends[i]
    return ends
