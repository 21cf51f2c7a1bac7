"""Cursors come back as they went, to their own query and to no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cursor
from api.problems import ProblemError

VALUES = st.lists(st.one_of(st.integers(-(2**62), 2**62), st.text()), max_size=4)


@given(VALUES)
def test_what_was_put_in_comes_out(values):
    assert cursor.decode("q", cursor.encode("q", values), tuple(map(type, values))) == values


@given(VALUES)
def test_another_query_refuses_it(values):
    with pytest.raises(ProblemError):
        cursor.decode("other", cursor.encode("q", values), tuple(map(type, values)))


@given(st.text(max_size=60))
def test_any_text_is_refused_and_breaks_nothing(text):
    with pytest.raises(ProblemError):
        cursor.decode("q", text, (int, str))


def test_values_of_other_types_are_refused():
    with pytest.raises(ProblemError):
        cursor.decode("q", cursor.encode("q", ["a", 1]), (int, str))
    with pytest.raises(ProblemError):
        cursor.decode("q", cursor.encode("q", [1]), (int, str))
