"""Comparisons of one field with one value, as SQL. Pure: text in, text out.

Sigma's text comparisons ignore case unless told otherwise. Each expression is true or false and never NULL, so that a
negation means what it says: an absent value equals nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from detectors.sigma import literals
from detectors.sigma.fields import Field, Form


class Wildcard:
    """A wildcard in a pattern."""

    def __init__(self, name: str) -> None:
        self.name = name


MANY, ONE = Wildcard("*"), Wildcard("?")
Pattern = Sequence[str | Wildcard]
"""Text and wildcards, as Sigma parsed them."""

_ADDRESS_TEXT = "replaceRegexpOne(IPv6NumToString({sql}), '^::ffff:', '')"
_TRUE_WORDS, _FALSE_WORDS = ("true", "1"), ("false", "0")


class Mismatch(ValueError):
    """The value cannot be compared with this field."""


def sure(field: Field, condition: str) -> str:
    return f"ifNull({condition}, false)" if field.optional else condition


def each(field: Field, condition: Callable[[str], str]) -> str:
    """A condition on text: on the value, on any entry of a list, on an address or number as text."""
    if field.form is Form.TEXTS:
        return f"arrayExists(x -> {condition('x')}, {field.sql})"
    if field.form is Form.IP:
        return condition(_ADDRESS_TEXT.format(sql=field.sql))
    if field.form is Form.TEXT:
        return sure(field, condition(field.sql))
    return sure(field, condition(f"toString({field.sql})"))


def folded(operand: str, values: Sequence[str], cased: bool) -> tuple[str, list[str]]:
    """Operand and literals to compare, letter case taken away on both sides by the same function."""
    if cased:
        return operand, [literals.text(v) for v in values]
    if all(v.isascii() for v in values):
        return f"lower({operand})", [literals.text(v.lower()) for v in values]
    return f"lowerUTF8({operand})", [f"lowerUTF8({literals.text(v)})" for v in values]


def equals(field: Field, pattern: Pattern, cased: bool) -> str:
    """The field is like the pattern."""
    if list(pattern) == [MANY]:
        return present(field)
    plain = "".join(p for p in pattern if isinstance(p, str)) if all(isinstance(p, str) for p in pattern) else None
    if plain is not None and field.form not in (Form.TEXT, Form.TEXTS):
        return _equals_typed(field, plain)
    if plain == "":
        return absent(field)
    return each(field, lambda x: text_matches(x, pattern, cased))


def _equals_typed(field: Field, value: str) -> str:
    if field.form is Form.IP:
        try:
            return f"{field.sql} = {literals.address(ip_address(value.strip()))}"
        except ValueError:
            raise Mismatch(f"{value!r} is not an address") from None
    if field.form is Form.BOOL:
        word = value.strip().lower()
        if word not in _TRUE_WORDS + _FALSE_WORDS:
            raise Mismatch(f"{value!r} is neither true nor false")
        return boolean(field, word in _TRUE_WORDS)
    try:
        return compare(field, "=", float(value) if "." in value else int(value))
    except ValueError:
        raise Mismatch(f"{value!r} is not a number") from None


def text_matches(operand: str, pattern: Pattern, cased: bool) -> str:
    """The cheapest function that says what the pattern says."""
    strings = [p for p in pattern if isinstance(p, str)]
    shape = [p if isinstance(p, Wildcard) else "text" for p in pattern]
    if shape in (["text"], ["text", MANY], [MANY, "text"], [MANY, "text", MANY]):
        x, (value,) = folded(operand, strings, cased)
        if shape == ["text"]:
            return f"{x} = {value}"
        if shape == ["text", MANY]:
            return f"startsWith({x}, {value})"
        if shape == [MANY, "text"]:
            return f"endsWith({x}, {value})"
        return f"position({x}, {value}) > 0"
    return _like(operand, pattern, cased)


def _like(operand: str, pattern: Pattern, cased: bool) -> str:
    x, (value,) = folded(operand, ["".join(_like_part(p) for p in pattern)], cased)
    return f"{x} LIKE {value}"


def _like_part(part: str | Wildcard) -> str:
    if isinstance(part, Wildcard):
        return "%" if part is MANY else "_"
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def one_of(field: Field, values: Sequence[str], cased: bool) -> str:
    """The field is one of several plain texts."""

    def condition(operand: str) -> str:
        x, options = folded(operand, values, cased)
        return f"{x} IN ({', '.join(options)})"

    return each(field, condition)


def contains_one_of(field: Field, values: Sequence[str], cased: bool) -> str:
    """The field holds one of several plain texts, at most 255 (a limit of the function)."""

    def condition(operand: str) -> str:
        x, needles = folded(operand, values, cased)
        return f"multiSearchAny({x}, [{', '.join(needles)}])"

    return each(field, condition)


def matches(field: Field, expression: str, flags: str) -> str:
    """A regular expression found anywhere in the field, case-sensitive unless ``flags`` has i."""
    # Here a dot matches a line break unless told not to.
    prefix = "" if "s" in flags else "(?-s)"
    set_flags = f"(?{flags})" if flags else ""
    return each(field, lambda x: f"match({x}, {literals.text(prefix + set_flags + expression)})")


def within(field: Field, network: IPv4Network | IPv6Network) -> str:
    """The field's address lies in the network. Text that is no address lies in none."""
    if field.form is Form.IP:
        return literals.within(field.sql, network)
    if field.form not in (Form.TEXT, Form.TEXTS):
        raise Mismatch("holds no addresses")
    return each(field, lambda x: f"ifNull({literals.within(f'toIPv6OrNull({x})', network)}, false)")


