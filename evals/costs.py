"""What an event takes at every stage, on one core: the figures that ``fengsui size`` computes from.

``python -m evals.costs [--organisations N] [--json]``: a made day goes through each stage alone, on embedded engines,
and the CPU time of the process is taken. Bytes are those on the bus and, after merges, in the store.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from collectors.collector import Collector
from collectors.made.province import make_province
from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.cli.platform import Platform
from fengsui.config import Settings
from fengsui.pipeline import Worker, drain
from fengsui.schema import EVENTS
from fengsui.store.chdb import ChdbStore


def measure(folder: Path, organisations: int) -> dict[str, float]:
    """Microseconds of CPU and bytes an event."""
    province = make_province(folder / "input", day=date(2026, 11, 24), organisations=organisations)
    settings = Settings(data=folder / "data", indicators=(province.indicators,))
    out: dict[str, float] = {}
    with Platform(settings) as p:
        hunts = p.open_hunts(0)
        found = [(s, Identity(o.id, o.network, o.sensor)) for o in province.organisations
                 for s in sources_of(province.folder / o.id, settings, p.blobs)]  # fmt: skip
        session = p.bus.source("collect/0")
        worker = Worker(Collector(found, session.mark), session)

        def cpu(stage: str, run: Callable[[], object]) -> None:
            began = time.process_time()
            run()
            out[f"{stage}_us"] = time.process_time() - began

        cpu("collect", lambda: drain([worker], p.clock))
        worker.close()
        bus = sqlite3.connect(f"file:{settings.data / 'bus.db'}?mode=ro", uri=True)
        (sent,) = bus.execute("SELECT sum(length(value)) FROM message WHERE topic LIKE 'events.%'").fetchone()
        bus.close()
        cpu("detect", lambda: drain(p.detectors, p.clock))
        cpu("sink_and_store", lambda: drain(p.writers, p.clock))
        cpu("hunt", lambda: drain(hunts, p.clock))
        cpu("fold", lambda: drain([*p.writers, *p.folds], p.clock))
        assert isinstance(p.store, ChdbStore)
        for kind in EVENTS:
            p.store.command(f"OPTIMIZE TABLE {kind} FINAL")
        n = sum(p.store.query(f"SELECT count() AS n FROM {k}").column(0)[0].as_py() for k in EVENTS)
        disk = p.store.query("SELECT sum(bytes_on_disk) AS b FROM system.parts WHERE active AND table IN "
                             f"({', '.join(repr(k) for k in EVENTS)})").column(0)[0].as_py()  # fmt: skip
        alerts = len(p.alerts(below=True))
    shares = {k: v * 1e6 / n for k, v in out.items()}
    sizes = {"bus_bytes": sent / n, "store_bytes": disk / n, "alerts_per_million": alerts * 1e6 / n}
    return {"events": n, **shares, **sizes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organisations", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measure(Path(place), options.organisations)
    print(json.dumps(found, indent=1) if options.json else "\n".join(f"{k:20} {v:12,.1f}" for k, v in found.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
