"""Statistics of many short lists at once: one flat array and where each list starts. No Python loop over lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """``n`` lists of whole numbers: list ``i`` is ``values[starts[i]:starts[i] + lengths[i]]``."""

    values: Ints
    starts: Ints
    lengths: Ints

    @staticmethod
    def of(values: Ints, lengths: Ints) -> Lists:
        return Lists(values, np.cumsum(lengths) - lengths, lengths)

    @staticmethod
    def from_arrow(array: Any) -> Lists:
        """A list column of an answer of the store (whole numbers below 2^63)."""
        lists = array.combine_chunks() if hasattr(array, "combine_chunks") else array
        offsets = np.asarray(lists.offsets, dtype=np.int64)
        values = np.asarray(lists.values, dtype=np.int64)[offsets[0] : offsets[-1]]
        return Lists.of(values, np.diff(offsets))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def owners(self) -> Ints:
        """The number of the list that each value belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def list(self, i: int) -> Ints:
        return self.values[self.starts[i] : self.starts[i] + self.lengths[i]]

    def sorted(self) -> Lists:
        """Each list in ascending order."""
        order = np.lexsort((self.values, self.owners))
        return Lists(self.values[order], self.starts, self.lengths)

    def keep(self, mask: Bools) -> Lists:
        """Only the values that ``mask`` marks; lists may become empty."""
        lengths = np.bincount(self.owners[mask], minlength=len(self)).astype(np.int64)
        return Lists.of(self.values[mask], lengths)

    def take(self, chosen: Ints) -> Lists:
        """These lists, in this order."""
        lengths = self.lengths[chosen]
        base = np.repeat(self.starts[chosen] - (np.cumsum(lengths) - lengths), lengths)
        return Lists.of(self.values[base + np.arange(len(base))], lengths)


@dataclass(frozen=True)
class Quartiles:
    """Tukey's hinges of each list: Q1 and Q3 are the medians of the lower and the upper half, the middle element left
    out where the count is odd. MAD is the median of the distances from the median."""

    q1: Floats
    q2: Floats
    q3: Floats
    mad: Floats


def quartiles(lists: Lists) -> Quartiles:
    """Of lists in ascending order with two or more values each."""
    half = lists.lengths // 2
    q1 = _median(lists.values, lists.starts, half)
    q2 = _median(lists.values, lists.starts, lists.lengths)
    q3 = _median(lists.values, lists.starts + lists.lengths - half, half)
    # Distances are doubled to stay whole: a median of whole numbers may end in .5.
    doubled = np.abs(2 * lists.values - np.repeat((2 * q2).astype(np.int64), lists.lengths))
    far = Lists(doubled, lists.starts, lists.lengths).sorted()
    return Quartiles(q1, q2, q3, _median(far.values, far.starts, far.lengths) / 2)


def _median(values: Ints, starts: Ints, lengths: Ints) -> Floats:
    """The median of each run of sorted values."""
    low, high = starts + (lengths - 1) // 2, starts + lengths // 2
    return np.asarray((values[low] + values[high]) / 2, np.float64)
