"""How many rules of a public Sigma set parse and run: ``python -m evals.sigma DIR`` reads ``DIR/sigma.zip`` in memory.

To run means: the engine answers the rule's query over an empty and over a made table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from detectors.base import Query, Slice
from detectors.sigma.correlation import CorrelationHunt, load_file
from detectors.sigma.hunt import SigmaHunt
from detectors.sigma.loader import documents, is_correlation, load_text
from fengsui.batch import Batch, Identity, build, stamp
from fengsui.bus.protocol import Place
from fengsui.errors import BadRule
from fengsui.finding import HOUR_US, Window, hour
from fengsui.schema import EVENTS
from fengsui.store.chdb import ChdbStore

_START = 1_700_000_000_000_000


def read(archive: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of each rule of the archive."""
    with zipfile.ZipFile(archive) as z:
        for name in sorted(z.namelist()):
            if name.endswith((".yml", ".yaml")):
                yield name, z.read(name).decode()


Runnable = SigmaHunt | CorrelationHunt


def load(archive: Path) -> tuple[list[tuple[str, Runnable]], list[tuple[str, str]]]:
    """Rules that can be run, by file, and the reasons of those that cannot."""
    good: list[tuple[str, Runnable]] = []
    bad: list[tuple[str, str]] = []
    for name, text in read(archive):
        parts = documents(text)
        try:
            if any(map(is_correlation, parts)):
                good.append((name, CorrelationHunt(load_file(parts, Path(name)))))
            else:
                good.append((name, SigmaHunt(load_text(text, Path(name)))))
        except BadRule as e:
            bad.append((name, e.reason))
    return good, bad


def made(kind: str, n: int) -> Batch:
    """Rows of a kind with something in the fields that rules ask for most."""
    rng = np.random.default_rng(1)
    ips = np.zeros((n, 16), np.uint8)
    ips[:, 10:12], ips[:, 12:] = 255, rng.integers(0, 256, (n, 4))
    ids = rng.integers(0, 256, (n, 16)).astype(np.uint8)
    columns: dict[str, object] = {
        "ts": _START + np.arange(n) * 1000, "event_id": ids, "src_ip": ips, "dst_ip": ips[::-1].copy(),
        "dst_port": rng.integers(1, 65536, n),
    }  # fmt: skip
    texts = {"dns": ("query",), "http": ("host", "uri", "user_agent"), "tls": ("sni",), "file": ("filename",)}
    for column in texts.get(kind, ()):
        columns[column] = [f"n{v}.example.com/a?b={v}" for v in rng.integers(0, 1_000_000, n)]
    return stamp(build(EVENTS[kind], Identity(), columns, n), _START)


def run(rules: list[tuple[str, Runnable]], query: Query, part: dict[str, Slice]) -> tuple[dict[str, str], float, int]:
    """Failures, seconds and conclusions of all rules over one slice of each of their kinds, or one window."""
    failed: dict[str, str] = {}
    found, start = 0, time.perf_counter()
    for name, hunt in rules:
        try:
            if isinstance(hunt, CorrelationHunt):
                window = Window(hour(_START) - hunt.hours * HOUR_US, hour(_START) + HOUR_US)
                found += len(hunt.window(query, "local", "default", window))
            else:
                found += sum(len(hunt.run(query, part[kind])) for kind in hunt.kinds)
        except Exception as e:  # noqa: BLE001 whatever the engine says is the result here
            failed[name] = str(e)[:300]
    return failed, time.perf_counter() - start, found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.sigma", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    good, bad = load(options.folder / "sigma.zip")
    store = ChdbStore(None)
    store.migrate()
    slices = {k: Slice.of(k, "local", "default", f"events.{k}", 0, (0,), _START, _START + 10**12) for k in EVENTS}
    empty_failed, _, _ = run(good, store.query, slices)
    for kind in EVENTS:
        store.insert(kind, made(kind, options.rows).rows, Place(f"events.{kind}", 0), 0, f"made/{kind}")
    failed, seconds, found = run(good, store.query, slices)
    store.close()
    broken = empty_failed | failed
    figures = {
        "rules": len(good) + len(bad), "covered": len(good), "run": len(good) - len(broken),
        "rows": options.rows, "ms_per_rule": round(seconds / max(len(good), 1) * 1000, 1), "conclusions": found,
        "failed": broken, "not_covered": dict(Counter(reason for _, reason in bad).most_common()),
        "folders": dict(Counter(str(PurePosixPath(name).parent) for name, _ in good)),
    }  # fmt: skip
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        return 1 if broken else 0
    print(f"{figures['rules']} rules: {figures['covered']} covered, {figures['run']} run; "
          f"{figures['ms_per_rule']} ms a rule over {options.rows:,} rows, {found} conclusions")  # fmt: skip
    for name, reason in broken.items():
        print(f"FAILED {name}: {reason}")
    for reason, n in Counter(reason for _, reason in bad).most_common():
        print(f"{n:4} {reason}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
