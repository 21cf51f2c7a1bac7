"""Kill -9 of each role at random moments, and what is left afterwards.

``python -m tests.chaos.kill [--kills N] [--seed S]``: each role in turn works in a process of its own and is killed
by SIGKILL at a random moment of its work, N times; then everything runs to its end and is compared with an
undisturbed run: ids in, ids out, rows, alerts with their counts. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

ROLES = ("collect", "sink", "detect", "hunt", "fold")
SOURCE_ROWS, PIECE = 6_000, 500
LONGEST = {"collect": 0.6, "sink": 0.8, "detect": 0.4, "hunt": 1.2, "fold": 0.4}


def life(folder: Path, role: str, sources: int, fuse: float | None) -> None:
    """One life of a role's process: it works until nothing is left, or until the fuse (seconds of work) has burnt."""
    from fengsui.pipeline import drain
    from tests.conftest import DAY, HOUR
    from tests.support.path import MadeSource, WholePath

    path = WholePath(folder)
    if fuse is not None:
        threading.Timer(fuse, os.kill, (os.getpid(), signal.SIGKILL)).start()
    if role == "collect":
        path.collect(*(MadeSource(f"{i:04}", DAY + i % 48 * HOUR, SOURCE_ROWS, seed=i, piece=PIECE, every=140_000)
                       for i in range(sources)))  # fmt: skip
    elif role == "hunt":
        drain([path.windows, path.slices], path.clock)
    else:
        drain([getattr(path, role)], path.clock)
    os._exit(0)  # as abruptly as the others, but with nothing left to do


@dataclass
class Run:
    """A folder, how many sources it is to have read, and how often each role was killed in it."""

    folder: Path
    context: multiprocessing.context.BaseContext
    sources: int = 0

    def live(self, role: str, fuse: float | None = None) -> bool:
        """True if it came to its end, False if it was killed."""
        p = self.context.Process(target=life, args=(self.folder, role, self.sources, fuse))
        p.start()
        p.join()
        if p.exitcode not in (0, -signal.SIGKILL):
            raise RuntimeError(f"{role} ended with {p.exitcode}")
        return p.exitcode == 0

    def until(self, role: str | None) -> None:
        """Run what comes before ``role`` (everything, with None) to its end."""
        for r in ROLES:
            if r == role:
                return
            self.live(r)
        if role is None:
            self.live("sink")  # the findings' rows


def outcome(folder: Path) -> tuple[tuple[int, int], dict[tuple[str, str, str], tuple[int, int, int, int]], int]:
    """((rows, distinct ids), alerts, rows of findings that a reader sees twice)."""
    from tests.support.path import WholePath

    path = WholePath(folder)
    key = "finding_id, form, rule, org, network, ifNull(window_start, toDateTime64(0, 6)), result_version"
    twice = path.store.query(f"SELECT count() - uniqExact({key}) AS n FROM finding").column(0)[0].as_py()
    result = path.rows(), path.alerts(), twice
    path.close()
    return result


def _outcome(folder: Path, context: multiprocessing.context.BaseContext) -> tuple[tuple[int, int], dict, int]:
    with context.Pool(1) as pool:
        return pool.apply(outcome, (folder,))


def kill(folder: Path, kills: int, seed: int) -> list[tuple[str, int, bool]]:
    """Kill each role ``kills`` times; (role, kills that hit it at work, everything as in the undisturbed run)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.path", "tests.conftest", "alembic.command"])
    r = random.Random(seed)
    table = []
    for role in ROLES:
        run = Run(folder / role, context, sources=2)
        hit = 0
        run.until(role)
        while hit < kills:
            if run.live(role, r.uniform(0.005, LONGEST[role])):
                run.sources += 1
                run.until(role)
            else:
                hit += 1
        run.until(None)
        calm = Run(folder / f"{role}-undisturbed", context, sources=run.sources)
        calm.until(None)
        got, want = _outcome(run.folder, context), _outcome(calm.folder, context)
        rows = run.sources * SOURCE_ROWS
        good = got == want and got[0] == (rows, rows) and got[2] == 0 and bool(got[1])
        print(f"{role:8} {hit:5} kills  ids in {rows:9,}  rows {got[0][0]:9,}  ids out {got[0][1]:9,}  "
              f"findings twice {got[2]}  alerts {len(got[1]):3} {'as undisturbed' if good else 'DIFFER'}",
              file=sys.stderr, flush=True)  # fmt: skip
        table.append((role, hit, good))
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        results = kill(Path(place), options.kills, options.seed)
    raise SystemExit(0 if all(good for _, _, good in results) else 1)
