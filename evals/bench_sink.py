"""Speed from the bus into the store: flow rows a second through the real sink, beside chDB alone on the same rows.

``python -m evals.bench_sink [--rows N] [--json]``. Prints rows a second, the sink's CPU a row, and the ratio to chDB
inserting the same Arrow rows by itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from fengsui.batch import MAX_ROWS, Batch, Identity, build, stamp
from fengsui.bus.protocol import Commit, Place
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import events, topics
from fengsui.pipeline import Worker
from fengsui.schema import FLOW
from fengsui.sink import Sink
from fengsui.store.chdb import ChdbStore
from fengsui.wire import event_outputs

DAY = 1_700_006_400_000_000


def flows(n: int, seed: int) -> Batch:
    """Flows with every column filled as traffic fills it."""
    r = np.random.default_rng(seed)
    ids = r.integers(0, 256, (n, 16), dtype=np.uint8)
    hosts = np.zeros((n, 2, 16), np.uint8)
    hosts[:, :, 10:12] = 255
    hosts[:, :, 12] = 10
    hosts[:, :, 13:] = r.integers(0, 64, (n, 2, 3))
    words = r.integers(0, 4, n)
    return stamp(build(FLOW, Identity("org", "net", "sensor", "0" * 64), {
        "ts": DAY + np.sort(r.integers(0, 3_600_000_000, n)), "event_id": ids, "uid": ids[::-1],
        "src_ip": hosts[:, 0], "dst_ip": hosts[:, 1], "src_port": r.integers(1024, 65536, n, dtype=np.uint16),
        "dst_port": r.choice(np.array([53, 80, 443, 22], np.uint16), n), "proto": np.array(["tcp", "udp"])[words % 2],
        "community_id": [f"1:{x}" for x in r.integers(0, 1 << 62, n).astype(str)], "duration": r.random(n),
        "app": np.array(["", "dns", "http", "ssl"])[words], "conn_state": np.array(["SF", "S0", "RSTO", "SHR"])[words],
        "history": np.array(["ShADadFf", "S", "ShADadR", "Dd"])[words],
        **{c: r.integers(0, 5000, n).astype(np.uint64) for c in ("orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts",
                                                                 "orig_ip_bytes", "resp_ip_bytes")},
    }, n), DAY)  # fmt: skip


def measure(rows: int) -> dict[str, Any]:
    """Fill the bus, then time the sink alone until all is committed, and chDB alone with the same rows."""
    blocks = max(1, rows // MAX_ROWS)
    made = [flows(MAX_ROWS, seed) for seed in range(min(blocks, 4))]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bus = SqliteBus(folder / "bus.db", topics(), max_bytes=1 << 62)
        store = ChdbStore(folder / "store")
        store.migrate()
        worker = Worker(Sink(store, bus.bus_id, bus.partitions, time.monotonic),
                        bus.member("sink", [events("flow")]), limit=8)  # fmt: skip
        source = bus.source("bench")
        outputs = [list(event_outputs(b, "0")) for b in made]
        for i in range(blocks):
            source.commit(Commit(outputs[i % len(outputs)]))
        began, cpu = time.perf_counter(), time.process_time()
        while not bus.idle():
            worker.step(time.time())
        sink, sink_cpu = time.perf_counter() - began, time.process_time() - cpu
        n = blocks * MAX_ROWS
        there = store.query("SELECT count() AS n FROM flow").column(0)[0].as_py()
        if there != n:
            raise SystemExit(f"{there} rows in the store, {n} were sent")
        bus.close()
        store.close()
        alone = _alone(folder / "alone", made, blocks)
    return {"rows": n, "sink_rows_per_s": n / sink, "sink_cpu_us_per_row": sink_cpu / n * 1e6,
            "store_alone_rows_per_s": n / alone, "ratio_to_store_alone": alone / sink}  # fmt: skip


def _alone(folder: Path, made: list[Batch], blocks: int) -> float:
    """Seconds for the same rows into a fresh store, without bus and decoding."""
    store = ChdbStore(folder)
    store.migrate()
    began = time.perf_counter()
    for i in range(blocks):
        store.insert("flow", made[i % len(made)].rows, Place("alone", 0), i, f"alone/{i}")
    took = time.perf_counter() - began
    store.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = measure(args.rows)
    if args.json:
        print(json.dumps(result))
        return
    print(f"bus to store, {result['rows']:,} flow rows, decoding and fsync included")
    cpu = result["sink_cpu_us_per_row"]
    print(f"  sink        {result['sink_rows_per_s']:12,.0f} rows/s   {cpu:.2f} µs of CPU a row")
    alone, ratio = result["store_alone_rows_per_s"], result["ratio_to_store_alone"]
    print(f"  chDB alone  {alone:12,.0f} rows/s   ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
