"""The JSON form of events: an object an event, times as RFC 3339, addresses in shortest form, absent left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from typing import Any

import msgspec
import pyarrow as pa

from fengsui.batch import Batch
from fengsui.schema import KINDS, Type

_EPOCH = datetime.fromtimestamp(0, UTC)
_V4 = bytes(10) + b"\xff\xff"


def ip_text(raw: bytes) -> str:
    """The shortest text of a 16-byte address; IPv4 if mapped."""
    return ".".join(map(str, raw[12:])) if raw[:12] == _V4 else str(IPv6Address(raw))


def time_text(us: int) -> str:
    """Microseconds since 1970 as RFC 3339 in UTC with microseconds."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds")[:-6] + "Z"


def _values(array: pa.Array, kind: Type) -> list[Any]:
    if kind is Type.TIME:
        return [None if v is None else time_text(v) for v in array.cast(pa.int64()).to_pylist()]
    if kind is Type.TIMES:
        return [[time_text(us) for us in v] for v in array.cast(pa.list_(pa.int64())).to_pylist()]
    values: list[Any] = array.to_pylist()
    if kind is Type.IP:
        seen: dict[bytes, str] = {}
        return [seen.get(v) or seen.setdefault(v, ip_text(v)) for v in values]
    if kind is Type.ID:
        return [v.hex() for v in values]
    return values


def objects(batch: Batch) -> Iterator[dict[str, Any]]:
    """Each row as an object with ``kind`` first. Absent values (null, empty text, empty list) are left out."""
    kind = KINDS[batch.kind]
    names = [c.name for c in kind.columns]
    columns = [_values(batch.column(c.name), c.type) for c in kind.columns]
    for row in zip(*columns, strict=True):
        out: dict[str, Any] = {"kind": batch.kind}
        for name, value in zip(names, row, strict=True):
            if value is not None and value != "" and value != []:
                out[name] = value
        yield out


def lines(batch: Batch) -> bytes:
    """The batch as JSON lines."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(o) + b"\n" for o in objects(batch))
