"""Parameters: whatever text, bytes or number is bound, the server gets that and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fengsui.store.chdb import ChdbStore
from fengsui.store.literals import literal, parameters

SPECIAL = st.sampled_from("\\'\"`{}[](),;-N\n\r\t\0\b\f\x1a")
HOSTILE = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), SPECIAL))


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    opened = ChdbStore(None)
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None)
@given(text=HOSTILE, texts=st.lists(HOSTILE, max_size=5))
def test_any_text_comes_back_as_it_is(store: ChdbStore, text: str, texts: list[str]):
    sql = "SELECT {x:String} AS x, {y:Array(String)} AS y, {z:Array(Array(String))} AS z"
    (row,) = store.query(sql, {"x": text, "y": texts, "z": [texts, [text]]}).to_pylist()
    assert row == {"x": text, "y": texts, "z": [texts, [text]]}


@settings(max_examples=25, deadline=None)
@given(ids=st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=4))
def test_any_bytes_come_back_as_they_are(store: ChdbStore, ids: list[bytes]):
    sql = "SELECT {x:FixedString(16)} AS x, {y:Array(FixedString(16))} AS y"
    (row,) = store.query(sql, {"x": ids[0], "y": ids}).to_pylist()
    assert row == {"x": ids[0], "y": ids}


@settings(max_examples=20, deadline=None)
@given(n=st.integers(-(2**63), 2**63 - 1), f=st.floats(allow_nan=False, allow_infinity=False), b=st.booleans())
def test_any_number_comes_back_as_it_is(store: ChdbStore, n: int, f: float, b: bool):
    sql = "SELECT {n:Int64} AS n, {f:Float64} AS f, {b:Bool} AS b, {m:Array(Int64)} AS m, {c:Array(Bool)} AS c"
    (row,) = store.query(sql, {"n": n, "f": f, "b": b, "m": [n], "c": [b]}).to_pylist()
    assert row == {"n": n, "f": f, "b": b, "m": [n], "c": [b]}


def test_nothing_of_a_value_reaches_the_statement_unescaped():
    assert parameters({"x": "a'b\\c\n"}) == {"x": "a\\'b\\\\c\\n"}
    assert literal(["it's", True, 3, b"\x00'"]) == "['it\\'s',true,3,'\\x00\\x27']"


def test_what_cannot_be_bound_is_refused():
    with pytest.raises(TypeError, match="object"):
        parameters({"x": object()})
