"""Sigma conditions as ClickHouse WHERE expressions over the table of one kind.

pySigma parses rules and walks conditions; what an expression looks like is in ``predicates``, what a field means in
``fields``, how a value is written in ``literals``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.types import CompareOperators, SigmaString, SpecialChars

from detectors.sigma import predicates as sql
from detectors.sigma.fields import FIELDS, KEYWORDS, Field, Form

_OPERATORS = {
    CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">", CompareOperators.GTE: ">=",
}  # fmt: skip
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: sql.MANY, SpecialChars.WILDCARD_SINGLE: sql.ONE}
_MAX_NEEDLES = 255
_FLAG_LETTERS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}


class NotCovered(SigmaError):
    """The rule is sound, but asks for what is not here: a field, a log source, a kind of comparison."""

    def __init__(self, reason: str, word: str = "") -> None:
        super().__init__(reason)
        self.reason, self.word = reason, word


class ClickHouse(TextQueryBackend):
    """One instance per rule and kind: it notes the fields that the rule used."""

    name: ClassVar[str] = "ClickHouse over Fengsui's kinds"
    precedence: ClassVar[Any] = (ConditionNOT, ConditionAND, ConditionOR)
    group_expression: ClassVar[str | None] = "({expr})"
    token_separator = " "  # noqa: S105
    or_token: ClassVar[str] = "OR"  # noqa: S105
    and_token: ClassVar[str] = "AND"  # noqa: S105
    not_token: ClassVar[str] = "NOT"  # noqa: S105
    convert_or_as_in: ClassVar[bool] = True

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.used: dict[str, Field] = {}

    def field(self, name: str) -> Field:
        found = FIELDS[self.kind].get(name)
        if found is None:
            raise NotCovered(f"field {name} is not covered in {self.kind} events", name)
        self.used[name] = found
        return found

    # Values of a field.

    def convert_condition_field_eq_val_str(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, lambda f: sql.equals(f, pattern(cond.value), cased=False))

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, lambda f: sql.equals(f, pattern(cond.value), cased=True))

    def convert_condition_field_eq_val_num(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, lambda f: sql.compare(f, "=", cond.value.number))

    def convert_condition_field_eq_val_bool(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, lambda f: sql.boolean(f, bool(cond.value)))

    def convert_condition_field_eq_val_null(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, sql.absent)

    def convert_condition_field_eq_val_exists(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, sql.present if cond.value else sql.absent)

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: ConversionState) -> str:
        return self._said(cond, lambda f: sql.within(f, cond.value.network))

    def convert_condition_field_eq_val_re(self, cond: Any, state: ConversionState) -> str:
        expression, flags = regex(cond.value)
        return self._said(cond, lambda f: sql.matches(f, expression, flags))

    def convert_condition_field_compare_op_val(self, cond: Any, state: ConversionState) -> str:
        number = cond.value.number.number
        if cond.value.op is CompareOperators.NEQ:
            return self._said(cond, lambda f: f"NOT ({sql.compare(f, '=', number)})")
        return self._said(cond, lambda f: sql.compare(f, _OPERATORS[cond.value.op], number))

    def convert_condition_field_eq_field(self, cond: Any, state: ConversionState) -> str:
        v = cond.value
        how = {(True, True): "contains", (True, False): "startsWith", (False, True): "endsWith"}
        other = self.field(v.field)
        return self._said(cond, lambda f: sql.same(f, other, how.get((v.starts_with, v.ends_with), "equals")))

    def convert_condition_field_eq_val_timestamp_part(self, cond: Any, state: ConversionState) -> str:
        raise NotCovered("parts of a time are not covered", cond.field)

    def convert_condition_field_eq_query_expr(self, cond: Any, state: ConversionState) -> str:
        raise NotCovered("a query expression is not covered", cond.field)

    # Lists of plain text.

    def decide_convert_condition_as_in_expression(self, cond: Any, state: ConversionState) -> bool:
        return isinstance(cond, ConditionOR) and self._plain_list(cond) is not None

    def convert_condition_as_in_expression(self, cond: Any, state: ConversionState) -> str:
        found = self._plain_list(cond)
        assert found is not None
        make, values = found
        return self._said(cond.args[0], lambda f: make(f, values, False))

    def _plain_list(self, cond: ConditionOR) -> tuple[Callable[[Field, list[str], bool], str], list[str]] | None:
        """How to ask for all the alternatives at once, if they are texts of one shape for one text field."""
        args = [a for a in cond.args if isinstance(a, ConditionFieldEqualsValueExpression)]
        values = [a.value for a in args if type(a.value) is SigmaString]
        if len(values) < 2 or len(values) != len(cond.args) or len({a.field for a in args}) != 1:
            return None
        if self.field(args[0].field).form not in (Form.TEXT, Form.TEXTS):
            return None
        patterns = [pattern(v) for v in values]
        if all(len(p) == 1 and isinstance(p[0], str) and p[0] for p in patterns):
            return sql.one_of, [str(p[0]) for p in patterns]
        contains = all(len(p) == 3 and p[0] is p[2] is sql.MANY and isinstance(p[1], str) for p in patterns)
        if contains and len(patterns) <= _MAX_NEEDLES:
            return sql.contains_one_of, [str(p[1]) for p in patterns]
        return None

    # Values without a field: anywhere in the kind's text.

    def convert_condition_val_str(self, cond: Any, state: ConversionState) -> str:
        inner = [p for p in pattern(cond.value) if p is not sql.MANY]
        anywhere = [sql.MANY, *inner, sql.MANY] if len(inner) == 1 else [sql.MANY, *pattern(cond.value), sql.MANY]
        return self._anywhere(lambda f: sql.equals(f, anywhere, cased=False))

    def convert_condition_val_num(self, cond: Any, state: ConversionState) -> str:
        return self._anywhere(lambda f: sql.equals(f, [sql.MANY, str(cond.value), sql.MANY], cased=False))

    def convert_condition_val_re(self, cond: Any, state: ConversionState) -> str:
        expression, flags = regex(cond.value)
        return self._anywhere(lambda f: sql.matches(f, expression, flags))

    def convert_condition_query_expr(self, cond: ConditionValueExpression, state: ConversionState) -> str:
        raise NotCovered("a query expression is not covered")

    # What holds it together.

    def convert_condition_group(self, cond: Any, state: ConversionState) -> str:
        return f"({self.convert_condition(cond, state)})"

    def finish_query(self, rule: Any, query: Any, state: ConversionState) -> Any:
        return query  # never through str.format: a value may hold braces

    def finalize_query(self, rule: Any, query: Any, index: int, state: ConversionState, output_format: str) -> Any:
        return query

    def _said(self, cond: ConditionFieldEqualsValueExpression, make: Callable[[Field], str]) -> str:
        field = self.field(cond.field)
        try:
            return make(field)
        except NotCovered:
            raise
        except ValueError as e:
            raise NotCovered(f"field {cond.field}: {e}", cond.field) from e

    def _anywhere(self, make: Callable[[Field], str]) -> str:
        return "(" + " OR ".join(make(f) for f in KEYWORDS[self.kind]) + ")"


def pattern(value: SigmaString) -> list[str | sql.Wildcard]:
    """A Sigma string as text and wildcards."""
    parts: list[str | sql.Wildcard] = []
    for p in value.s:
        if isinstance(p, str):
            parts.append(p)
        elif isinstance(p, SpecialChars):
            if not (parts and p is SpecialChars.WILDCARD_MULTI and parts[-1] is sql.MANY):
                parts.append(_WILDCARDS[p])
        else:
            raise NotCovered(f"placeholder %{p.name}% has no values here", p.name)
    return parts or [""]


def regex(value: Any) -> tuple[str, str]:
    """Expression and flags. pySigma has tried it on RE2, which is the store's engine too."""
    return str(value.regexp), "".join(sorted(_FLAG_LETTERS[f.name] for f in value.flags))
