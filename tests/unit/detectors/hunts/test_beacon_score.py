"""Each part of the beacon score against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.hunts import beacon_score as b
from detectors.hunts.segments import Lists, Quartiles

SHAPE = b.Shape(
    least_deltas=3, bars=24, least_spread=10, bimodal_bars=11, bimodal_step=0.05, duration_bars=6, full_run=12
)


def lists(*values: list[int]) -> Lists:
    flat = np.array([v for part in values for v in part], np.int64)
    return Lists.of(flat, np.array([len(v) for v in values], np.int64))


def hinges(q1: float, q2: float, q3: float, mad: float) -> Quartiles:
    return Quartiles(*(np.array([v], float) for v in (q1, q2, q3, mad)))


@pytest.mark.parametrize(
    ("q", "small", "expected"),
    [
        # Bowley (20 + 60 - 2*30) / 40 = 0.5; MAD part (30 - 12) / 30 = 0.6; (0.5 + 0.6) / 2
        (hinges(20, 30, 60, 12), 1.0, 0.55),
        # the same skew to the other side
        (hinges(20, 50, 60, 20), 1.0, 0.55),
        # quartiles closer than 10 are no skew: (1 + (60 - 3) / 60) / 2 = 0.975
        (hinges(56, 60, 63, 3), 1.0, 0.975),
        # the median on a quartile is no skew: (1 + 0) / 2, as MAD is the median
        (hinges(30, 30, 300, 30), 1.0, 0.5),
        # a MAD above the median counts 0, never less
        (hinges(20, 40, 60, 90), 1.0, 0.5),
        # a median below 1: intervals count whole, sizes not at all
        (hinges(0, 0.5, 1, 0), 1.0, 1.0),
        (hinges(0, 0.5, 1, 0), 0.0, 0.5),
    ],
)  # fmt: skip
def test_regularity_is_skew_and_deviation_in_halves(q: Quartiles, small: float, expected: float) -> None:
    assert b.regularity(q, small, SHAPE)[0] == pytest.approx(expected)


def test_rounding_is_half_up_and_ceiling() -> None:
    # Halves that floats hold exactly: 0.0625 and 0.1875 lie between the thousandths 62 and 63, 187 and 188.
    assert b.round3(np.array([0.0625, 0.1875, 0.5004])).tolist() == [0.063, 0.188, 0.5]
    assert b.ceil3(np.array([0.5, 0.5001, 0.0])).tolist() == [0.5, 0.501, 0.0]


def test_the_first_and_the_last_bar_take_what_lies_outside() -> None:
    bars = b.histogram(lists([90, 100, 109, 110, 339, 340, 400]), 100, 340, 24)
    assert bars.sum() == 7
    assert (bars[0, 0], bars[0, 1], bars[0, 23]) == (3, 1, 3)


def test_a_window_of_one_second_is_one_bar() -> None:
    assert b.histogram(lists([5, 5]), 5, 5, 24)[0].tolist() == [2] + [0] * 23


def bars(*heights: int) -> np.ndarray:
    return np.array([list(heights) + [0] * (24 - len(heights))], np.int64)


def test_equal_bars_are_flat() -> None:
    assert b.spread(bars(*[7] * 24), SHAPE)[0] == 1.0


def test_bars_in_two_halves_vary_too_much_to_be_flat() -> None:
    # half 0, half 4: mean 2, population sigma 2, 1 - 2/2 = 0; 12 filled bars of one height: min(1, 12/11) = 1
    assert b.spread(bars(*[4] * 12), SHAPE)[0] == 1.0
    # ten filled bars are too few for two heights: mean 10/6, sigma sqrt(70)/6 above it, so 0
    assert b.spread(bars(*[4] * 10), SHAPE)[0] == 0.0


def test_two_heights_explain_a_fraction_of_the_bars() -> None:
    found = b.spread(bars(100, 101, 102, 103, 104, 50, 51, 52, 53, 1, 30, 61), SHAPE)[0]
    # All bars vary by more than their mean, so nothing is flat. Highest 104, step ceil(5.2) = 6:
    # 100..101 -> 16, 102..104 -> 17, 50..53 -> 8, 1 -> 0, 30 -> 5, 61 -> 10
    assert found == pytest.approx((4 + 3) / 11)


def test_flat_bars_give_one_minus_variation() -> None:
    # 12 bars of 1 and 12 of 3: mean 2, sigma 1: 0.5; two heights (step 1): 24 of 23, so 1 where both may speak
    half = b.spread(bars(*[1, 3] * 12), b.Shape(3, 24, 10, 99, 0.05, 6, 12))[0]
    assert half == 0.5
    assert b.spread(bars(*[1, 3] * 12), SHAPE)[0] == 1.0


@pytest.mark.parametrize(
    ("filled", "expected"),
    [([], 0), ([3], 1), ([3, 4, 5], 3), ([22, 23, 0, 1], 4), (list(range(24)), 24), ([0, 2, 4], 1)],
)
def test_a_run_wraps_round_and_is_at_most_a_day(filled: list[int], expected: int) -> None:
    row = np.zeros((1, 24), bool)
    row[0, filled] = True
    assert b.longest_run(row)[0] == expected


def persistence(first: int, last: int, row: np.ndarray, run: int) -> float:
    return float(b.persistence(np.array([first]), np.array([last]), row, np.array([run]), 0, 1000, SHAPE)[0])


def test_persistence_is_what_is_covered_or_the_run() -> None:
    assert persistence(100, 400, bars(*[1] * 6), 3) == 0.3  # 300 of 1000 against 3 of 12
    assert persistence(100, 400, bars(*[1] * 6), 5) == 0.417  # ceil3(5 / 12)
    assert persistence(0, 1000, bars(*[1] * 6), 20) == 1.0
    assert persistence(0, 1000, bars(*[1] * 5), 5) == 0.0  # five bars are too few


def test_three_intervals_that_are_not_zero_are_needed() -> None:
    times = lists([0, 0, 60, 120, 180], [0, 60, 60, 120, 120], [0, 1, 2, 3])
    assert b.scorable(times, SHAPE).tolist() == [True, False, True]


def test_a_perfect_beacon_scores_one() -> None:
    day = list(range(0, 86_401, 300))
    s = b.score(lists(day), lists([500] * len(day)), 0, 86_400, SHAPE)
    assert (s.ts[0], s.ds[0], s.dur[0]) == (1.0, 1.0, 1.0)
    # 289 calls, the last in the last bar: 12 in each of 23 bars and 13 in one: two heights explain all of them
    assert s.hist[0] == 1.0
    assert s.score[0] == 1.0


def test_the_score_is_the_mean_of_its_parts() -> None:
    times = [0, 10, 30, 60, 100, 600, 1000]  # deltas 10 20 30 40 500 400, sorted 10 20 30 40 400 500
    s = b.score(lists(times), lists([10, 20, 30, 40, 400, 500, 500]), 0, 1000, SHAPE)
    # intervals: Q1 20, Q2 35, Q3 400; skew (420 - 70) / 380 = 0.92105; MAD of 35: 25 15 5 5 365 465 -> 20;
    # (0.07895 + 15/35) / 2 = 0.25376
    assert s.ts[0] == 0.254
    # sizes: Q1 20, Q2 40, Q3 500; skew (520 - 80) / 480 = 0.91667; MAD of 40: 30 20 10 0 360 460 460 -> 30;
    # (0.08333 + 0.25) / 2 = 0.16667
    assert s.ds[0] == 0.167
    # bins of 41.67 s: 0 10 30 | 60 | 100 | 600 | 1000: five filled bars, so no persistence and no two heights;
    # mean 7/24, squares 9+1+1+1+1 = 13: variance 13/24 - (7/24)^2 = 0.4566, sigma 0.6757 above the mean: 0
    assert (s.dur[0], s.hist[0]) == (0.0, 0.0)
    assert s.score[0] == 0.105  # 0.421 / 4 = 0.10525


@given(st.lists(st.lists(st.integers(0, 86_400), min_size=4, max_size=30, unique=True), min_size=1, max_size=6))
def test_pairs_do_not_touch_each_other_and_stay_within_bounds(values: list[list[int]]) -> None:
    ordered = [sorted(v) for v in values]
    sizes = [[v % 977 for v in part] for part in ordered]
    together = b.score(lists(*ordered), lists(*sizes), 0, 86_400, SHAPE)
    for i, (t, z) in enumerate(zip(ordered, sizes, strict=True)):
        alone = b.score(lists(t), lists(z), 0, 86_400, SHAPE)
        assert (together.score[i], together.hist[i]) == (alone.score[0], alone.hist[0])
    for part in (together.score, together.ts, together.ds, together.dur, together.hist):
        assert ((part >= 0) & (part <= 1)).all()
