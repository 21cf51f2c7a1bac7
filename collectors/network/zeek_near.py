"""Equal lines near one another, told apart by their ordinals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from fengsui.ids import Bytes

NEAR = 8 << 20  # bytes within which equal lines are told apart


@dataclass
class Near:
    """Hashes (first 8 bytes, uint64) and ends (absolute bytes) of the lines that end within ``NEAR`` of the last."""

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    ends: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def ordinals(self, ids: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
        """For each line, how many equal ones end within ``NEAR`` bytes before its start; remembers them."""
        old = len(self.hashes)
        hashes = np.concatenate([self.hashes, np.ascontiguousarray(ids[:, :8]).view("<u8").reshape(-1)])
        all_ends = np.concatenate([self.ends, ends])
        out = np.zeros(len(starts), np.uint32)
        order = np.argsort(hashes, kind="stable")
        _count(order, hashes, all_ends, starts, old, NEAR, out)
        near = all_ends > (all_ends[-1] - NEAR if len(all_ends) else 0)
        self.hashes, self.ends = hashes[near], all_ends[near]
        return out


@nb.njit(cache=True, nogil=True)
def _count(order: Any, hashes: Any, ends: Any, starts: Any, old: int, near: int, out: Any) -> None:
    """Equal hashes stand together in ``order``, in the order of the lines; ``low`` is the first that is near enough."""
    low = 0
    for i in range(order.shape[0]):
        if i and hashes[order[i]] != hashes[order[i - 1]]:
            low = i
        line = order[i] - old
        if line >= 0:
            while ends[order[low]] <= starts[line] - near:
                low += 1
            out[line] = i - low
