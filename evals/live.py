"""The platform on Kafka, the native protocol, PostgreSQL and S3 in steady work: what it carries, how long a packet
takes to an alert, and whether memory and lag stay flat.

``python -m evals.live [--minutes M] [--share S] [--kills N] [--json]``. Every role runs as a process of its own on this
machine, beside three engines, and a made province comes into watched folders as its sensors would write it.

1. *carried*: one made day at once, until nothing waits anywhere: events a second.
2. *latency*: a tenth of that; twice a second a capture with one query for a listed domain is put into a folder, and
   the API is asked for the alert on its host: seconds from one to the other.
3. *kills*: the same while a role is killed (SIGKILL) and started again, one after the other, N times each; then with
   two of each, one of which is killed and does not come back.
4. *soak*: ``share`` (a half) of what was carried, for M minutes: each process's resident memory, and what waits.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from collectors.made.pcap import write_packets
from collectors.made.province import Province, make_province
from collectors.made.replay import Replay
from fengsui.schema import EVENTS
from tests.chaos.large import Engines, Seat, engines, rest, say, with_bus

TOKEN = "a-token-for-measuring"
FIRST = date(2026, 9, 1)
ROLES = ("collect", "sink", "detect", "hunt", "situation")
LISTED = "drop.listed-made.example"
PROBE, PROBES = 0.5, "probes"
LOST = 60.0
"""Seconds after which a probe without an alert counts as lost."""
SAMPLE = 10.0
LATENCY, STEADY = 180.0, 20.0
MOVED = 60.0
"""Seconds since a probe's file was written, by its time: it is moved in whole, so nobody waits for more of it."""
STEPS = 960
"""Steps of a made day: a minute and a half each."""
INTERVAL = 1.0


@dataclass
class Rig:
    """Engines and roles at work in ``folder``."""

    folder: Path
    on: Engines
    config: Path
    seats: list[Seat] = field(default_factory=list)
    api: Any = None
    url: str = ""

    def ask(self, path: str) -> Any:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as r:
            return json.loads(r.read())

    def waiting(self) -> int:
        lag: dict[str, int] = with_bus(self.config, lambda bus: bus.lag())
        return sum(lag.values())

    def events(self) -> int:
        from fengsui.config import load
        from fengsui.store.clickhouse import ClickHouseStore

        store = ClickHouseStore(load(self.config))
        n: int = sum(store.query(f"SELECT count() AS n FROM {k}").column(0)[0].as_py() for k in EVENTS)
        store.close()
        return n

    def memory(self) -> dict[str, float]:
        """Resident MB of each process by name."""
        pids = {f"{s.role}-{s.name}": s.process.pid for s in self.seats if s.process is not None}
        pids["api"] = self.api.pid
        return {name: _resident(pid) for name, pid in pids.items()}


def _resident(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def rig(folder: Path, organisations: list[str], network: dict[str, tuple[str, str]], indicators: Path) -> Iterator[Rig]:
    """One broker, the native protocol over chDB, PostgreSQL, MinIO, every role once, and the API."""
    with ExitStack() as stack:
        under = stack.enter_context(engines(folder, 1))
        watched = "".join(f'[[watch]]\nfolder = "{folder / "watch" / o}"\norg = "{o}"\nnetwork = "{network[o][0]}"\n'
                          f'sensor = "{network[o][1]}"\n' for o in organisations)  # fmt: skip
        for o in organisations:
            (folder / "watch" / o).mkdir(parents=True, exist_ok=True)
        config = folder / "fengsui.toml"
        config.write_text(
            f'data = "{folder / "data"}"\nkafka_bootstrap = ["127.0.0.1:{under.brokers[0].port}"]\n'
            f'kafka_partitions = 2\nhunt_interval = {INTERVAL}\nindicators = ["{indicators}"]\n'
            f'clickhouse_url = "{under.clickhouse.url}"\nregistry_url = "{under.postgres.url("postgres")}"\n'
            f'blobs_url = "{under.minio.bucket()}"\n{watched}'
        )
        it = Rig(folder, under, config)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["fengsui.cli.roles", "fengsui.bus.kafka", "fengsui.store.clickhouse",
                                        "fengsui.store.native", "fengsui.blobs_s3", "psycopg", "boto3"])  # fmt: skip
        with_bus(config, lambda bus: None)
        it.seats = [Seat(context, config, r, "0") for r in ROLES]
        for s in it.seats:
            stack.callback(s.kill)
            s.start()
        words = [sys.executable, "-m", "fengsui.cli", "api", "--config", str(config), "--port", "0"]
        log = (folder / "api.log").open("wb")
        it.api = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, env=os.environ | {"FENGSUI_TOKEN": TOKEN})
        stack.callback(it.api.wait, 30)
        stack.callback(it.api.terminate)
        line = it.api.stdout.readline().decode()
        if "http" not in line:
            raise SystemExit(f"the API did not start:\n{(folder / 'api.log').read_text()[-2000:]}")
        it.url = line[line.index("http") :].split("/?")[0].strip()
        yield it


