"""How parameters travel: as text that the server parses into the type named in ``{name:Type}``. Never into the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\b": "\\b", "\f": "\\f"}


def parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as chDB takes them: scalars as they are, lists as ClickHouse literals, bytes as text of their bytes."""
    return {name: _outer(v) for name, v in values.items()}


def _outer(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return _escape(value)
    if isinstance(value, (bytes, bytearray)):
        return _hex(value)
    return literal(value)


def literal(value: Any) -> str:
    """A value inside an array or tuple literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return "'" + _escape(value) + "'"
    if isinstance(value, (bytes, bytearray)):
        return "'" + _hex(value) + "'"
    if isinstance(value, Iterable):
        return "[" + ",".join(literal(v) for v in value) + "]"
    raise TypeError(f"cannot bind {type(value).__name__}")


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text)


def _hex(raw: bytes | bytearray) -> str:
    return "".join(f"\\x{b:02x}" for b in raw)
