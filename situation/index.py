"""The index of one organisation: what each alert adds, the dimensions, and the points that give it back exactly.

Pure. Times are microseconds, UTC. Columns run over alerts (n), times (t) and the six dimensions (k) in the order of
``DIMENSIONS``. docs/situation.md has the formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fengsui.finding import HOUR_US
from situation.tables import DIMENSIONS, Size, Weights

Array = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

K = len(DIMENSIONS)
DISPOSAL = DIMENSIONS.index("disposal")
NEVER = np.iinfo(np.int64).max
EARLY_US = 2 * HOUR_US
"""How far after the last full hour an alert may begin and count now: within the hour, or by a clock somewhat ahead."""
_CELLS = 2_000_000


class Fact(NamedTuple):
    """What the index knows of one alert. ``resolved``: when a person resolved it; ``handled``: since when it is no
    longer new; NEVER where that has not happened.
    """

    id: str
    severity: int
    confidence: int
    dimension: int
    first_seen: int
    last_seen: int
    resolved: int = NEVER
    handled: int = NEVER


@dataclass(frozen=True)
class Facts:
    """Facts as columns (n), in the order of their ids. ``weight``: confidence × 10^s × the asset's weight, not decayed.

    ``overdue``: from when an alert that is still new counts in disposal.
    """

    ids: tuple[str, ...]
    weight: Array
    dimension: npt.NDArray[np.int64]
    first: Times
    last: Times
    overdue: Times
    resolved: Times
    handled: Times


def dimension(domain: str, category: str) -> int:
    """The dimension of an alert; of an unknown domain *network*, for what is seen here comes from traffic."""
    if category == "hazard/vulnerability":
        return DIMENSIONS.index("vulnerability")
    return next((i for i, d in enumerate(DIMENSIONS[:4]) if d == domain), 0)


def columns(facts: Iterable[Fact], asset: float, w: Weights) -> Facts:
    """Facts of one organisation as columns; those whose severity adds nothing are left out."""
    kept = sorted((f for f in facts if f.severity in w.exponents), key=lambda f: f.id)

    def ints(values: Iterable[int]) -> Times:
        return np.fromiter(values, np.int64, len(kept))

    ten = {s: 10.0**e for s, e in w.exponents.items()}
    limit = {s: int(h * HOUR_US) for s, h in w.disposal_hours.items()}
    return Facts(
        ids=tuple(f.id for f in kept),
        weight=np.fromiter((asset * ten[f.severity] * f.confidence / 100 for f in kept), np.float64, len(kept)),
        dimension=ints(f.dimension for f in kept), first=ints(f.first_seen for f in kept),
        last=ints(f.last_seen for f in kept), overdue=ints(f.first_seen + limit[f.severity] for f in kept),
        resolved=ints(f.resolved for f in kept), handled=ints(f.handled for f in kept),
    )  # fmt: skip


def settled(f: Facts, hour: int) -> Facts:
    """The facts as they stand now, ``hour`` being the last full hour: what people did counts whenever they did it, and
    what has begun since counts with it."""
    began = f.first < hour + EARLY_US
    return replace(
        f, first=np.where(began, np.minimum(f.first, hour), f.first),
        resolved=np.where(f.resolved == NEVER, NEVER, 0), handled=np.where(f.handled == NEVER, NEVER, 0),
    )  # fmt: skip


def contributions(f: Facts, times: Times, w: Weights) -> tuple[Array, Array]:
    """What each alert adds at each time, (t, n): to its own dimension, and to disposal.

    It adds from its first event on, decays by half each half-life since its last one, and counts reduced once resolved.
    """
    at = times[:, None]
    age = np.maximum(at - f.last, 0) / (w.half_life_hours * HOUR_US)
    decayed = np.where((f.first <= at) & (age * w.half_life_hours <= w.horizon_hours), f.weight * np.exp2(-age), 0.0)
    own = np.where(f.resolved <= at, w.resolved * decayed, decayed)
    return own, np.where((f.overdue <= at) & (f.handled > at), decayed, 0.0)


def risks(f: Facts, times: Times, w: Weights) -> Array:
    """Risk R by time and dimension, (t, k)."""
    out = np.zeros((len(times), K))
    step = max(1, _CELLS // max(1, len(f.ids)))
    for start in range(0, len(times), step):
        own, late = contributions(f, times[start : start + step], w)
        for k in range(K):
            out[start : start + step, k] = own[:, f.dimension == k].sum(axis=1)
        out[start : start + step, DISPOSAL] += late.sum(axis=1)
    return out


@dataclass(frozen=True)
class Scores:
    """Columns over times: ``score`` S_k and ``share`` α_k (t, k), 0 where not ``covered``; ``index`` (t)."""

    risk: Array
    score: Array
    share: Array
    covered: npt.NDArray[np.bool_]
    index: Array
    floored: npt.NDArray[np.bool_]


def scores(risk: Array, size: str, known: npt.NDArray[np.bool_], w: Weights) -> Scores:
    """The index of risks (t, k). ``known`` (t, k): dimensions that there are sources for; one that shows a risk is too.

    I = max(Σ α_k S_k, β max S_k) over the covered dimensions, α made to sum to 1 over them.
    """
    covered = known | (risk > 0)
    score = np.where(covered, -100 * np.expm1(-risk / _r0(size, w)), 0.0)
    alpha = np.array([w.dimensions[d].alpha for d in DIMENSIONS])
    share = np.where(covered, alpha, 0.0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
    mean, floor = (share * score).sum(axis=1), w.floors.organisation * score.max(axis=1)
    return Scores(risk, score, share, covered, np.maximum(mean, floor), floor > mean)


def _r0(size: str, w: Weights) -> Array:
    known: Size = "small" if size == "small" else "large" if size == "large" else "medium"
    return np.array([w.r0[d][known] for d in DIMENSIONS])


Point = tuple[str, int, float]
"""An alert, the dimension that it counts in, its points."""


def points(f: Facts, time: int, s: Scores, w: Weights) -> list[Point]:
    """What each alert gives to the index at one time; the sum is the index. ``s``: the scores of that time alone.

    A dimension's α S is shared by r_i/R; what a floor adds goes to the alerts of the worst dimension.
    """
    score, share, risk = s.score[0], s.share[0], s.risk[0]
    give = share * score
    if s.floored[0]:
        give[int(score.argmax())] += s.index[0] - give.sum()
    per_risk = np.divide(give, risk, out=np.zeros(K), where=risk > 0)
    own, late = contributions(f, np.array([time], np.int64), w)
    out = [(f.ids[i], int(f.dimension[i]), float(own[0, i] * per_risk[f.dimension[i]])) for i in np.flatnonzero(own[0])]
    return out + [(f.ids[i], DISPOSAL, float(late[0, i] * per_risk[DISPOSAL])) for i in np.flatnonzero(late[0])]


def peer_score(risk: float, peers: Sequence[float]) -> float | None:
    """z-score of log(1 + R) among organisations of its size, itself among them; None of fewer than 5 or of equals.

    A side figure: it changes no index.
    """
    logs = np.log1p(np.array(peers))
    if len(peers) < 5 or logs.std() < 1e-9:
        return None
    return float((np.log1p(risk) - logs.mean()) / logs.std())
