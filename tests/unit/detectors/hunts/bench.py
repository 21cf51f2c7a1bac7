"""One organisation's events, written as in the rules' samples, and the hunts run over them."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from detectors.base import WindowHunt
from detectors.rulefile import Section
from detectors.sample_events import EPOCH_US, Made, dns_row, flow_row
from fengsui.batch import stamp
from fengsui.finding import HOUR_US, Conclusion, Window
from fengsui.store.chdb import ChdbStore

RULES = Path(__file__).parents[4] / "rules"
NOWHERE = Section(Path("test.yaml"), 1, {}, {})
_orgs = count()


class Bench:
    """One organisation of its own in a shared store; seconds count from a Monday's midnight."""

    def __init__(self, store: ChdbStore) -> None:
        self.store, self.org = store, f"org{next(_orgs)}"
        self._made = Made(self.org)

    def flow(self, at: float, **v: Any) -> None:
        flow_row(self._made, {"from": "10.0.0.5", "to": "203.0.113.7", **v}, NOWHERE, EPOCH_US + round(at * 1e6))

    def flows(self, times: list[float], **v: Any) -> None:
        for at in times:
            self.flow(at, **v)

    def dns(self, at: float, **v: Any) -> None:
        dns_row(self._made, {"from": "10.0.0.5", "to": "10.0.0.53", **v}, NOWHERE, EPOCH_US + round(at * 1e6))

    def raw(self, kind: str, row: dict[str, Any], uid: bytes | None = None) -> bytes:
        return self._made.add(kind, row, uid)

    def put(self, read_at: int = EPOCH_US + 1000 * HOUR_US) -> None:
        """Into the store what was made since."""
        for batch in self._made.batches():
            self.store.load(batch.kind, pa.Table.from_batches([stamp(batch, read_at).rows]))
        self._made = Made(self.org, f"{next(_orgs)}")

    def run(self, hunt: WindowHunt, hour: int) -> list[tuple[str, Conclusion]]:
        """What the hunt concludes of the window of hour ``hour``."""
        h = EPOCH_US + hour * HOUR_US
        window = Window(h - hunt.hours * HOUR_US, h + HOUR_US)
        ((answered, told),) = hunt.run(self.store.query, self.org, "default", [window])
        assert answered == window
        return [(r.id, c) for r, c in told]
