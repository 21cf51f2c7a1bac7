"""The whole path with small detectors: a window hunt that counts flows, a slice hunt, a batch detector."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from collectors.collector import Collector
from collectors.source import Piece
from detectors.roles import DetectRole, SliceRole, WindowRole
from detectors.slicing import SLICE, parameters
from fengsui.batch import Batch, Identity, build
from fengsui.bus.protocol import Message
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import FINDINGS, STORED, events, topics
from fengsui.config import Settings
from fengsui.finding import Conclusion, Detection, Evidence, Rule, hour
from fengsui.ids import event_ids
from fengsui.jsonform import ip_text
from fengsui.pipeline import Worker, drain
from fengsui.registry.database import open_registry
from fengsui.schema import FLOW
from fengsui.sink import Sink
from fengsui.store.chdb import ChdbStore
from situation.fold import Fold

HOUR = 3_600_000_000
BUSY = Rule("busy", "1", "attack/scanning")
LISTED = Rule("listed", "1", "attack/other")
SEEN = Rule("seen", "1", "attack/other")


class BusyHosts:
    """Sources with ten flows or more within two hours."""

    name, kinds, rules, hours = "busy", ("flow",), (BUSY,), 1

    def worth(self, query, sites, span):
        return sites

    def run(self, query, org, network, windows):
        return ((w, self._window(query, org, network, w)) for w in windows)

    def _window(self, query, org, network, window):
        sql = """SELECT src_ip, toInt64(toUnixTimestamp(toStartOfHour(ts))) * 1000000 AS hour, count() AS n,
                 toUnixTimestamp64Micro(min(ts)) AS first, toUnixTimestamp64Micro(max(ts)) AS last FROM flow
                 WHERE org = {org:String} AND network = {network:String} AND NOT clock_ahead
                 AND ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC')
                 AND ts < fromUnixTimestamp64Micro({end:Int64}, 'UTC') GROUP BY src_ip, hour"""
        rows = query(sql, {"org": org, "network": network, "start": window.start, "end": window.end}).to_pylist()
        by_source: dict[bytes, list[dict]] = {}
        for r in rows:
            by_source.setdefault(r["src_ip"], []).append(r)
        out = []
        for source, mine in sorted(by_source.items()):
            n = sum(r["n"] for r in mine)
            if n >= 10:
                out.append((BUSY, Conclusion(
                    f"host:{ip_text(source)}", 4 if n >= 100 else 3, 80, {"n": n}, {"connections": n},
                    min(r["first"] for r in mine), max(r["last"] for r in mine),
                    {r["hour"]: r["n"] for r in mine})))  # fmt: skip
        return out


class ListedHosts:
    """Flows to one destination."""

    name, kinds, rules = "listed", ("flow",), (LISTED,)

    def __init__(self, destination: bytes) -> None:
        self._destination = destination

    def run(self, query, part):
        sql = """SELECT org, network, src_ip, origin, `offset`,
                 toInt64(toUnixTimestamp(toStartOfHour(ts))) * 1000000 AS hour,
                 count() AS n, toUnixTimestamp64Micro(min(ts)) AS first, toUnixTimestamp64Micro(max(ts)) AS last
                 FROM flow WHERE """ + SLICE + """
                 AND dst_ip = {ip:IPv6} GROUP BY org, network, src_ip, origin, `offset`, hour"""
        values = {**parameters(part), "ip": ip_text(self._destination)}
        groups: dict[tuple, list[dict]] = {}
        for r in query(sql, values).to_pylist():
            key = (r["org"], r["network"], r["src_ip"], r["origin"], r["offset"])
            groups.setdefault(key, []).append(r)
        return [
            Detection(LISTED, org, network, Conclusion(
                f"host:{ip_text(source)}", 5, 90, {}, {}, min(r["first"] for r in mine), max(r["last"] for r in mine),
                {r["hour"]: r["n"] for r in mine}, origin=origin, unit=f"{part.topic}/{part.partition}/{offset}"))
            for (org, network, source, origin, offset), mine in sorted(groups.items())
        ]  # fmt: skip


class SeenPort:
    """A batch detector: flows to port 4444."""

    name, kinds, rules = "seen", ("flow",), (SEEN,)

    def detect(self, batch, unit, read_blob):
        out = {}
        ports = batch.column("dst_port").to_pylist()
        for i, port in enumerate(ports):
            if port == 4444:
                row = {n: batch.column(n)[i].as_py() for n in ("org", "network", "src_ip", "origin", "event_id")}
                ts = batch.column("ts").cast(pa.int64())[i].as_py()
                out.setdefault((row["org"], row["network"], row["src_ip"], row["origin"]), []).append((ts, row))
        found = []
        for (org, network, source, origin), rows in sorted(out.items()):
            hours: dict[int, int] = {}
            for ts, _ in rows:
                hours[hour(ts)] = hours.get(hour(ts), 0) + 1
            found.append(Detection(SEEN, org, network, Conclusion(
                f"host:{ip_text(source)}", 3, 70, {}, {}, min(t for t, _ in rows), max(t for t, _ in rows), hours,
                evidence=(Evidence("flow", rows[0][0], rows[0][1]["event_id"]),), origin=origin,
                unit=unit)))  # fmt: skip
        return found


class MadeSource:
    """A source of made flows: the same rows every time, in pieces, from a seed."""

    kind, resumes = "made", False

    def __init__(self, name: str, start: int, n: int, *, seed: int = 1, piece: int = 500, every: int = 1_000_000,
                 version: str = "1", break_at: int | None = None) -> None:  # fmt: skip
        self.place, self._start, self._n, self._seed = name, start, n, seed
        self._piece, self._every, self._version, self.break_at = piece, every, version, break_at
        self.read = 0

    def origin(self) -> str:
        return f"made-{self.place}"

    def digest(self) -> str:
        return self._version

    def continues(self, position: int, seal: str) -> bool:
        return True

    def pieces(self, identity: Identity, position: int | None) -> Iterator[Piece]:
        r = np.random.default_rng(self._seed)
        for at in range(0, self._n, self._piece):
            if self.break_at is not None and at >= self.break_at:
                raise KeyboardInterrupt("killed here")
            self.read += 1
            n = min(self._piece, self._n - at)
            yield Piece((made(r, identity, self._start + at * self._every, n, self._every),))


def made(r: np.random.Generator, identity: Identity, start: int, n: int, every: int) -> Batch:
    uids = r.integers(0, 256, (n, 16), dtype=np.uint8)
    uids[:, :8] ^= np.frombuffer(identity.origin.encode().ljust(8)[-8:], np.uint8)
    source, target = r.integers(1, 30, n), r.integers(1, 60, n)
    columns = {
        "ts": start + every * np.arange(n, dtype=np.int64), "uid": uids,
        "event_id": event_ids(uids, "flow", np.zeros(n, np.uint32)),
        "src_ip": [bytes(10) + b"\xff\xff\x0a\0\0" + bytes([i]) for i in source],
        "dst_ip": [bytes(10) + b"\xff\xff\xcb\0\x71" + bytes([i]) for i in target],
        "dst_port": np.where(r.integers(0, 400, n) == 0, 4444, 443).astype(np.uint16), "proto": ["tcp"] * n,
    }  # fmt: skip
    return build(FLOW, identity, columns, n)


QUIET_ROUNDS = 2
"""Times in a row that nothing must be left: a hunt waits until its topic is quiet, and then has work."""
LONGEST = 120.0
"""Seconds after which what does not come to rest is a failure."""
TARGET = bytes(10) + b"\xff\xff\xcb\0\x71" + bytes([7])


def small(folder: Path, partitions: int, max_bytes: int) -> tuple[Any, Any, Any]:
    """Bus, store and registry on the embedded engines."""
    store = ChdbStore(folder / "store")
    store.migrate()
    bus = SqliteBus(folder / "bus.db", topics(partitions), max_bytes=max_bytes)
    return bus, store, open_registry(f"sqlite:///{folder / 'registry.db'}")


USED = ("events.flow", "events.dns", "findings", "stored", "alerts", "dead")


class Large:
    """Bus, store and registry on Kafka, the native protocol and PostgreSQL; a folder is always the same ones."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[str, Any, str]] = {}

    def __call__(self, folder: Path, partitions: int, max_bytes: int) -> tuple[Any, Any, Any]:
        from fengsui.bus.kafka import KafkaBus
        from fengsui.store.clickhouse import ClickHouseStore
        from tests.support.kafka import bootstrap
        from tests.support.native import Endpoint
        from tests.support.postgres import database

        if folder not in self._known:
            self._known[folder] = f"{secrets.token_hex(4)}.", Endpoint(folder), database()
        prefix, endpoint, url = self._known[folder]
        store = ClickHouseStore(Settings(clickhouse_url=endpoint.url))
        store.migrate()
        wanted = [t for t in topics(partitions) if t.name in USED]
        bus = KafkaBus({"bootstrap_servers": bootstrap(), "retry_backoff_ms": 5}, wanted, prefix=prefix)
        return bus, store, open_registry(url)

    def close(self) -> None:
        for _, endpoint, _ in self._known.values():
            endpoint.close()


