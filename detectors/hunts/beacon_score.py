"""The beacon score: how much a pair's connections look like a machine calling home. Pure; whole seconds and bytes.

The formula and its numbers are those that RITA v5 publishes; the numbers are in ``rules/hunts/beacon.yaml``.
Four parts in [0, 1] weigh the same: regular intervals (``ts``), regular sizes (``ds``), spread over the day (``hist``)
and persistence (``dur``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.hunts.segments import Bools, Floats, Ints, Lists, Quartiles, quartiles


@dataclass(frozen=True)
class Shape:
    """Thresholds of the formula; their values are in ``rules/hunts/beacon.yaml``."""

    least_deltas: int
    bars: int
    least_spread: float
    bimodal_bars: int
    bimodal_step: float
    duration_bars: int
    full_run: int


@dataclass(frozen=True)
class Scores:
    """One value a pair. ``bars`` is (pairs, bins); ``run`` the longest row of filled bars, wrapping round."""

    score: Floats
    ts: Floats
    ds: Floats
    dur: Floats
    hist: Floats
    intervals: Quartiles
    sizes: Quartiles
    bars: Ints
    run: Ints


def scorable(times: Lists, shape: Shape, least_times: int = 0) -> Bools:
    """Pairs with enough non-zero intervals, and enough distinct seconds. ``times`` ascend in each list."""
    return _deltas(times).lengths >= max(shape.least_deltas, least_times - 1)


def score(times: Lists, sizes: Lists, start: int, newest: int, shape: Shape) -> Scores:
    """Score pairs that are :func:`scorable`: ``times`` (seconds, ascending), ``sizes`` (bytes) of each connection."""
    intervals = quartiles(_deltas(times).sorted())
    amounts = quartiles(sizes.sorted())
    bars = histogram(times, start, newest, shape.bars)
    run = longest_run(bars > 0)
    first = times.values[times.starts]
    last = times.values[times.starts + times.lengths - 1]
    ts = regularity(intervals, 1.0, shape)
    ds = regularity(amounts, 0.0, shape)
    hist = spread(bars, shape)
    dur = persistence(first, last, bars, run, start, newest, shape)
    return Scores(round3((ts + ds + hist + dur) / 4), ts, ds, dur, hist, intervals, amounts, bars, run)


def _deltas(times: Lists) -> Lists:
    """The non-zero intervals between one connection and the next, in seconds."""
    steps = np.diff(times.values, prepend=0)
    inside = np.ones(len(steps), bool)
    inside[times.starts[times.lengths > 0]] = False
    return Lists(steps, times.starts, times.lengths).keep(inside & (steps != 0))


def regularity(q: Quartiles, small: float, shape: Shape) -> Floats:
    """round3((1 - |Bowley skew| + max(0, (median - MAD) / median)) / 2).

    Skew counts as 0 where the quartiles lie closer than ``least_spread`` or the median on one of them; the second term
    is ``small`` where the median is below 1.
    """
    width = q.q3 - q.q1
    flat = (width < shape.least_spread) | (q.q2 == q.q1) | (q.q2 == q.q3)
    skew = np.where(flat, 0.0, (q.q1 + q.q3 - 2 * q.q2) / np.where(flat, 1.0, width))
    near = np.maximum(0.0, (q.q2 - q.mad) / np.maximum(q.q2, 1.0))
    return round3((1 - np.abs(skew) + np.where(q.q2 >= 1, near, small)) / 2)


def histogram(times: Lists, start: int, newest: int, bins: int) -> Ints:
    """Connections in ``bins`` equal bins of [start, newest]; the first and last take what lies outside."""
    width = (newest - start) / bins
    place = np.floor((times.values - start) / width) if width > 0 else np.zeros(len(times.values))
    place = np.clip(place, 0, bins - 1).astype(np.int64)
    counts = np.bincount(times.owners * bins + place, minlength=len(times) * bins)
    return counts.reshape(len(times), bins).astype(np.int64)


def spread(bars: Ints, shape: Shape) -> Floats:
    """max(flat, bimodal): 1 - sigma/mu of all bars (population sigma; 0 if sigma > mu), or how well two heights explain
    the bars that are not empty, where there are ``bimodal_bars`` of them."""
    mean = np.maximum(bars.mean(axis=1), 1e-300)
    variation = bars.std(axis=1) / mean
    flat = np.where(variation > 1, 0.0, round3(1 - variation))
    filled = (bars > 0).sum(axis=1)
    return np.where(filled >= shape.bimodal_bars, np.maximum(flat, _bimodal(bars, filled, shape)), flat)


def _bimodal(bars: Ints, filled: Ints, shape: Shape) -> Floats:
    """min(1, bars in the two commonest heights / (filled bars - 1)); a height is a step of 5 % of the highest bar."""
    step = np.maximum(np.ceil(bars.max(axis=1) * shape.bimodal_step), 1).astype(np.int64)
    height = bars // step[:, None]
    heights = int(height.max(initial=0)) + 1
    place = np.arange(len(bars))[:, None] * heights + height
    counts = np.bincount(place[bars > 0], minlength=len(bars) * heights).reshape(len(bars), heights)
    top = np.sort(counts, axis=1)[:, -2:].sum(axis=1)
    return np.asarray(np.minimum(1.0, top / np.maximum(filled - 1, 1)), np.float64)


def persistence(first: Ints, last: Ints, bars: Ints, run: Ints, start: int, newest: int, shape: Shape) -> Floats:
    """0 with fewer than ``duration_bars`` bars; else max(share of [start, newest] that it covers, run / full_run)."""
    covered = np.minimum(1.0, ceil3((last - first) / max(newest - start, 1)))
    steady = np.minimum(1.0, ceil3(run / shape.full_run))
    return np.where((bars > 0).sum(axis=1) >= shape.duration_bars, np.maximum(covered, steady), 0.0)


def longest_run(filled: Bools) -> Ints:
    """The longest run of filled bars in each row; a run goes on from the last bar to the first, at most round once."""
    bins = filled.shape[1]
    run = best = np.zeros(len(filled), np.int64)
    for column in range(2 * bins):
        run = np.where(filled[:, column % bins], run + 1, 0)
        best = np.maximum(best, run)
    return np.minimum(best, bins)


def round3(x: Floats) -> Floats:
    """To three places, halves up."""
    return np.floor(x * 1000 + 0.5) / 1000


def ceil3(x: Floats) -> Floats:
    """Up to three places."""
    return np.ceil(x * 1000) / 1000