def compare(field: Field, operator: str, value: int | float) -> str:
    """Numeric comparison with one of = < <= > >=."""
    right = literals.number(value)
    if field.form is Form.NUMBER:
        return sure(field, f"{field.sql} {operator} {right}")
    if field.form is Form.BOOL and operator == "=" and value in (0, 1):
        return boolean(field, bool(value))
    if field.form in (Form.TEXT, Form.TEXTS):
        return each(field, lambda x: f"ifNull(toFloat64OrNull({x}) {operator} {right}, false)")
    raise Mismatch(f"cannot be compared with the number {value}")


def boolean(field: Field, value: bool) -> str:
    if field.form is Form.BOOL:
        return sure(field, field.sql if value else f"NOT ({field.sql})")
    if field.form is Form.NUMBER:
        return compare(field, "=", int(value))
    return equals(field, ["true" if value else "false"], False)


def present(field: Field) -> str:
    """Empty text and an empty list are how an absent value is kept; a number that is not optional is always there."""
    if field.optional:
        return f"isNotNull({field.sql})"
    if field.form in (Form.TEXT, Form.TEXTS):
        return f"notEmpty({field.sql})"
    return "true"


def absent(field: Field) -> str:
    return f"NOT {present(field)}"


def same(left: Field, right: Field, how: str) -> str:
    """One field against another: ``how`` is equals, startsWith, endsWith or contains."""
    if how == "equals" and left.form is right.form and left.form in (Form.IP, Form.NUMBER, Form.BOOL):
        return sure(Field("", left.form, left.optional or right.optional), f"{left.sql} = {right.sql}")
    if right.form is Form.TEXTS:
        raise Mismatch("a list cannot stand on the right of a comparison of fields")
    other = _ADDRESS_TEXT.format(sql=right.sql) if right.form is Form.IP else f"toString({right.sql})"
    both = Field(left.sql, left.form, left.optional or right.optional)
    forms = {
        "equals": "lowerUTF8({x}) = lowerUTF8({y})", "startsWith": "startsWith(lowerUTF8({x}), lowerUTF8({y}))",
        "endsWith": "endsWith(lowerUTF8({x}), lowerUTF8({y}))",
        "contains": "position(lowerUTF8({x}), lowerUTF8({y})) > 0",
    }  # fmt: skip
    return each(both, lambda x: forms[how].format(x=x, y=other))