class Probes(threading.Thread):
    """Puts captures into a folder and looks for their alerts, until it is stopped."""

    def __init__(self, on: Rig) -> None:
        super().__init__(daemon=True)
        self._on, self._stop_it = on, threading.Event()
        self.sent: dict[str, float] = {}
        self.took: dict[str, float] = {}
        self.faults: list[str] = []

    def run(self) -> None:
        due = time.time()
        while not self._stop_it.is_set():
            if time.time() >= due and not self._ending:
                self._send()
                due += PROBE
            self._look()
            time.sleep(0.05)

    _ending = False

    def end(self) -> None:
        """Send no more; wait for those that are on their way."""
        self._ending = True
        end = time.time() + LOST
        while len(self.took) < len(self.sent) and time.time() < end:
            time.sleep(0.2)
        self._stop_it.set()
        self.join()

    def _send(self) -> None:
        n = int.from_bytes(os.urandom(3), "big")
        host = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        folder = self._on.folder / "watch" / PROBES
        now = time.time()
        made = folder / f".{n}.pcap"
        write_packets(made, [(int(now * 1e6), _query(host, LISTED))])
        os.utime(made, (now - MOVED, now - MOVED))
        self.sent[f"host:{host}"] = time.time()
        made.rename(folder / f"{n}.pcap")

    def _look(self) -> None:
        try:
            page = self._on.ask(f"/api/v1/alerts?org={PROBES}&sort=-first_seen&limit=200")
        except OSError as e:
            self.faults.append(str(e))
            return
        now = time.time()
        for a in page["items"]:
            if a["subject"] in self.sent and a["subject"] not in self.took:
                self.took[a["subject"]] = now - self.sent[a["subject"]]

    def report(self) -> dict[str, Any]:
        took = sorted(self.took.values())
        if not took:
            raise SystemExit(f"no probe of {len(self.sent)} has become an alert; {self.faults[-1:]}")
        return {"probes": len(self.sent), "lost": len(self.sent) - len(took), "p50_s": statistics.median(took),
                "p99_s": took[min(len(took) - 1, int(len(took) * 0.99))], "max_s": took[-1],
                "questions_failed": len(self.faults)}  # fmt: skip


def _query(host: str, name: str) -> bytes:
    """A frame with one DNS query."""
    body = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0)
    body += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
    udp = struct.pack(">HHHH", 40000, 53, 8 + len(body), 0) + body
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     bytes(int(p) for p in host.split(".")), bytes((192, 0, 2, 53)))  # fmt: skip
    return bytes.fromhex("0200000000010200000000020800") + ip + udp


class Feed(threading.Thread):
    """Days that come into the folders step by step, evenly over ``seconds``; begins again nowhere: when all is there it
    ends."""

    def __init__(self, days: list[Replay], seconds: float) -> None:
        super().__init__(daemon=True)
        self._days, self._pause = days, seconds / (len(days) * STEPS)
        self._stop_it = threading.Event()

    def run(self) -> None:
        due = time.monotonic()
        for day in self._days:
            for i in range(STEPS):
                due += self._pause
                if self._stop_it.wait(max(0.0, due - time.monotonic())):
                    return
                day.step(i)

    def end(self) -> None:
        self._stop_it.set()
        self.join()


class Days:
    """Made days one after the other, each prepared before it is needed."""

    def __init__(self, folder: Path, organisations: int, scale: float) -> None:
        self._folder, self._organisations, self._scale, self._n = folder, organisations, scale, 0

    def make(self) -> Province:
        self._n += 1
        return make_province(self._folder / f"made-{self._n}", day=FIRST + timedelta(days=self._n),
                             organisations=self._organisations, scale=self._scale)  # fmt: skip

    def replay(self, province: Province) -> Replay:
        return Replay(province, self._folder / "watch", steps=STEPS, under=f"day-{self._n}")


