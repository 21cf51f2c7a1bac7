"""Statistics of many lists at once, against numbers worked out by hand and against each list on its own."""

from __future__ import annotations

from statistics import median

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from detectors.hunts.segments import Lists, quartiles

LISTS = st.lists(st.lists(st.integers(0, 10_000), min_size=2, max_size=12), min_size=1, max_size=8)


def lists(*values: list[int]) -> Lists:
    flat = np.array([v for part in values for v in part], np.int64)
    return Lists.of(flat, np.array([len(v) for v in values], np.int64))


def test_the_middle_element_is_left_out_of_both_halves_of_an_odd_list() -> None:
    # 1 2 | 5 | 7 9: halves (1, 2) and (7, 9); distances from 5 are 4 3 0 2 4, whose median is 3.
    q = quartiles(lists([1, 2, 5, 7, 9]))
    assert (q.q1[0], q.q2[0], q.q3[0], q.mad[0]) == (1.5, 5.0, 8.0, 3.0)


def test_an_even_list_is_cut_in_two() -> None:
    # 1 2 3 | 4 10 12: medians 2 and 10, the middle 3.5; distances 2.5 1.5 0.5 0.5 6.5 8.5, median 2.
    q = quartiles(lists([1, 2, 3, 4, 10, 12]))
    assert (q.q1[0], q.q2[0], q.q3[0], q.mad[0]) == (2.0, 3.5, 10.0, 2.0)


@given(LISTS)
def test_many_lists_at_once_are_as_each_alone(values: list[list[int]]) -> None:
    q = quartiles(lists(*values).sorted())
    for i, part in enumerate(values):
        ordered, half = sorted(part), len(part) // 2
        middle = median(ordered)
        assert q.q1[i] == median(ordered[:half])
        assert q.q2[i] == middle
        assert q.q3[i] == median(ordered[-half:])
        assert q.mad[i] == median(abs(v - middle) for v in ordered)


@given(LISTS, st.randoms(use_true_random=False))
def test_keeping_and_taking_never_mix_lists(values: list[list[int]], random: object) -> None:
    all_of = lists(*values)
    even = all_of.keep(all_of.values % 2 == 0)
    chosen = np.arange(len(values), dtype=np.int64)[::-1]
    taken = even.take(chosen)
    assert [taken.list(i).tolist() for i in range(len(values))] == [
        [v for v in p if v % 2 == 0] for p in reversed(values)
    ]


def test_an_answer_of_the_store_keeps_its_empty_lists() -> None:
    table = pa.chunked_array([pa.array([[3, 1], []], pa.list_(pa.uint32())), pa.array([[7]], pa.list_(pa.uint32()))])
    read = Lists.from_arrow(table)
    assert [read.list(i).tolist() for i in range(3)] == [[3, 1], [], [7]]
