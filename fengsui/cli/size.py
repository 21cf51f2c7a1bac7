"""``fengsui size``: how much of what for a load, computed from measured figures."""

from __future__ import annotations

import argparse
import math

from rich.console import Console
from rich.table import Table

from fengsui.cli.console import json_line
from fengsui.cli.text import text
from fengsui.errors import UsageError

FIGURES = {
    "bus_bytes": 104.0, "store_bytes": 96.0, "collect_us": 13.2, "detect_us": 0.2, "sink_us": 3.2, "store_us": 4.2,
    "hunt_us": 68.0, "situation_us": 3.7, "registry_bytes_per_alert": 7_000.0, "alerts_per_million": 200.0,
}  # fmt: skip
"""What one event of a made day takes, as ``python -m evals.costs`` measures it: bytes on the bus and in the store,
microseconds of one core. The sink's is from Kafka to the native protocol (``evals.bench_large``), the store's that of
sink and store in one process: more than a server needs for the insert. Captures cost a collector more: by packets, not
events. Bytes an alert: a registry of 100,000 (``evals.serve``)."""

ROLES = ("collect", "sink", "detect", "hunt", "situation")
BUSY = 0.6
"""Share of a core that is planned for: beyond it queues grow faster than load (docs/scaling.md)."""
RETENTION_DAYS, REPLICAS = 7, 3
EMBEDDED = 20_000.0
"""Events a second at the peak up to which one process with embedded engines is advised: half of what two cores took in
with the console in use (evals.serve)."""
SHARD = 1_000_000.0
"""Events a second that a shard of the store takes in, with eight cores for inserts and merges."""


def sized(rate: float, days: float, peak: float, organisations: int) -> dict[str, float | int | str]:
    """``rate`` events a second as the mean of a day, ``peak`` times as many in its busiest hour. Bytes, cores, counts.

    Raises ValueError for what is not positive.
    """
    if min(rate, days, peak, organisations) <= 0:
        raise ValueError("every number must be positive")
    f, top = FIGURES, rate * peak
    events = rate * days * 86_400

    def cores(us: float) -> float:
        return top * us / 1e6 / BUSY

    def processes(us: float) -> int:
        return max(2, math.ceil(cores(us)))

    small = top <= EMBEDDED and organisations <= 50
    roles = {r: processes(f[f"{r}_us"]) for r in ROLES}
    replicas = 1 if small else 2
    return {
        "mode": "embedded" if small else "large", "events_at_peak": top, "events_kept": events,
        "partitions": 1 if small else max(8, 2 * max(roles.values())),
        "shards": 1 if small else max(1, math.ceil(top / SHARD)), "store_replicas": replicas,
        **{f"{r}_processes": 1 if small else n for r, n in roles.items()},
        "cores": round(sum(cores(f[f"{r}_us"]) for r in ROLES)
                       + replicas * cores(f["store_us"]), 1),
        "bus_bytes": rate * 86_400 * RETENTION_DAYS * f["bus_bytes"] * (1 if small else REPLICAS),
        "store_bytes": events * f["store_bytes"] * replicas,
        "registry_bytes": events / 1e6 * f["alerts_per_million"] * f["registry_bytes_per_alert"],
        "network_bits": top * f["bus_bytes"] * 8 * (1 if small else REPLICAS + 3),
    }  # fmt: skip


_ROWS = ("size.mode", "size.events_at_peak", "size.events_kept", "size.cores", "size.collect_processes",
         "size.sink_processes", "size.detect_processes", "size.hunt_processes", "size.situation_processes",
         "size.partitions", "size.shards",
         "size.store_replicas", "size.bus_bytes", "size.store_bytes", "size.registry_bytes",
         "size.network_bits")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """0; 3 for a number that is not positive."""
    try:
        found = sized(args.events_per_second, args.days, args.peak, args.organisations)
    except ValueError as e:
        raise UsageError(str(e)) from e
    if args.json:
        print(json_line(found))
        return 0
    table = Table(show_header=False, box=None)
    for row in _ROWS:
        table.add_row(text(row, args.lang), _shown(row.removeprefix("size."), found[row.removeprefix("size.")]))
    out = Console(soft_wrap=True)
    out.print(table)
    out.print(text("size.note", args.lang, busy=BUSY, days=RETENTION_DAYS), style="dim", markup=False)
    return 0


def _shown(name: str, value: float | int | str) -> str:
    if isinstance(value, str):
        return value
    if name.endswith("_bytes"):
        return _unit(value, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))
    if name == "network_bits":
        return _unit(value, 1000, ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"))
    return f"{value:,.1f}" if name == "cores" else f"{value:,.0f}"


def _unit(value: float, step: int, units: tuple[str, ...]) -> str:
    i = 0
    while value >= step and i < len(units) - 1:
        value, i = value / step, i + 1
    return f"{value:,.1f} {units[i]}"
