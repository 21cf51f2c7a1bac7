"""The API under load, on a platform that takes in events meanwhile: what a reader of the queue waits.

``python -m evals.serve [--folder DIR] [--events N] [--alerts N] [--seconds S] [--json]``. Fills a data folder (or takes
one that was filled before), starts ``fengsui serve`` on it, and measures: ingest alone, reading alone, both together.
Requests come at fixed times whether or not the one before was answered, and wait from the time they were due.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evals.serve_http import Connections, listen
from evals.serve_seed import batches, seed
from fengsui.batch import MAX_ROWS
from fengsui.bus.protocol import Commit
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import topics
from fengsui.wire import event_outputs

TOKEN = "a-token-for-measuring"
LISTS = ("", "?state=new&state=in_progress", "?sort=-last_seen", "?severity=5", "?org=made-qingwu&state=new",
         "?rule=beacon", "?city=ningbo", "?sort=-count&limit=100", "?severity_min=4&sort=-first_seen",
         "?domain=network&below=true")  # fmt: skip


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """``fengsui serve`` on ``folder``; its URL."""
    words = [sys.executable, "-m", "fengsui.cli", "serve", "--data", str(folder), "--port", "0"]
    log = (folder / "serve.log").open("wb")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, env=os.environ | {"FENGSUI_TOKEN": TOKEN})
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if "http" not in line:
            raise SystemExit(f"serve did not start; see {folder / 'serve.log'}")
        yield line[line.index("http") :].split("/?")[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


def feed(folder: Path, rows_a_second: int, stop: Any) -> None:
    """Send messages of 50,000 flows as a collector in another process would, at a fixed rate."""
    bus = SqliteBus(folder / "bus.db", topics())
    session = bus.source("collect/feed")
    made = [next(iter(event_outputs(b, "0"))) for b in batches(4, int(time.time() * 1e6) - 3_600_000_000)]
    due, i = time.monotonic(), 0
    while not stop.is_set():
        again = made[i % 4]
        headers = dict(again.headers) | {"batch_id": f"{random.getrandbits(128):032x}"}
        session.commit(Commit([type(again)(again.topic, again.key, again.value, headers)]))
        i += 1
        due += MAX_ROWS / rows_a_second
        time.sleep(max(0.0, due - time.monotonic()))
    session.close()
    bus.close()


def stored(folder: Path) -> int:
    """Rows of flows that the sink has committed."""
    db = sqlite3.connect(f"file:{folder / 'bus.db'}?mode=ro", uri=True)
    (n,) = db.execute("SELECT coalesce(sum(next), 0) FROM position WHERE grp='sink' AND topic='events.flow'").fetchone()
    db.close()
    return int(n) * MAX_ROWS


class Load:
    """Readers of the queue: ``rate`` lists and a tenth as many details a second, some triage, and open streams."""

    def __init__(self, url: str, rate: float, streams: int, seconds: float) -> None:
        self._at = urlsplit(url)
        self._rate, self._streams, self._seconds = rate, streams, seconds
        self.waits: dict[str, list[float]] = {"list": [], "detail": [], "facets": [], "stats": [], "heard": []}
        self.failed: list[str] = []
        self._said: dict[str, float] = {}
        self._ids: list[str] = []
        self._cursors: list[str] = []

    async def run(self) -> None:
        host, port = self._at.hostname or "", self._at.port or 80
        pool = Connections(host, port, TOKEN)
        first = json.loads(await pool.get("/api/v1/alerts?limit=200"))
        self._ids, self._cursors = [a["id"] for a in first["items"]], [f"?limit=200&cursor={first['next']}"]
        ears = [asyncio.create_task(listen(host, port, TOKEN, self._heard)) for _ in range(self._streams)]
        await asyncio.sleep(1.0)
        jobs = []
        began = time.perf_counter()
        for i in range(int(self._seconds * self._rate)):
            due = began + i / self._rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            path = random.choice([*LISTS, *self._cursors])
            jobs.append(asyncio.create_task(self._one(pool, "list", f"/api/v1/alerts{path}", due)))
            if i % 10 == 0:
                jobs.append(
                    asyncio.create_task(self._one(pool, "detail", f"/api/v1/alerts/{random.choice(self._ids)}", due))
                )
            if i % 25 == 0:
                jobs.append(asyncio.create_task(self._one(pool, "facets", "/api/v1/alerts/facets?state=new", due)))
                jobs.append(asyncio.create_task(self._one(pool, "stats", "/api/v1/stats", due)))
            if i % 50 == 25:
                jobs.append(asyncio.create_task(self._say(pool, f"said {i}")))
        await asyncio.gather(*jobs)
        await asyncio.sleep(1.0)
        for e in ears:
            e.cancel()
        await pool.close()

    async def _one(self, pool: Connections, what: str, path: str, due: float) -> None:
        try:
            await pool.get(path)
        except (OSError, RuntimeError) as e:
            self.failed.append(f"{path}: {e}")
        self.waits[what].append(time.perf_counter() - due)

    async def _say(self, pool: Connections, text: str) -> None:
        self._said[text] = time.perf_counter()
        await pool.get(f"/api/v1/alerts/{random.choice(self._ids)}", "PATCH", {"comment": text})

    def _heard(self, event: dict[str, Any]) -> None:
        at = self._said.get(event["body"].get("comment", ""))
        if at is not None:
            self.waits["heard"].append(time.perf_counter() - at)

    def table(self) -> dict[str, Any]:
        """Milliseconds: median, 99 of 100, and the most."""
        return {what: {"n": len(w), "p50": _ms(statistics.median(w)), "p99": _ms(sorted(w)[int(len(w) * 0.99)]),
                       "max": _ms(max(w))} for what, w in self.waits.items() if w} | {
                    "failed": len(self.failed)}  # fmt: skip


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    out: dict[str, Any] = {}
    with serving(folder) as url:
        time.sleep(options.settle)

        def together(*, ingest: bool, read: bool) -> dict[str, Any]:
            stop = context.Event()
            feeder = context.Process(target=feed, args=(folder, options.ingest, stop)) if ingest else None
            if feeder is not None:
                feeder.start()
                time.sleep(5.0)
            before, began = stored(folder), time.monotonic()
            found: dict[str, Any] = {}
            if read:
                load = Load(url, options.rate, options.streams, options.seconds)
                asyncio.run(load.run())
                found = load.table() | {"first_failures": load.failed[:3]}
            else:
                time.sleep(options.seconds)
            if feeder is not None:
                found["rows_a_second"] = round((stored(folder) - before) / (time.monotonic() - began))
                stop.set()
                feeder.join()
            return found

        out["read alone"] = together(ingest=False, read=True)
        out["ingest alone"] = together(ingest=True, read=False)
        time.sleep(options.settle)
        out["both"] = together(ingest=True, read=True)
    out["ingest kept"] = round(out["both"]["rows_a_second"] / max(1, out["ingest alone"]["rows_a_second"]), 3)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--settle", type=float, default=15.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--ingest", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place)
        if not (folder / "registry.db").exists():
            seed(folder, options.events, options.alerts, int(time.time() * 1e6))
        found = measure(folder, options)
    print(json.dumps(found, indent=1) if options.json else _shown(found))
    return 0


def _shown(found: dict[str, Any]) -> str:
    out = []
    for phase, values in found.items():
        if not isinstance(values, dict):
            out.append(f"{phase}: {values}")
            continue
        for what, v in values.items():
            text = ", ".join(f"{k} {x:,}" for k, x in v.items()) if isinstance(v, dict) else v
            out.append(f"{phase:13} {what:14} {text}")
    return "\n".join(out)


if __name__ == "__main__":
    raise SystemExit(main())