class WholePath:
    """Every role on one bus, store and registry in ``folder``; ``interval`` is the hunts'."""

    def __init__(self, folder: Path, *, partitions: int = 1, interval: float = 0,
                 clock: Callable[[], float] = lambda: 1_800_000_000.0, max_bytes: int = 2_000_000_000,
                 engines: Callable[[Path, int, int], tuple[Any, Any, Any]] = small) -> None:  # fmt: skip
        self.folder, self.clock = folder, clock
        self.bus, self.store, self.registry = engines(folder, partitions, max_bytes)
        p = self.bus.partitions
        self.sink = self._worker(Sink(self.store, self.bus.bus_id, p, lambda: 0.0),
                                 [events("flow"), events("dns"), FINDINGS])  # fmt: skip
        self.detect = self._worker(DetectRole(SeenPort(), lambda _: None, p), [events("flow")])
        self.windows = self._worker(WindowRole(BusyHosts(), self.store.query, p, interval), [STORED])
        self.slices = self._worker(SliceRole(ListedHosts(TARGET), self.store.query, p, interval), [STORED])
        self.fold = self._worker(Fold(self.registry), [FINDINGS])

    def _worker(self, role, read: Sequence[str]) -> Worker:
        return Worker(role, self.bus.member(role.name, read, instance="0"))

    def collect(self, *sources: MadeSource, org: str = "org", again: bool = False) -> Collector:
        """Send these sources whole; nothing behind the bus runs."""
        session = self.bus.source("collect")
        identity = Identity(org, "net", "sensor")
        collector = Collector([(s, identity) for s in sources], session.mark, again=again)
        try:
            drain([Worker(collector, session)], self.clock)
        finally:
            session.close()
        return collector

    def settle(self) -> None:
        self.drain(self.sink, self.detect)
        self.drain(self.windows, self.slices)
        self.drain(self.sink, self.fold)

    def drain(self, *workers: Worker) -> None:
        """Step these until nothing is left for them; what is on its way is waited for."""
        groups = [w.role.name for w in workers]
        quiet, end = 0, time.monotonic() + LONGEST
        while quiet < QUIET_ROUNDS:
            drain(workers, self.clock)
            lag = self.bus.lag()
            assert time.monotonic() < end, f"it does not come to rest: {lag}"
            quiet = quiet + 1 if not any(lag[g] for g in groups) else 0
            if quiet < QUIET_ROUNDS and not isinstance(self.bus, SqliteBus):
                self.bus.wait(0.05)

    def read(self, group: str, topic: str, n: int) -> list[Message]:
        """The first n messages of a topic."""
        member, out = self.bus.member(group, [topic]), []
        end = time.monotonic() + 20
        while len(out) < n and time.monotonic() < end:
            out += member.read(n, 0.1)
        member.close()
        return out

    def rows(self) -> tuple[int, int]:
        """Rows of flows, and distinct ids among them."""
        r = self.store.query("SELECT count() AS n, uniqExact(event_id) AS ids FROM flow").to_pylist()[0]
        return r["n"], r["ids"]

    def alerts(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        """(org, rule, subject) to (severity, count, first seen, last seen)."""
        with self.registry.connect() as db:
            rows = db.exec_driver_sql("SELECT org, rule, subject, severity, count, first_seen, last_seen FROM alert")
            return {(r[0], r[1], r[2]): (r[3], r[4], r[5], r[6]) for r in rows}

    def close(self) -> None:
        for w in (self.sink, self.detect, self.windows, self.slices, self.fold):
            w.close()
        self.bus.close()
        self.registry.dispose()
        self.store.close()
