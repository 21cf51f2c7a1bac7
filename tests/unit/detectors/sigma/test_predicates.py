"""Each comparison beside a plain Python reading of it, over values that break quoting and patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.types import SigmaString

from detectors.sigma import literals
from detectors.sigma import predicates as p
from detectors.sigma.backend import pattern
from detectors.sigma.fields import Field, Form
from fengsui.store.chdb import ChdbStore

TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "a%b",
    "a_b",
    "axb",
    "a\\b",
    "a\\%b",
    "a'b",
    'a"b',
    "{x:String}",
    "中文",
    "中",
    "ÄÖ",
    "äö",
    "a\nb",
    "*",
    "?",
    "a*b",
    "a?b",
    "\ta",
    "a\x00b",
    "xaby",
    "10.0.0.1",
    "true",
    "5",
]
FIELD = Field("v", Form.TEXT)


@pytest.fixture(scope="module")
def store() -> Iterator[ChdbStore]:
    s = ChdbStore(None)
    yield s
    s.close()


def ask(store: ChdbStore, conditions: Sequence[str], rows: Sequence[str]) -> list[list[bool]]:
    """For each condition, whether each row (as ``v``) meets it."""
    columns = ", ".join(f"toUInt8({c}) AS c{i}" for i, c in enumerate(conditions))
    values = ", ".join(literals.text(r) for r in rows)
    table = store.query(
        f"SELECT {columns} FROM (SELECT arrayJoin(arrayEnumerate([{values}])) AS n, [{values}][n] AS v) ORDER BY n"
    )
    return [[bool(x) for x in table.column(f"c{i}").to_pylist()] for i in range(len(conditions))]


def reads(parts: Sequence[object], cased: bool) -> Callable[[str], bool]:
    """A pattern read by Python."""
    expression = "".join(".*" if x is p.MANY else "." if x is p.ONE else re.escape(str(x)) for x in parts)
    if list(parts) == [p.MANY]:
        return bool
    flags = re.DOTALL | (0 if cased else re.IGNORECASE)
    return lambda v: re.fullmatch(expression, v, flags) is not None


SHAPES: list[Callable[[str], list[object]]] = [
    lambda v: [v],
    lambda v: [p.MANY, v],
    lambda v: [v, p.MANY],
    lambda v: [p.MANY, v, p.MANY],
    lambda v: [v, p.MANY, "b"],
    lambda v: [p.ONE, v],
    lambda v: [v, p.ONE, "b"],
    lambda v: [p.MANY, v, p.ONE],
]


@pytest.mark.parametrize("cased", [False, True])
def test_a_pattern_matches_what_it_says(store: ChdbStore, cased: bool) -> None:
    patterns = [shape(v) for v in TEXTS if v for shape in SHAPES] + [[""], [p.MANY], [p.ONE], [p.ONE, p.ONE]]
    got = ask(store, [p.equals(FIELD, q, cased) for q in patterns], TEXTS)  # type: ignore[arg-type]
    for q, answers in zip(patterns, got, strict=True):
        assert answers == [reads(q, cased)(v) for v in TEXTS], f"{q} cased={cased}"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text("aAbB%_\\'*?{}", max_size=6), min_size=1, max_size=12),
    st.text("aAb%_\\'*?{", min_size=1, max_size=5),
)
def test_a_sigma_string_matches_what_pysigma_says(store: ChdbStore, rows: list[str], written: str) -> None:
    parts = pattern(SigmaString(written))
    got = ask(store, [p.equals(FIELD, parts, False)], rows)[0]
    assert got == [reads(parts, False)(v) for v in rows]


@pytest.mark.parametrize("cased", [False, True])
def test_a_list_of_texts_is_any_of_them(store: ChdbStore, cased: bool) -> None:
    wanted = ["AB", "中文", "a'b", "{x:String}", "a%b"]
    fold: Callable[[str], str] = (lambda v: v) if cased else str.lower
    one, inside = ask(store, [p.one_of(FIELD, wanted, cased), p.contains_one_of(FIELD, wanted, cased)], TEXTS)
    assert one == [fold(v) in [fold(w) for w in wanted] for v in TEXTS]
    assert inside == [any(fold(w) in fold(v) for w in wanted) for v in TEXTS]


@pytest.mark.parametrize(
    ("expression", "flags"),
    [
        ("^a.b$", ""),
        ("^a.b$", "s"),
        ("A", ""),
        ("A", "i"),
        ("^b", ""),
        ("^b", "m"),
        (r"a\\b", ""),
        ("中", ""),
        (r"\x00", ""),
        ("a'b", ""),
        (r"^\{x", ""),
        ("[%_]", ""),
    ],
)
def test_a_regular_expression_is_found_as_python_finds_it(store: ChdbStore, expression: str, flags: str) -> None:
    python = re.compile(expression, sum({"i": re.I, "m": re.M, "s": re.S}[f] for f in flags))
    assert ask(store, [p.matches(FIELD, expression, flags)], TEXTS)[0] == [bool(python.search(v)) for v in TEXTS]


NUMBERS = ["0", "1", "5", "5.5", "-1", "443", "18446744073709551615", "x", ""]


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
def test_text_that_is_a_number_compares_as_one_and_other_text_never(store: ChdbStore, operator: str) -> None:
    python = {"=": float.__eq__, "<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}[operator]
    got = ask(store, [p.compare(FIELD, operator, 5)], NUMBERS)[0]
    assert got == [bool(v and v != "x" and python(float(v), 5.0)) for v in NUMBERS]


def test_an_absent_number_equals_nothing_and_its_negation_is_true(store: ChdbStore) -> None:
    field = Field("toUInt16OrNull(v)", Form.NUMBER, optional=True)
    rows = ["200", "404", ""]
    equal, wild, more = p.compare(field, "=", 200), p.equals(field, ["2", p.MANY], False), p.compare(field, ">", 300)
    conditions = [equal, f"NOT ({equal})", wild, f"NOT ({wild})", more, p.present(field), p.absent(field)]
    assert ask(store, conditions, rows) == [
        [True, False, False], [False, True, True], [True, False, False], [False, True, True], [False, True, False],
        [True, True, False], [False, False, True],
    ]  # fmt: skip


def test_a_list_matches_if_any_entry_does(store: ChdbStore) -> None:
    field = Field("splitByChar(',', v)", Form.TEXTS)
    rows = ["a,b", "b,C", "10.0.0.1,x", "d"]
    conditions = [p.equals(field, ["c"], False), p.equals(field, [p.MANY, "b", p.MANY], False),
                  p.within(field, literals.IPv4Network("10.0.0.0/8")), p.one_of(field, ["A", "d"], False)]  # fmt: skip
    assert ask(store, conditions, rows) == [
        [False, True, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [True, False, False, True],
    ]


def test_text_that_is_no_address_lies_in_no_network(store: ChdbStore) -> None:
    rows = ["10.1.2.3", "10.1.2.3/8", "", "x", "fe80::1", "::ffff:10.0.0.1"]
    v4 = p.within(FIELD, literals.IPv4Network("10.0.0.0/8"))
    v6 = p.within(FIELD, literals.IPv6Network("fe80::/10"))
    assert ask(store, [v4, f"NOT {v4}", v6], rows) == [
        [True, False, False, False, False, True], [False, True, True, True, True, False],
        [False, False, False, False, True, False],
    ]  # fmt: skip


def test_an_address_is_compared_as_an_address_and_its_pattern_as_text(store: ChdbStore) -> None:
    field = Field("assumeNotNull(toIPv6OrNull(v))", Form.IP)
    rows = ["10.0.0.1", "10.0.0.11", "2001:db8::1"]
    conditions = [p.equals(field, ["10.0.0.1"], False), p.equals(field, ["2001:DB8:0::1"], False),
                  p.equals(field, ["10.", p.MANY, "1"], False)]  # fmt: skip
    assert ask(store, conditions, rows) == [[True, False, False], [False, False, True], [True, True, False]]


@pytest.mark.parametrize(("form", "value"), [(Form.IP, "localhost"), (Form.NUMBER, "http"), (Form.BOOL, "maybe")])
def test_a_value_that_the_field_cannot_have_is_refused(form: Form, value: str) -> None:
    with pytest.raises(p.Mismatch):
        p.equals(Field("v", form), [value], False)


def test_one_field_is_compared_with_another(store: ChdbStore) -> None:
    left, right = Field("splitByChar('|', v)[1]", Form.TEXT), Field("splitByChar('|', v)[2]", Form.TEXT)
    rows = ["ab|AB", "xab|ab", "abx|ab", "a|b", "a_b|axb", "a%|abc"]
    how = ("equals", "startsWith", "endsWith", "contains")
    pairs = [r.lower().split("|") for r in rows]
    wanted = [[a == b for a, b in pairs], [a.startswith(b) for a, b in pairs], [a.endswith(b) for a, b in pairs],
              [b in a for a, b in pairs]]  # fmt: skip
    assert ask(store, [p.same(left, right, h) for h in how], rows) == wanted