def carried(on: Rig, day: Replay) -> float:
    """Events a second, a whole day at once."""
    began = time.monotonic()
    day.step(STEPS - 1)
    time.sleep(5.0)
    rest(on.config, on.seats, 900.0)
    return on.events() / (time.monotonic() - began - 3.0)  # rest is believed after three seconds of calm


def latency(on: Rig, days: list[Replay], whole: float, seconds: float) -> dict[str, Any]:
    """For ``seconds`` of the ``whole`` that the days take, when the load has become steady."""
    feed, probes = Feed(days, whole), Probes(on)
    feed.start()
    time.sleep(STEADY)
    probes.start()
    time.sleep(seconds)
    feed.end()
    probes.end()
    return probes.report()


def kills(on: Rig, n: int, back: bool) -> list[dict[str, Any]]:
    """Kill each role in turn. ``back``: it is started again at once, under its seat; otherwise a second one is there,
    without a seat in common, and takes over."""
    out = []
    for first in [s for s in on.seats if s.name == "0"]:
        if not back:
            second = Seat(first.context, on.config, first.role, "1")
            second.start()
            on.seats.append(second)
            time.sleep(12.0)
        for _ in range(n):
            probes = Probes(on)
            probes.start()
            time.sleep(3.0)
            first.kill()
            if back:
                first.start()
            time.sleep(6.0)
            probes.end()
            out.append({"role": first.role, **probes.report()})
            say(f"{out[-1]}")
            if not back:
                break
        if not back:  # the roles after it must not find two
            second.kill()
            on.seats.remove(second)
            first.start()
            time.sleep(12.0)
    return out


def soak(on: Rig, days: list[Replay], seconds: float) -> dict[str, Any]:
    feed, probes = Feed(days, seconds), Probes(on)
    before = on.events()
    feed.start()
    probes.start()
    began, samples = time.monotonic(), []
    while time.monotonic() - began < seconds:
        time.sleep(SAMPLE)
        samples.append((time.monotonic() - began, on.waiting(), on.memory()))
        if len(samples) % 12 == 0:
            say(f"{samples[-1][0]:6.0f} s  waiting {samples[-1][1]}  "
                + "  ".join(f"{k} {v:.0f}" for k, v in samples[-1][2].items()))  # fmt: skip
    feed.end()
    probes.end()
    rested = rest(on.config, on.seats, 300.0)
    quarter = max(1, len(samples) // 4)
    parts = [samples[i * quarter : (i + 1) * quarter] for i in range(4)]
    return {
        "seconds": seconds, "events_per_s": (on.events() - before) / seconds, "rest_s": rested,
        "waiting_by_quarter": [max(s[1] for s in p) for p in parts],
        "memory_mb_by_quarter": {k: [round(statistics.mean(s[2].get(k, 0.0) for s in p)) for p in parts]
                                 for k in samples[0][2]},
        "ended_by_itself": {s.role: s.ended for s in on.seats}, **probes.report(),
    }  # fmt: skip


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    days = Days(folder, options.organisations, options.scale)
    province = days.make()
    places = {o.id: (o.network, o.sensor) for o in province.organisations} | {PROBES: ("lan", "probe")}
    first = days.replay(province)
    found: dict[str, Any] = {}
    with rig(folder, list(places), places, province.indicators) as on:
        found["carried_per_s"] = carried(on, first)
        n = on.events()
        say(f"carried {found['carried_per_s']:,.0f} events/s ({n:,} events)")
        found["latency"] = latency(on, [days.replay(days.make())], n / found["carried_per_s"] * 10, LATENCY)
        say(f"latency at a tenth: {found['latency']}")
        if options.kills:
            found["kills"] = kills(on, options.kills, True)
            found["taken_over"] = kills(on, 1, False)
        rate = found["carried_per_s"] * options.share
        seconds = options.minutes * 60
        wanted = max(1, round(rate * seconds / n))
        say(f"soak: {wanted} days in {seconds:.0f} s")
        found["soak"] = soak(on, [days.replay(days.make()) for _ in range(wanted)], seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--share", type=float, default=0.5, help="of what was carried, in the soak")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--organisations", type=int, default=30)
    parser.add_argument("--scale", type=float, default=1.0, help="size of a made day")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        where = options.folder or Path(place)
        where.mkdir(parents=True, exist_ok=True)
        found = measure(where, options)
    print(json.dumps(found, indent=None if options.json else 1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
