"""A data folder as large as one asks: events in the store, alerts in the registry through the fold's own functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from collectors.made.organisations import organisations
from detectors.catalogue import rules_folder
from evals.bench_sink import flows
from fengsui.batch import MAX_ROWS, Batch
from fengsui.bus.protocol import Place
from fengsui.finding import Conclusion, Detection, Evidence, Rule, added, hour
from fengsui.jsonform import ip_text
from fengsui.registry.database import open_registry
from fengsui.registry.organisations import load
from fengsui.schema import FLOW
from fengsui.store.chdb import ChdbStore
from situation.fold import apply, refresh

ORGANISATIONS = 30
SPREAD = 20
"""Days over which the made events are spread."""
DAY_US = 86_400_000_000


def rules() -> list[Rule]:
    """The window hunts' rules, as they are shipped."""
    found = []
    for path in sorted((rules_folder(None) / "hunts").glob("*.yaml")):
        r = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.append(Rule(r["id"], "seed", r["category"], r["domain"], tuple(r["techniques"]), r["line"], r["title"],
                          r["text"]))  # fmt: skip
    return found


def batches(n: int, now: int) -> Iterator[Batch]:
    """Messages of 50,000 flows of thirty organisations, over the days before ``now`` (microseconds)."""
    owners = [o.id for o in organisations(ORGANISATIONS)]
    for k in range(n):
        rows = flows(MAX_ROWS, k).rows
        r = np.random.default_rng(k)
        names = list(FLOW.arrow.names)
        day = now - (SPREAD - k * SPREAD // max(1, n)) * DAY_US
        columns = {name: rows.column(name) for name in names}
        ts = day + np.sort(r.integers(0, DAY_US - 3_600_000_000, MAX_ROWS))
        columns["org"] = pa.array(np.array(owners)[r.integers(0, ORGANISATIONS, MAX_ROWS)])
        columns["network"] = pa.array(["lan"] * MAX_ROWS)
        columns["ts"] = pa.array(ts, pa.timestamp("us", tz="UTC"))
        columns["read_at"] = pa.array(np.full(MAX_ROWS, day + DAY_US), pa.timestamp("us", tz="UTC"))
        yield Batch("flow", pa.RecordBatch.from_arrays([columns[c] for c in names], schema=FLOW.arrow))


def detections(n: int, known: list[tuple[str, int, bytes]], now: int) -> Iterator[Detection]:
    """``n`` conclusions, each its own alert, with evidence among the ``known`` events (organisation, ts, id)."""
    r = np.random.default_rng(1)
    have = rules()
    numbers = {"src": "10.0.0.1", "dst": "203.0.113.7", "connections": 100, "interval": 60, "score": 0.9, "tried": 300,
               "proto": "tcp", "dst_port": 445, "port": 22, "service": "SSH", "attempts": 90, "targets": 3,
               "sources": 1,
               "mb": 700, "hours": 5, "names": 800, "domain": "relay.example", "threat": 0.7}  # fmt: skip
    for i in range(n):
        org, ts, event_id = known[int(r.integers(0, len(known)))]
        src = ip_text(bytes(10) + b"\xff\xff\x0a" + (i + 1).to_bytes(3, "big"))
        rule = have[i % len(have)]
        severity = int(r.choice([2, 3, 3, 3, 4, 4, 5]))
        evidence = tuple(Evidence("flow", t, e) for o, t, e in known[i % 50 * 20 : i % 50 * 20 + 20] if o == org)
        yield Detection(rule, org, "lan", Conclusion(
            f"host:{src}", severity, 80, numbers | {"src": src}, numbers | {"parts": [numbers] * 3},
            ts - 600_000_000, ts, {hour(ts): 40}, related=(f"host:198.18.{i % 20_000 // 100}.{i % 100}",),
            evidence=(Evidence("flow", ts, event_id), *evidence),
            filter={"kind": "flow", "where": {"src_ip": src}}, unit=f"seed/{i}"))  # fmt: skip


def seed(folder: Path, events: int, alerts: int, now: int) -> None:
    """Fill ``folder`` (the data folder of a platform that does not run)."""
    store = ChdbStore(folder / "store")
    store.migrate()
    known: list[tuple[str, int, bytes]] = []
    for k, batch in enumerate(batches(events // MAX_ROWS, now)):
        store.insert("flow", batch.rows, Place("events.flow@seed", 0), k, f"events.flow@seed/0/{k}/seed")
        if len(known) < 20_000:
            part = batch.slice(0, 1_000)
            ts = part.column("ts").cast("int64").to_pylist()
            known += zip(part.column("org").to_pylist(), ts, part.column("event_id").to_pylist(), strict=True)
        _tell(f"events {(k + 1) * MAX_ROWS:,}")
    store.close()
    registry = open_registry(f"sqlite:///{folder / 'registry.db'}")
    load(registry, [o.entry() for o in organisations(ORGANISATIONS)])
    chunk: list[Detection] = []
    for i, d in enumerate(detections(alerts, known, now), 1):
        chunk.append(d)
        if len(chunk) == 2_000 or i == alerts:
            with registry.begin() as db:
                refresh(db, apply(db, [added(x, x.rule.id) for x in chunk]), now)
            chunk = []
            _tell(f"alerts {i:,}")
    registry.dispose()


def _tell(what: str) -> None:
    print(f"\rseeding: {what}   ", end="", file=sys.stderr, flush=True)
