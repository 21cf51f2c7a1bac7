"""Cursors: where a page ended, with a digest of the query it belongs to, so that one from elsewhere is told."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from api.problems import ProblemError


def digest(query: Any) -> str:
    """A short name of a query: the same filters and order, the same name."""
    return hashlib.blake2b(msgspec.json.encode(query, order="sorted"), digest_size=6).hexdigest()


def encode(query: Any, values: list[int | str]) -> str:
    raw = msgspec.json.encode([digest(query), *values])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(query: Any, text: str, types: tuple[type, ...]) -> list[Any]:
    """The values of a cursor of this query. Raises a 400 problem for anything else."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        mine, *values = msgspec.json.decode(raw, type=list[int | str])
    except (binascii.Error, ValueError, msgspec.DecodeError) as e:
        raise ProblemError(400, "unknown-cursor") from e
    fits = len(values) == len(types) and all(type(v) is t for v, t in zip(values, types, strict=True))
    if mine != digest(query) or not fits or any(type(v) is int and abs(v) >= 1 << 63 for v in values):
        raise ProblemError(400, "unknown-cursor")
    return values
