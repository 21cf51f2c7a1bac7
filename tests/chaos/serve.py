"""Kill -9 of ``fengsui serve`` in full work, and what is left afterwards.

``python -m tests.chaos.serve [--kills N] [--seed S]``: a made day comes into watched folders part by part while the
platform is killed by SIGKILL at random moments and started again; a person triages alerts in between. Then everything
runs to its end and is compared with an undisturbed run over the same files: ids in, ids out, alerts, and what the
person did. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from collectors.made.province import make_province
from collectors.made.replay import Replay
from tests.support.server import Server

STATES = ("in_progress", "resolved", "false_positive")


def server(folder: Path, replay: Replay) -> Server:
    """A platform in ``folder`` on the replay's watched folders."""
    watched = "".join(
        f'[[watch]]\nfolder = "{w.folder}"\norg = "{w.org}"\nnetwork = "{w.network}"\n' for w in replay.watches()
    )
    return Server(folder, f'indicators = ["{replay.province.indicators}"]\n{watched}')


def triage(server: Server, done: dict[str, tuple[str, str]], r: random.Random) -> bool:
    """Do what an analyst does to one alert; ``done`` holds what was acknowledged. Whether anything was."""
    page = server.ask("/api/v1/alerts?limit=50&state=new&state=in_progress")
    if page and page["items"]:
        alert = r.choice(page["items"])
        state, who = r.choice(STATES), f"person-{r.randrange(100)}"
        answer = server.ask(f"/api/v1/alerts/{alert['id']}", {"state": state, "assignee": who})
        if answer:
            done[alert["id"]] = (answer["state"], answer["assignee"])
    return bool(done)


@dataclass(frozen=True)
class Outcome:
    """Rows and distinct ids by kind; alerts by (org, rule, subject); state, owner and severity by alert id."""

    rows: dict[str, tuple[int, int]]
    alerts: dict[tuple[str, str, str], tuple[int, int, int, int]]
    people: dict[str, tuple[str, str]]
    dead: int


def outcome(folder: Path) -> Outcome:
    """What is in the engines of a platform that does not run; in a process of its own: chDB has one folder in each."""
    raw = subprocess.run([sys.executable, "-m", "tests.chaos.serve", "--outcome", str(folder)], check=True,
                         capture_output=True).stdout  # fmt: skip
    found = msgspec.msgpack.decode(
        raw, type=tuple[dict[str, tuple[int, int]], list[Any], dict[str, tuple[str, str]], int]
    )
    return Outcome(found[0], {tuple(k): tuple(v) for k, v in found[1]}, found[2], found[3])


def _outcome(folder: Path) -> bytes:
    from sqlalchemy import select

    from fengsui.bus.sqlite import SqliteBus
    from fengsui.bus.topics import DEAD, topics
    from fengsui.registry.database import open_registry
    from fengsui.registry.models import alert as a
    from fengsui.schema import EVENTS
    from fengsui.store.chdb import ChdbStore

    store = ChdbStore(folder / "data" / "store")
    rows = {}
    for kind in EVENTS:
        r = store.query(f"SELECT count() AS n, uniqExact(event_id) AS ids FROM {kind}").to_pylist()[0]
        rows[kind] = (r["n"], r["ids"])
    store.close()
    registry = open_registry(f"sqlite:///{folder / 'data' / 'registry.db'}")
    with registry.connect() as db:
        found = db.execute(select(a)).all()
    registry.dispose()
    bus = SqliteBus(folder / "data" / "bus.db", topics())
    dead = sum(bus.ends([DEAD]).values())
    bus.close()
    alerts = [[(r.org, r.rule, r.subject), (r.severity, r.count, r.first_seen, r.last_seen)] for r in found]
    return msgspec.msgpack.encode((rows, alerts, {r.id: (r.state, r.assignee) for r in found}, dead))


@contextmanager
def made(folder: Path, organisations: int) -> Iterator[Any]:
    yield make_province(folder / "input", day=date(2026, 11, 24), organisations=organisations, scale=0.6)


def run(folder: Path, kills: int, seed: int, organisations: int = 4) -> bool:
    """Kill it ``kills`` times; whether everything is as in an undisturbed run."""
    r = random.Random(seed)
    with made(folder, organisations) as province:
        day = Replay(province, folder / "calm-watch", steps=1)
        calm = server(folder / "calm", day)
        day.step(0)
        calm.start()
        calm.settle()
        calm.stop()
        day = Replay(province, folder / "rough-watch", steps=max(2, kills // 2))
        rough = server(folder / "rough", day)
        done: dict[str, tuple[str, str]] = {}
        for i in range(kills):
            day.step(min(day.steps - 1, i // 2))
            rough.start()
            time.sleep(r.uniform(0.5, 9.0))
            triage(rough, done, r)
            if i == kills - 1 and not done:  # it never lived long enough for an alert, and a person must have acted
                rough.wait(lambda: triage(rough, done, r), 120.0)
            time.sleep(r.uniform(0.0, 2.0))
            rough.stop(signal.SIGKILL)
        day.step(day.steps - 1)
        rough.start()
        rough.settle()
        code = rough.stop()
    want, got = outcome(calm.folder), outcome(rough.folder)
    kept = {i: got.people.get(i) for i in done}
    problems = [
        *(["rows"] if got.rows != want.rows or any(n != ids for n, ids in got.rows.values()) else []),
        *(["alerts"] if got.alerts != want.alerts or not got.alerts else []),
        *(["triage"] if kept != done or not done else []), *(["dead letters"] if got.dead != want.dead else []),
        *([f"exit code {code}"] if code else []),
    ]  # fmt: skip
    said = ", ".join(problems) or "as undisturbed"
    rows, ids = (sum(v[i] for v in got.rows.values()) for i in (0, 1))
    print(f"serve    {kills:5} kills  ids in {sum(v[1] for v in want.rows.values()):9,}  rows {rows:9,}  "
          f"ids out {ids:9,}  alerts {len(got.alerts):3}  triaged {len(done):3}  {said}",
          file=sys.stderr, flush=True)  # fmt: skip
    for key in sorted({*want.alerts, *got.alerts}):
        if want.alerts.get(key) != got.alerts.get(key):
            print(f"  {key}: undisturbed {want.alerts.get(key)}, here {got.alerts.get(key)}", file=sys.stderr)
    for i, what in done.items():
        if kept[i] != what:
            print(f"  alert {i}: acknowledged {what}, here {kept[i]}", file=sys.stderr)
    return not problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outcome", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.outcome:
        sys.stdout.buffer.write(_outcome(options.outcome))
        raise SystemExit(0)
    with tempfile.TemporaryDirectory() as place:
        raise SystemExit(0 if run(Path(place), options.kills, options.seed) else 1)
