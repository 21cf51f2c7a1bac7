"""Kill -9 of every role and every engine of a platform on Kafka, ClickHouse, PostgreSQL and S3, and what is left.

``python -m tests.chaos.large [--kills N] [--engine-kills N] [--seed S]``: a made day comes into watched folders part
by part. Five roles run as processes, three brokers, the native protocol over chDB, PostgreSQL and MinIO beside them,
and each is killed by SIGKILL at random moments, all at the same time. Messages that cannot be read come between good
ones. Then a sink is stopped (SIGSTOP) until its partitions have gone to another, and wakes. In the end everything runs
to rest and is compared with an undisturbed run over the same files on embedded engines: rows, ids, dead letters and
alerts, by kind and by subject. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from collectors.made.province import make_province
from collectors.made.replay import Replay
from fengsui.errors import Retry, UsageError
from tests.chaos.serve import Outcome, outcome, server
from tests.support import kafka, minio, native, postgres

LIFE = {"collect": (0.3, 3.5), "sink": (0.5, 4.0), "detect": (0.5, 3.5), "hunt": (1.5, 9.0), "situation": (0.5, 4.5)}
"""Seconds that a role lives at least and at most before it is killed: from its first connection to full work."""
REST = 180.0
"""Seconds in which everything must come to rest when nothing is killed any more."""
BAD = 7
PAUSES = 2


def life(config: str, role: str, seat: str, log: str) -> None:
    """A role as the command line runs it, in a process that need not load the libraries again."""
    from fengsui.cli import parser
    from fengsui.cli.roles import run

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # it does not outlive who watches it
    try:
        code = run(parser("en").parse_args([role, "--config", config, "--instance", seat]))
    except BaseException as e:  # noqa: BLE001 what ends a process is its exit code and its log
        print(f"ended: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
        code = 1
    os._exit(code)


@dataclass
class Seat:
    """One process of a role; ``kills`` and ``ended`` (by itself) are counted."""

    context: ForkServerContext
    config: Path
    role: str
    name: str
    kills: int = 0
    ended: int = 0
    process: Any = None

    @property
    def log(self) -> Path:
        return self.config.parent / f"{self.role}-{self.name}.log"

    def start(self) -> None:
        args = (str(self.config), self.role, self.name, str(self.log))
        self.process = self.context.Process(target=life, args=args, daemon=True)
        self.process.start()

    def alive(self) -> bool:
        """Start it again if it has ended by itself, as whoever looks after processes does."""
        if self.process is not None and self.process.is_alive():
            return True
        if self.process is not None:
            self.gone()
        self.start()
        return False

    def gone(self) -> None:
        """It has ended by itself."""
        self.ended += 1
        with self.log.open("a") as log:
            log.write(f"ended with {self.process.exitcode}\n")

    def kill(self) -> None:
        if self.process is not None and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.join()
        self.process = None

    def die(self, kills: int, r: random.Random) -> None:
        """Live and be killed so many times."""
        least, most = LIFE[self.role]
        while self.kills < kills:
            self.start()
            end = time.monotonic() + r.uniform(least, most)
            while time.monotonic() < end and self.process.is_alive():
                time.sleep(0.02)
            if not self.process.is_alive():
                self.gone()
                continue
            self.kill()
            self.kills += 1
        say(f"{self.role} has been killed {self.kills} times")


@dataclass
class Engines:
    """What the roles stand on; ``kills`` by name."""

    brokers: list[kafka.Broker]
    clickhouse: native.Endpoint
    postgres: postgres.Server
    minio: minio.Server
    kills: dict[str, int] = field(default_factory=dict)

    def rough(self, kills: int, r: random.Random) -> None:
        """Kill each so many times, one after the other: two of three brokers are there at any time."""
        for _ in range(kills):
            port = self.clickhouse.port
            broker = r.choice(self.brokers)
            for name, end, begin in r.sample([
                ("kafka", broker.kill, lambda b=broker: (b.start(), b.wait())),
                ("clickhouse", self.clickhouse.kill, lambda p=port: self.clickhouse.start(p)),
                ("postgres", self.postgres.kill, self.postgres.start),
                ("minio", self.minio.kill, self.minio.start),
            ], 4):  # fmt: skip
                end()
                time.sleep(r.uniform(0.0, 1.5))
                began = time.monotonic()
                begin()
                say(f"{name} is back after {time.monotonic() - began:.1f} s")
                self.kills[name] = self.kills.get(name, 0) + 1
                time.sleep(r.uniform(0.5, 2.0))


@contextmanager
def engines(folder: Path, brokers: int = 3) -> Iterator[Engines]:
    with ExitStack() as stack:
        cluster = stack.enter_context(kafka.cluster(brokers))
        clickhouse = native.Endpoint(folder / "clickhouse")
        stack.callback(clickhouse.close)
        database = postgres.Server(fsync=True)
        stack.callback(database.close)
        blobs = minio.Server()
        stack.callback(blobs.close)
        yield Engines(cluster, clickhouse, database, blobs)


def settings(folder: Path, day: Replay, on: Engines) -> Path:
    """The settings file of every role."""
    brokers = ", ".join(f'"127.0.0.1:{b.port}"' for b in on.brokers)
    watched = "".join(
        f'[[watch]]\nfolder = "{w.folder}"\norg = "{w.org}"\nnetwork = "{w.network}"\n' for w in day.watches()
    )
    path = folder / "fengsui.toml"
    path.write_text(
        f'data = "{folder / "data"}"\nkafka_bootstrap = [{brokers}]\nkafka_partitions = 3\nkafka_replication = 3\n'
        f'clickhouse_url = "{on.clickhouse.url}"\nregistry_url = "{on.postgres.url("postgres")}"\n'
        f'blobs_url = "{on.minio.bucket()}"\nhunt_interval = 1.0\nindicators = ["{day.province.indicators}"]\n{watched}'
    )
    return path


def with_bus(config: Path, ask: Callable[[Any], Any]) -> Any:
    from fengsui.bus.kafka import connect
    from fengsui.config import load

    bus = connect(load(config))
    try:
        return ask(bus)
    finally:
        bus.close()


def send_bad(config: Path, n: int) -> None:
    """Messages that nobody can read, between those of the collector."""
    from fengsui.bus.protocol import Commit, Output

    def one(i: int) -> None:
        def send(bus: Any) -> None:
            session = bus.source("vandal")
            headers = {"kind": "flow", "version": "1", "batch_id": f"{i:032x}", "op": "insert"} if i % 2 else {}
            output = Output(("events.flow", "events.dns")[i % 2], str(i), b"\x00bad %d" % i, headers)
            session.commit(Commit([output], marks={f"vandal/{i}": b"sent"}))
            session.close()

        if with_bus(config, lambda bus: bus.marks(f"vandal/{i}")) == {}:
            with_bus(config, send)

    for i in range(n):
        again(lambda: one(i))  # noqa: B023 called at once


def feed(config: Path, day: Replay, steps: int, pause: float) -> None:
    """The first part of the day, step by step, and messages that are none."""
    for i in range(steps):
        day.step(i)
        time.sleep(pause)
    began = time.monotonic()
    send_bad(config, BAD)
    say(f"{BAD} bad messages were sent in {time.monotonic() - began:.1f} s")


def again(act: Callable[[], None], seconds: float = 120.0) -> None:
    """Do what may fail while engines are being killed, until it goes through."""
    end = time.monotonic() + seconds
    while True:
        try:
            act()
            return
        except (Retry, UsageError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def rest(config: Path, seats: list[Seat], seconds: float) -> float:
    """Wait until nothing waits anywhere; the seconds it took. Raises TimeoutError."""
    from fengsui.cli import roll

    began, calm = time.monotonic(), 0
    while calm < 3:
        if time.monotonic() - began > seconds:
            tails = "\n".join(f"--- {s.role}-{s.name}\n{s.log.read_text()[-1500:]}" for s in seats)
            waits = with_bus(config, lambda b: {g: n for g, n in b.lag().items() if n})
            roles = with_bus(config, lambda b: [(e.role, e.instance, here, e.facts)
                                                for e, here in roll.read(b, time.time())])  # fmt: skip
            raise TimeoutError(f"no rest in {seconds:.0f} s; lag {waits}; roll {roles}\n{tails}")
        time.sleep(1.0)
        well = all([s.alive() for s in seats])  # noqa: C419 each is looked after, not only the first that has ended

        def look(bus: Any) -> bool:
            there = [e for e, here in roll.read(bus, time.time()) if here and e.role == "collect"]
            return bool(there) and there[0].facts.get("collector") == "idle" and bus.idle()

        calm = calm + 1 if well and with_bus(config, look) else 0
    return time.monotonic() - began


def left(config: Path) -> tuple[Outcome, int]:
    """What is in the engines; and rows of findings that a reader sees twice."""
    from sqlalchemy import select

    from fengsui.config import load
    from fengsui.registry.database import connect, reading
    from fengsui.registry.models import alert
    from fengsui.schema import EVENTS
    from fengsui.store.clickhouse import ClickHouseStore
    from situation import letters

    s = load(config)
    store = ClickHouseStore(s)
    rows = {}
    for kind in EVENTS:
        r = store.query(f"SELECT count() AS n, uniqExact(event_id) AS ids FROM {kind}").to_pylist()[0]
        rows[kind] = (r["n"], r["ids"])
    key = "finding_id, form, rule, org, network, ifNull(window_start, toDateTime64(0, 6)), result_version"
    twice = store.query(f"SELECT count() - uniqExact({key}) AS n FROM finding").column(0)[0].as_py()
    store.close()
    registry = connect(s.registry_url)
    with reading(registry).connect() as db:
        found = db.execute(select(alert)).all()
        dead = sum(letters.counts(db).values())
    registry.dispose()
    alerts = {(r.org, r.rule, r.subject): (r.severity, r.count, r.first_seen, r.last_seen) for r in found}
    return Outcome(rows, alerts, {}, dead), twice


def pause(config: Path, seats: list[Seat], context: ForkServerContext) -> Seat:
    """Stop a sink until its partitions have gone to a second one, and have it wake."""
    second = Seat(context, config, "sink", "1")
    first = next(s for s in seats if s.role == "sink")
    second.start()
    for _ in range(PAUSES):
        first.alive()
        time.sleep(4.0)
        first.alive()
        os.kill(first.process.pid, signal.SIGSTOP)
        time.sleep(14.0)  # its session is over after ten
        os.kill(first.process.pid, signal.SIGCONT)
        time.sleep(2.0)
    return second


def undisturbed(folder: Path, province: Any) -> Outcome:
    day = Replay(province, folder / "calm-watch", steps=1)
    calm = server(folder / "calm", day)
    day.step(0)
    calm.start()
    calm.settle()
    calm.stop()
    return outcome(calm.folder)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(folder: Path, kills: int, engine_kills: int, seed: int, seconds: float = REST, organisations: int = 4) -> bool:
    r, began = random.Random(seed), time.monotonic()
    province = make_province(folder / "input", day=date(2026, 11, 24), organisations=organisations, scale=0.6)
    want = undisturbed(folder, province)
    say(f"undisturbed, on embedded engines: {sum(n for n, _ in want.rows.values()):,} rows, {len(want.alerts)} alerts")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fengsui.cli.roles", "fengsui.bus.kafka", "fengsui.store.clickhouse",
                                    "fengsui.store.native", "fengsui.blobs_s3", "psycopg", "boto3"])  # fmt: skip
    rough = folder / "rough"
    rough.mkdir()
    with engines(rough) as on:
        steps = 20
        day = Replay(province, folder / "rough-watch", steps=steps)
        config = settings(rough, day, on)
        with_bus(config, lambda bus: None)  # topics are made before anything is killed
        seats = [Seat(context, config, role, "0") for role in LIFE]
        try:
            threads = [threading.Thread(target=s.die, args=(kills, random.Random(r.random())), daemon=True)
                       for s in seats]  # fmt: skip
            threads.append(threading.Thread(target=feed, args=(config, day, steps // 2, kills * 0.15), daemon=True))
            for t in threads:
                t.start()
            on.rough(engine_kills, r)  # here: an engine ends with the thread that started it
            for t in threads:
                t.join()
            say(f"killed, after {time.monotonic() - began:.0f} s")
            for s in seats:
                s.start()
            for i in range(steps // 2, steps):
                day.step(i)
            seats.append(pause(config, seats, context))
            took = rest(config, seats, seconds)
            say(f"at rest {took:.0f} s after the last part, {time.monotonic() - began:.0f} s in all")
            got, twice = left(config)
        except BaseException:
            for b in on.brokers:
                say(f"broker {b.node}: {b.state()}\n{(b.folder / 'out').read_text()[-3000:]}")
            raise
        finally:
            for s in seats:
                s.kill()
    return report(want, got, twice, seats, on)


def report(want: Outcome, got: Outcome, twice: int, seats: list[Seat], on: Engines) -> bool:
    say(f"\n{'what':12} {'kills':>6} {'ended by itself':>16}")
    for s in seats:
        say(f"{s.role + '-' + s.name:12} {s.kills:6} {s.ended:16}")
    for name, n in sorted(on.kills.items()):
        say(f"{name:12} {n:6}")
    ids = sum(n for _, n in want.rows.values())
    rows, out = (sum(v[i] for v in got.rows.values()) for i in (0, 1))
    lost = sum(max(0, v[1] - got.rows[k][1]) for k, v in want.rows.items())
    differ = {k for k in {*want.alerts, *got.alerts} if want.alerts.get(k) != got.alerts.get(k)}
    say(f"\nids in {ids:,}  rows {rows:,}  ids out {out:,}  duplicates {rows - out}  lost {lost}  "
        f"findings twice {twice}  dead letters {got.dead} of {want.dead + BAD}  "
        f"alerts {len(got.alerts)} of {len(want.alerts)}, "
        f"{len(differ)} differ")  # fmt: skip
    for key in sorted(differ):
        say(f"  {key}: undisturbed {want.alerts.get(key)}, here {got.alerts.get(key)}")
    return got.rows == want.rows and rows == out and not twice and not differ and got.dead == want.dead + BAD and bool(
        got.alerts)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--engine-kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rest", type=float, default=REST, help="seconds in which all must come to rest at the end")
    parser.add_argument("--folder", type=Path, help="keep everything here, to look at it afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        where = options.folder or Path(place)
        where.mkdir(parents=True, exist_ok=True)
        raise SystemExit(0 if run(where, options.kills, options.engine_kills, options.seed, options.rest) else 1)
