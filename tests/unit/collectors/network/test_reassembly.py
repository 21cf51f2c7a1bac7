"""One side of a connection: whatever the order and the overlap, each byte once."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from collectors.network.reassembly import Budget, Side

STREAM = bytes(random.Random(1).randrange(256) for _ in range(400))

segments = st.lists(st.tuples(st.integers(0, 399), st.integers(1, 80)), max_size=40)


def side(limit: int = 1 << 20, total: int = 1 << 20) -> Side:
    return Side(Budget(total), limit)


@given(segments, st.integers(1, 60), st.randoms(use_true_random=False))
def test_any_order_and_overlap_gives_the_stream(extra: list[tuple[int, int]], step: int, rng: random.Random) -> None:
    parts = [(i, STREAM[i : i + step]) for i in range(0, len(STREAM), step)] + [
        (i, STREAM[i : i + n]) for i, n in extra
    ]
    rng.shuffle(parts)
    s = side()
    out = [p for at, data in parts for p in s.add(at + 1, data)]
    assert all(isinstance(p, bytes) for p in out)
    assert b"".join(out) == STREAM  # type: ignore[arg-type]
    assert (s.size, s.budget.used, s.held) == (0, 0, [])


@given(segments)
def test_what_is_missing_is_told_with_its_size(parts: list[tuple[int, int]]) -> None:
    s = side()
    out = [p for at, n in parts for p in s.add(at + 1, STREAM[at : at + n])]
    out += [*s.flush(), *s.skip(401)]
    model: dict[int, int] = {i: STREAM[i] for at, n in parts for i in range(at, min(at + n, 400))}
    at = 0
    for p in out:
        if isinstance(p, int):
            assert not any(i in model for i in range(at, at + p))
            at += p
        else:
            assert p == bytes(model[i] for i in range(at, at + len(p)))
            at += len(p)
    assert at == 400
    assert (s.size, s.budget.used) == (0, 0)


def test_the_first_copy_of_a_byte_wins_before_and_after_delivery() -> None:
    s = side()
    assert list(s.add(5, b"XX")) == []
    assert list(s.add(1, b"aaaaaaaa")) == [b"aaaaXXaa"]
    assert list(s.add(1, b"bbbbbbbbcc")) == [b"cc"]


@given(st.lists(st.tuples(st.integers(2, 100_000), st.integers(1, 500)), max_size=60))
def test_memory_is_bounded_whatever_comes(parts: list[tuple[int, int]]) -> None:
    s = side(limit=2000)
    for at, n in parts:
        list(s.add(at, bytes(n)))
        assert s.size == s.budget.used == sum(len(d) for _, d in s.held) <= 2000


def test_the_budget_of_all_sides_is_kept() -> None:
    budget = Budget(1000)
    sides = [Side(budget, 800) for _ in range(5)]
    for s in sides:
        list(s.add(100, bytes(600)))
    assert budget.used <= 1000
    assert budget.given_up > 0
