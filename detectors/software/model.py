"""The trained model: boosted trees as arrays, and what each feature adds to the log odds.

A tree moves the score from node to node: what a step changes belongs to the feature that was asked (Saabas,
Interpreting random forests, 2014). So the shares of all features and the base sum to the score, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("model.npz")
FIELDS = ("rules", "names", "feature", "threshold", "left", "right", "value", "roots", "scale", "shift",
          "seldom", "seldom_weights")  # fmt: skip


@dataclass(frozen=True)
class Model:
    """``rules``: those that training has seen often enough to weigh. Nodes of all trees stand one after another.
    ``feature`` < 0 marks a leaf; at others a value up to ``threshold`` goes to ``left``. ``value`` is the mean of the
    leaves below a node, by how much of the training data came to each. The log odds are ``scale`` times the sum of the
    trees' values, plus ``shift``. ``seldom``: rules that training has seen too seldom for the trees, with what each
    adds:
    its own weight drawn towards what was seen (``seldom_weights``)."""

    rules: tuple[str, ...]
    names: tuple[str, ...]
    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    roots: tuple[int, ...]
    scale: float
    shift: float
    seldom: tuple[str, ...] = ()
    seldom_weights: tuple[float, ...] = ()

    def weight(self, rule: str, own: float) -> float:
        """What a rule that the trees do not ask adds; ``own`` where training has never seen it."""
        return min(own, self._seldom.get(rule, own))

    @cached_property
    def _seldom(self) -> dict[str, float]:
        return dict(zip(self.seldom, self.seldom_weights, strict=True))

    def shares(self, values: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """The base, and what each feature adds to it, in log odds; a feature that is not given is 0."""
        x = [values.get(name, 0.0) for name in self.names]
        shares: dict[int, float] = {}
        base = 0.0
        for root in self.roots:
            at = root
            base += self.value[at]
            while (f := self.feature[at]) >= 0:
                to = self.left[at] if x[f] <= self.threshold[at] else self.right[at]
                shares[f] = shares.get(f, 0.0) + self.value[to] - self.value[at]
                at = to
        named = {self.names[f]: self.scale * s for f, s in shares.items()}
        return self.scale * base + self.shift, named


@cache
def load(path: Path = FILE) -> Model:
    """Raises OSError or ValueError if it is not there or is something else."""
    with np.load(path, allow_pickle=False) as held:
        values: dict[str, Any] = {name: held[name].tolist() for name in FIELDS}
    for name, value in values.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    return Model(**values)
