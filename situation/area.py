"""The index of a city or of the province from its organisations', and the share of each in it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from situation.tables import Weights

Array = npt.NDArray[np.float64]

BAND = 0.1
"""Share of an area's weight over which its percentile is a mean."""


@dataclass(frozen=True)
class Organisation:
    """Who is scored: a row of the registry's table."""

    id: str
    zh: str
    en: str
    city: str
    sector: str
    size: str
    protection_level: int
    critical: bool


def weight_of(o: Organisation, w: Weights) -> float:
    """The weight of an organisation in its city and province."""
    return w.importance[w.importance_of(o.protection_level, o.critical)]


@dataclass(frozen=True)
class Member:
    """An organisation: its index (0 to 100) and the weight of its importance (above 0)."""

    id: str
    index: float
    weight: float


@dataclass(frozen=True)
class Part:
    """What a member gives to the area's index. ``floor``: it alone holds the index up."""

    id: str
    points: float
    weight: float
    floor: bool


def area(members: Sequence[Member], w: Weights) -> tuple[float, list[Part]]:
    """G = max(m · weighted mean + (1 - m) · weighted P90, γ · max I), and its parts, whose points sum to G.

    Raises ValueError of no members.
    """
    if not members:
        raise ValueError("an area without members has no index")
    index = np.array([m.index for m in members], np.float64)
    weight = np.array([m.weight for m in members], np.float64)
    weight /= weight.sum()
    rank = percentile_shares(members, w.percentile)
    given = (w.mean_share * weight + (1 - w.mean_share) * rank) * index
    total, worst = float(given.sum()), int(index.argmax())
    floor = w.floors.area * float(index[worst])
    floored = floor > total
    if floored:
        given[worst] += floor - total
    parts = [Part(m.id, float(given[i]), float(weight[i]), floored and i == worst) for i, m in enumerate(members)]
    return max(total, floor), parts


def percentile_shares(members: Sequence[Member], q: float) -> Array:
    """How the weighted percentile ``q`` is made of its members: it is Σ share · index, and the shares sum to 1.

    In order of index (then id) the members lie side by side, each as wide as its share of the weight; the percentile is
    the mean over the band BAND wide around ``q``. A value between the middles of two neighbours would be simpler, but
    falls when a light member overtakes a heavy one and moves its middle: this one never falls when an index rises.
    """
    order = sorted(range(len(members)), key=lambda i: (members[i].index, members[i].id))
    v = np.array([members[i].weight for i in order])
    ends = np.concatenate([[0.0], np.cumsum(v) / v.sum()])
    half = min(BAND / 2, q, 1 - q)
    covered = np.minimum(ends[1:], q + half) - np.maximum(ends[:-1], q - half)
    out = np.zeros(len(members))
    out[order] = np.maximum(covered, 0.0)
    out /= out.sum()
    return out
