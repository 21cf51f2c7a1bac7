"""Fixtures that every test may use: made events, and engines that a test starts and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fengsui.batch import Batch, Identity, build, stamp
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import topics
from fengsui.schema import DNS, FLOW
from fengsui.store.chdb import ChdbStore
from tests.support import engines

DAY = 1_700_006_400_000_000  # 2023-11-15T00:00:00Z in microseconds
HOUR = 3_600_000_000


def address(last: int, first: int = 10) -> bytes:
    """first.0.0.last as 16 bytes."""
    return bytes(10) + b"\xff\xff" + bytes([first, 0, last >> 8 & 255, last & 255])


def flows(n: int, *, start: int = DAY, every: int = 1_000_000, org: str = "org", network: str = "net",
          origin: str = "origin", seed: int = 1, read_at: int = DAY + 24 * HOUR) -> Batch:  # fmt: skip
    """n flows of one organisation, one every ``every`` microseconds, with distinct random ids."""
    r = np.random.default_rng(seed)
    ids = r.integers(0, 256, (n, 16), dtype=np.uint8)
    columns = {
        "ts": start + every * np.arange(n, dtype=np.int64), "event_id": ids, "uid": ids,
        "src_ip": [address(i % 200 + 1) for i in range(n)], "dst_ip": [address(i % 50 + 1, 203) for i in range(n)],
        "src_port": r.integers(1024, 65536, n, dtype=np.uint16), "dst_port": np.full(n, 443, np.uint16),
        "proto": ["tcp"] * n, "orig_ip_bytes": r.integers(100, 2000, n).astype(np.uint64), "conn_state": ["SF"] * n,
    }  # fmt: skip
    return stamp(build(FLOW, Identity(org, network, "s", origin), columns, n), read_at)


def queries(n: int, *, start: int = DAY, org: str = "org", network: str = "net", origin: str = "origin",
            seed: int = 2) -> Batch:  # fmt: skip
    """n DNS transactions."""
    ids = np.random.default_rng(seed).integers(0, 256, (n, 16), dtype=np.uint8)
    columns = {"ts": start + np.arange(n, dtype=np.int64) * 1000, "event_id": ids, "uid": ids,
               "src_ip": [address(1)] * n, "dst_ip": [address(53)] * n, "query": [f"h{i}.example" for i in range(n)],
               "qtype": ["A"] * n}  # fmt: skip
    return stamp(build(DNS, Identity(org, network, "s", origin), columns, n), start + HOUR)


@pytest.fixture
def make_bus(tmp_path: Path) -> Iterator[Callable[..., SqliteBus]]:
    """Open the bus in this test's folder; again opens the same one. ``topics`` and ``max_bytes`` as in the bus."""
    opened: list[SqliteBus] = []

    def make(**changes: object) -> SqliteBus:
        arguments = {"path": tmp_path / "bus.db", "topics": topics(2)} | changes
        opened.append(SqliteBus(**arguments))
        return opened[-1]

    yield make
    for bus in opened:
        bus.close()


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[[], ChdbStore]]:
    """Open (and migrate) the store in this test's folder; close the one before to open it again."""
    opened: list[ChdbStore] = []

    def make() -> ChdbStore:
        for old in opened:
            old.close()
        store = ChdbStore(tmp_path / "store")
        store.migrate()
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not be tested here is said at the end, where it is read."""
    if engines.absent:
        terminalreporter.section("engines that were not there")
        for name, reason in sorted(engines.absent.items()):
            terminalreporter.write_line(f"{name}: {reason}; its tests did not run")
