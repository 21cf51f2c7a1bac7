"""What the store's regular expression engine (RE2) cannot do, found before the store refuses it."""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MAX_REPEAT = 1000  # RE2's bound on a counted repetition

_REFUSED = {
    sre.ASSERT: "look-around", sre.ASSERT_NOT: "look-around", sre.GROUPREF: "a back reference",
    sre.GROUPREF_EXISTS: "a conditional group", sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repetition",
}  # fmt: skip


def unsupported(expression: str) -> str:
    """What in the expression RE2 does not know, in words; empty if nothing."""
    try:
        tree = _parser.parse(expression)
    except re.error as e:
        return f"an error ({e})"
    return _walk(tree)


def _walk(node: Any) -> str:
    if isinstance(node, _parser.SubPattern):
        return next((found for item in node if (found := _item(*item))), "")
    if isinstance(node, (list, tuple)):
        return next((found for part in node if (found := _walk(part))), "")
    return ""


def _item(operation: Any, argument: Any) -> str:
    if operation in _REFUSED:
        return str(_REFUSED[operation])
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, _ = argument
        if low > MAX_REPEAT or (high is not sre.MAXREPEAT and high > MAX_REPEAT):
            return f"a repetition of more than {MAX_REPEAT}"
    return _walk(argument)
