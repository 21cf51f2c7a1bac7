"""Weights from pairwise judgements (AHP, Saaty 1980), and entropy weights to see how much they matter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CONSISTENT = 0.1
_RANDOM = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Saaty's mean consistency index of random matrices of 1, 2, … 10 rows."""


def matrix(triangle: Sequence[Sequence[float]]) -> Array:
    """The reciprocal matrix of its upper triangle: row i says how much more i matters than i + 1, i + 2, …"""
    n = len(triangle) + 1
    m = np.eye(n)
    for i, row in enumerate(triangle):
        for j, value in enumerate(row, i + 1):
            m[i, j], m[j, i] = value, 1 / value
    return m


def weights(m: Array) -> tuple[Array, float]:
    """The principal eigenvector (sum 1), and the consistency ratio (below CONSISTENT the judgements may be used)."""
    n = len(m)
    values, vectors = np.linalg.eig(m)
    k = int(values.real.argmax())
    vector = np.abs(vectors[:, k].real)
    index = (float(values[k].real) - n) / (n - 1) if n > 1 else 0.0
    return vector / vector.sum(), index / _RANDOM[n - 1] if n > 2 else 0.0


def entropy_weights(scores: Array) -> Array:
    """Weights (sum 1) of columns by how much they tell rows apart; scores are not negative, rows are organisations.

    w_k ∝ 1 - H_k, H_k the entropy of the column's shares over its rows, 1 for a column that is the same everywhere. For
    comparison only: a dimension that nobody has trouble with would weigh nothing.
    """
    rows, columns = scores.shape
    if rows < 2:
        return np.full(columns, 1 / columns)
    total = scores.sum(axis=0)
    shares = np.divide(scores, total, out=np.full_like(scores, 1 / rows), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    spread = np.maximum(0.0, 1 + (shares * logs).sum(axis=0) / np.log(rows))
    return spread / spread.sum() if spread.sum() > 1e-12 else np.full(columns, 1 / columns)
