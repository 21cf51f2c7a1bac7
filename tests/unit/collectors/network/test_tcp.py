"""The short way through TCP does what the long way does."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.network import tcp
from collectors.network.layout import END, FLOW, HISTORY, OPTIONS, ROW, SPANS

ACTIONS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0, 0, 0, 1, 10, 1400]), st.sampled_from([0, 0, 0, 0, -1, 1, 700]),
              st.sampled_from([0, 0, 0, -5, 3, 2000]), st.sampled_from([16, 16, 24, 24, 17, 20, 0]),
              st.sampled_from([8192, 8192, 0])),
    max_size=40,
)  # fmt: skip


class Machine:
    """A connection that takes segments, the short way where it may."""

    def __init__(self, short: bool) -> None:
        self.short = short
        self.f, self.ends = np.zeros(1, FLOW), np.zeros(2, END)
        self.ends["next"] = self.ends["trim"] = 1
        self.f["active"] = 1
        self.history, self.spans = np.zeros((1, HISTORY), np.uint8), np.zeros((2, 2 * SPANS), np.int64)
        self.options = np.full(OPTIONS, 5_000_000, np.int64)

    def take(self, row: Any, orig: bool) -> int:
        mine = 0 if orig else 1
        return int(STEP(self.f, self.ends, self.history, self.spans, row, mine, self.options, self.short))

    def state(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.f.tobytes(), self.ends.tobytes(), self.history.tobytes(), self.spans.tobytes()


def _step(f: Any, ends: Any, history: Any, spans: Any, rows: Any, mine: Any, options: Any, short: Any) -> Any:
    flow, e, p, row = f[0], ends[mine], ends[1 - mine], rows[0]
    if short:
        data = tcp.quick(flow, e, p, history, 0, row, mine == 0)
        if data >= 0:
            return data if row.size > 0 else -1
    data, _order, _hole, _flip = tcp.segment(flow, e, p, history, 0, spans, mine, 1 - mine, row, mine == 0, options)
    return data


STEP = numba.njit(_step)


@settings(deadline=None, max_examples=300)
@given(ACTIONS, st.sampled_from([1000, 2**32 - 2000]))
def test_the_short_way_through_has_the_effect_of_the_long_one(actions: list[Any], start: int) -> None:
    machines = Machine(True), Machine(False)
    seqs = [start, start + 77]
    opening = [(True, 0, 0, 0, 2, 8192), (False, 0, 0, 0, 18, 8192), (True, 0, 0, 0, 16, 8192)]
    for i, (orig, size, move, late, flags, window) in enumerate(opening + actions):
        me, you = (0, 1) if orig else (1, 0)
        row = np.zeros(1, ROW)
        row["ts"], row["flags"], row["window"], row["size"], row["captured"] = i, flags, window, size, size
        row["seq"], row["ack"] = (seqs[me] + move) % 2**32, (seqs[you] + late) % 2**32 if flags & 16 else 0
        assert machines[0].take(row, orig) == machines[1].take(row, orig)
        assert machines[0].state() == machines[1].state()
        if move == 0 and not flags & 4:
            seqs[me] += size + (1 if flags & 3 else 0)


def test_most_segments_of_a_transfer_go_the_short_way() -> None:
    m = Machine(True)
    seq = [100, 200]
    opening = [(True, 0, 2), (False, 0, 18), (True, 0, 16), (True, 50, 24), (False, 9, 24)]
    for i, (orig, size, flags) in enumerate(opening):
        me = 0 if orig else 1
        row = np.zeros(1, ROW)
        row["ts"], row["flags"], row["window"], row["size"], row["captured"] = i, flags, 8192, size, size
        row["seq"], row["ack"] = seq[me], seq[1 - me] if flags & 16 else 0
        m.take(row, orig)
        seq[me] += size + (1 if flags & 2 else 0)
    row["seq"], row["ack"], row["size"], row["captured"] = seq[1], seq[0], 1400, 1400
    assert tcp.quick(m.f[0], m.ends[1], m.ends[0], m.history, 0, row[0], False) == 10
    assert bytes(m.history[0, :5]) == b"ShADd"
