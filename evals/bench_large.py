"""Speed from Kafka to ClickHouse's native protocol: flow rows a second through the real sink, and its CPU a row.

``python -m evals.bench_large [--rows N] [--profile] [--json]``. Starts a broker, and the endpoint of the tests, which
speaks the protocol over chDB in a process of its own: its cost is not the sink's, but on few cores it takes its share
of the time. Also what the driver's usual way in (Python lists, one column at a time) costs on the same rows.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from evals.bench_sink import flows
from fengsui.batch import MAX_ROWS
from fengsui.bus.kafka import KafkaBus
from fengsui.bus.protocol import Commit, Place
from fengsui.bus.topics import events, topics
from fengsui.config import Settings
from fengsui.pipeline import Worker
from fengsui.sink import Sink
from fengsui.store.clickhouse import ClickHouseStore
from fengsui.wire import event_outputs
from tests.support.kafka import bootstrap
from tests.support.native import Endpoint

QUIET = 10
"""Steps in a row without work after which all has been read."""


def measure(rows: int, profile: bool) -> dict[str, Any]:
    """Fill Kafka, then time the sink alone until all is committed."""
    blocks = max(1, rows // MAX_ROWS)
    made = [flows(MAX_ROWS, seed) for seed in range(min(blocks, 4))]
    outputs = [list(event_outputs(b, "0")) for b in made]
    with tempfile.TemporaryDirectory() as place:
        endpoint = Endpoint(Path(place) / "server")
        store = ClickHouseStore(Settings(clickhouse_url=endpoint.url))
        store.migrate()
        client = {"bootstrap_servers": bootstrap(), "retry_backoff_ms": 5}
        bus = KafkaBus(client, topics(1), prefix=f"{secrets.token_hex(4)}.")
        source = bus.source("bench")
        began = time.perf_counter()
        for i in range(blocks):
            source.commit(Commit(outputs[i % len(outputs)]))
        sent = time.perf_counter() - began
        member = bus.member("sink", [events("flow")])
        worker = Worker(Sink(store, bus.bus_id, bus.partitions, time.monotonic), member, limit=8)
        while not member.assignment.positions:
            worker.step(time.time(), 0.1)
        spent = cProfile.Profile() if profile else None
        began, cpu = time.perf_counter(), time.process_time()
        if spent is not None:
            spent.enable()
        ended, quiet = began, 0
        while quiet < QUIET:
            busy = worker.step(time.time(), 0.1)
            quiet = 0 if busy else quiet + 1
            ended = time.perf_counter() if busy else ended
        if spent is not None:
            spent.disable()
            pstats.Stats(spent).sort_stats("tottime").print_stats(18)
        took, took_cpu = ended - began, time.process_time() - cpu
        n = blocks * MAX_ROWS
        there = store.query("SELECT count() AS n FROM flow").column(0)[0].as_py()
        if there != n:
            raise SystemExit(f"{there} rows in the store, {n} were sent")
        lists = _lists(endpoint, store, made[0])
        worker.close()
        bus.close()
        store.close()
        endpoint.close()
    return {"rows": n, "sent_rows_per_s": n / sent, "sink_rows_per_s": n / took,
            "sink_cpu_us_per_row": took_cpu / n * 1e6, "driver_lists_cpu_us_per_row": lists[0],
            "arrow_columns_cpu_us_per_row": lists[1]}  # fmt: skip


def _lists(endpoint: Endpoint, store: ClickHouseStore, batch: Any) -> tuple[float, float]:
    """CPU a row of one insert: by the driver with lists of Python values, and by our columns."""
    from clickhouse_driver import Client

    names = batch.rows.schema.names
    client = Client("127.0.0.1", port=endpoint.port, database="default", compression="lz4")
    sql = f"INSERT INTO flow ({', '.join(f'`{n}`' for n in names)}) VALUES"
    cpu = time.process_time()
    columns = [_python(batch.rows.column(n)) for n in names]
    client.execute(sql, columns, columnar=True, settings={"insert_deduplicate": 0})
    by_lists = time.process_time() - cpu
    client.disconnect()
    cpu = time.process_time()
    store.insert("flow", batch.rows, Place("alone", 0), 0, "alone/0")
    return by_lists / len(batch) * 1e6, (time.process_time() - cpu) / len(batch) * 1e6


def _python(column: Any) -> list[Any]:
    """Values as the driver takes them."""
    import ipaddress

    values: list[Any] = column.to_pylist()
    if values and isinstance(values[0], bytes) and column.type.byte_width == 16 and values[0][10:12] == b"\xff\xff":
        return [ipaddress.IPv6Address(v) for v in values]
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    r = measure(args.rows, args.profile)
    if args.json:
        print(json.dumps(r))
        return
    print(f"Kafka to the native protocol, {r['rows']:,} flow rows")
    print(f"  sent        {r['sent_rows_per_s']:12,.0f} rows/s   one transaction a message")
    print(f"  sink        {r['sink_rows_per_s']:12,.0f} rows/s   {r['sink_cpu_us_per_row']:.2f} µs of CPU a row")
    lists, columns = r["driver_lists_cpu_us_per_row"], r["arrow_columns_cpu_us_per_row"]
    print(f"  insert      lists {lists:.2f}, Arrow columns {columns:.2f} µs of CPU a row: ratio {lists / columns:.1f}")


if __name__ == "__main__":
    main()
