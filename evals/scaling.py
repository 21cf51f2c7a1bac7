"""Where the design breaks first: a simulation of the queue before the sinks, from one organisation to ten thousand.

``python -m evals.scaling [--json]``: collectors cut a message of each kind when it is full or a second old; messages go
to partitions by collector, partitions to sinks; a sink's work on a message is a fixed part and a part for each row
(``FIXED``, ``ROW``: evals.bench_large, and bench_sink with 10,000 and 50,000 rows a message). Arrivals are Poisson with
an hour's peak of three times the mean inside a minute. What comes out: use of the sinks, and the wait from the cut of a
message to its rows, for sinks as many as planned for (60 % busy) and for half of them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fengsui.batch import MAX_ROWS

FIXED, ROW = 0.012, 3.2e-6
"""Seconds of a sink for a message (insert, fsync, its share of a commit), and for a row of it."""
KINDS, FLUSH, SECONDS, BUSY = 6, 1.0, 60.0, 0.6
"""Kinds of events that a sensor writes all the time; seconds to a cut; seconds simulated; use planned for."""


@dataclass(frozen=True)
class Case:
    """``rate``: events a second of all organisations; ``packed``: collectors send through the role that packs."""

    organisations: int
    rate: float
    packed: bool = False


CASES = (Case(1, 1_000), Case(100, 100_000), Case(10_000, 1_000_000), Case(10_000, 1_000_000, True),
         Case(10_000, 10_000_000), Case(10_000, 10_000_000, True))  # fmt: skip


def messages(case: Case) -> tuple[float, float]:
    """Messages a second, and rows in one."""
    streams = (max(1.0, case.rate / MAX_ROWS) if case.packed else float(case.organisations)) * KINDS
    rows = case.rate / streams * FLUSH
    each = min(MAX_ROWS, max(1.0, rows))
    return case.rate / each, each


def sinks(case: Case) -> int:
    """As many as keep them ``BUSY`` at the mean."""
    count, rows = messages(case)
    return max(1, int(np.ceil(count * (FIXED + ROW * rows) / BUSY)))


def simulate(case: Case, servers: int, seed: int = 1) -> tuple[float, float, float]:
    """Use of the sinks, and the median and 99th percentile of seconds from cut to row. One sink stands for all: what
    comes to each is a share of its own, by collector."""
    r = np.random.default_rng(seed)
    count, rows = messages(case)
    mine = count / servers
    at = np.cumsum(r.exponential(1.0 / mine, int(mine * SECONDS) + 1))
    burst = (at > SECONDS * 0.4) & (at < SECONDS * 0.5)
    work = np.where(burst, 2.0, 1.0) * (FIXED + ROW * rows * r.uniform(0.5, 1.5, len(at)))
    done = _queue(at, work)
    median, late = np.quantile(done - at, (0.5, 0.99))
    return float(work.sum() / max(at[-1], SECONDS)), float(median), float(late)


def _queue(at: NDArray[np.float64], work: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each is done, one after the other (Lindley): the running maximum of arrivals less the work before them."""
    before = np.cumsum(work)
    begin = np.maximum.accumulate(at - (before - work))
    return begin + before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    out = []
    for case in CASES:
        count, rows = messages(case)
        planned = sinks(case)
        for servers in (planned, max(1, planned // 2)):
            use, median, late = simulate(case, servers)
            out.append({"organisations": case.organisations, "events_s": case.rate, "packed": case.packed,
                        "messages_s": round(count), "rows": round(rows), "sinks": servers, "use": round(use, 2),
                        "p50_s": round(median, 3), "p99_s": round(late, 3)})  # fmt: skip
    if options.json:
        print(json.dumps(out, indent=1))
        return 0
    print("  ".join(f"{k:>13}" for k in out[0]))
    for row in out:
        print("  ".join(f"{v!s:>13}" for v in row.values()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
