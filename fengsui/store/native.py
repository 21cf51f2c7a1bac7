"""ClickHouse's native column form, to and from Arrow: whole buffers, no Python object for a value.

Arrow types are those that the embedded engine gives for the same ClickHouse types, so that a query has the same answer
on both. Written after the format's description in ClickHouse's documentation ("Native format") and tried against it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_FIXED: dict[str, pa.DataType] = {
    "UInt8": pa.uint8(), "UInt16": pa.uint16(), "UInt32": pa.uint32(), "UInt64": pa.uint64(), "Int8": pa.int8(),
    "Int16": pa.int16(), "Int32": pa.int32(), "Int64": pa.int64(), "Float32": pa.float32(), "Float64": pa.float64(),
    "Date": pa.date32(), "DateTime": pa.uint32(), "Date32": pa.date32(), "IPv4": pa.uint32(), "IPv6": pa.binary(16),
    "UUID": pa.binary(16), "Enum8": pa.int8(), "Enum16": pa.int16(),
}  # fmt: skip
_UNITS = {0: "s", 3: "ms", 6: "us", 9: "ns"}
_KEYS = (np.uint8, np.uint16, np.uint32, np.uint64)
_ADDITIONAL, _UPDATE = 1 << 9, 1 << 10
"""Of a column of low cardinality: its dictionary comes with the block, and replaces the one before."""


class Reader(Protocol):
    """What columns are read from: the driver's buffered reader."""

    def read(self, n: int) -> bytes: ...

    def read_strings_arrow(self, n: int) -> tuple[bytes, bytes]:
        """Offsets (n + 1 times int64) and the bytes of n strings."""
        ...


@dataclass(frozen=True)
class Type:
    """A ClickHouse type: its name without arguments, and those."""

    name: str
    arguments: tuple[str, ...] = ()

    @property
    def inner(self) -> Type:
        return parse(self.arguments[0])

    @property
    def width(self) -> int:
        """Bytes of a fixed string."""
        return int(self.arguments[0])


def parse(text: str) -> Type:
    """``Array(Tuple(UInt8, String))`` as a type. Raises ValueError if it is none."""
    text = text.strip()
    found = re.fullmatch(r"(\w+)(?:\((.*)\))?", text, re.DOTALL)
    if found is None:
        raise ValueError(f"not a type: {text!r}")
    return Type(found[1], tuple(_split(found[2])) if found[2] else ())


def _split(text: str) -> list[str]:
    out, depth, quoted, start = [], 0, False, 0
    for i, c in enumerate(text):
        if c == "'" and (i == 0 or text[i - 1] != "\\"):
            quoted = not quoted
        elif not quoted:
            depth += (c == "(") - (c == ")")
            if c == "," and depth == 0:
                out.append(text[start:i].strip())
                start = i + 1
    return [*out, text[start:].strip()]


def arrow_type(t: Type) -> pa.DataType:
    """The Arrow type of a ClickHouse type. Raises ValueError for those that no query of ours gives."""
    match t.name:
        case "String":
            return pa.string()
        case "FixedString":
            return pa.binary(t.width)
        case "Bool":
            return pa.bool_()
        case "DateTime64":
            zone = t.arguments[1].strip("'") if len(t.arguments) > 1 else None
            return pa.timestamp(_UNITS[int(t.arguments[0])], tz=zone)
        case "LowCardinality" | "Nullable":
            return arrow_type(t.inner)
        case "Array":
            return pa.list_(_field("item", t.inner))
        case "Tuple":
            named = [a.split(" ", 1) if re.match(r"\w+ \w", a) else (str(i + 1), a) for i, a in enumerate(t.arguments)]
            return pa.struct([_field(name.strip("`"), parse(of)) for name, of in named])
        case name if name in _FIXED:
            return _FIXED[name]
    raise ValueError(f"columns of type {t.name} are not read")


def _field(name: str, t: Type) -> pa.Field:
    return pa.field(name, arrow_type(t), nullable=_nullable(t))


def _nullable(t: Type) -> bool:
    return t.name == "Nullable" or (t.name == "LowCardinality" and t.inner.name == "Nullable")


def decode(t: Type, n: int, read: Reader) -> pa.Array:
    """A column of n values. Raises ValueError for a type that is not read."""
    _skip_prefix(t, read)
    return _data(t, n, read)


def _skip_prefix(t: Type, read: Reader) -> None:
    if t.name == "LowCardinality":
        read.read(8)
    elif t.name in ("Array", "Nullable"):
        _skip_prefix(t.inner, read)
    elif t.name == "Tuple":
        for of in _members(t):
            _skip_prefix(of, read)


def _members(t: Type) -> list[Type]:
    return [parse(a.split(" ", 1)[1] if re.match(r"\w+ \w", a) else a) for a in t.arguments]


def _data(t: Type, n: int, read: Reader) -> pa.Array:
    kind = arrow_type(t)
    match t.name:
        case "String":
            return _strings(n, read)
        case "Bool":
            return pa.array(np.frombuffer(read.read(n), np.uint8).astype(np.bool_))
        case "LowCardinality":
            return _low(t.inner, n, read)
        case "Nullable":
            absent = np.frombuffer(read.read(n), np.uint8).astype(np.bool_)
            return _masked(_data(t.inner, n, read), absent)
        case "Array":
            ends = np.frombuffer(read.read(8 * n), np.uint64).astype(np.int32)
            items = _data(t.inner, int(ends[-1]) if n else 0, read)
            return pa.ListArray.from_arrays(pa.array(np.concatenate([np.zeros(1, np.int32), ends])), items, type=kind)
        case "Tuple":
            return pa.StructArray.from_arrays([_data(of, n, read) for of in _members(t)], fields=list(kind))
    if t.name == "Date":
        return pa.array(np.frombuffer(read.read(2 * n), np.uint16).astype(np.int32)).cast(kind)
    raw = read.read(n * kind.bit_width // 8)
    return pa.Array.from_buffers(kind, n, [None, pa.py_buffer(raw)])


def _strings(n: int, read: Reader) -> pa.Array:
    offsets, data = read.read_strings_arrow(n)
    ends = np.frombuffer(offsets, np.int64)
    if len(ends) and ends[-1] > np.iinfo(np.int32).max:
        raise ValueError("more than 2 GiB of text in one block")
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), n, buffers)


def _low(inner: Type, n: int, read: Reader) -> pa.Array:
    """Values by keys into a dictionary; of a nullable type the first entry stands for null."""
    if n == 0:
        return pa.array([], arrow_type(inner))
    flags, size = np.frombuffer(read.read(16), np.uint64).tolist()
    nullable = inner.name == "Nullable"
    values = _data(inner.inner if nullable else inner, size, read)
    read.read(8)
    kind = _KEYS[flags & 0xF]
    keys = np.frombuffer(read.read(n * np.dtype(kind).itemsize), kind)
    if nullable:
        values = pa.concat_arrays([pa.nulls(1, values.type), values.slice(1)])
    return values.take(pa.array(keys))


def _masked(values: pa.Array, absent: npt.NDArray[np.bool_]) -> pa.Array:
    if not absent.any():
        return values
    return pc.if_else(pa.array(~absent), values, pa.nulls(len(values), values.type))


def encode(t: Type, values: pa.Array) -> list[bytes | memoryview]:
    """A column as its pieces of bytes. ``values`` has the Arrow type of ``t``; nulls only where ``t`` is nullable."""
    return [*_prefix(t), *_pieces(t, values)]


def _prefix(t: Type) -> list[bytes]:
    if t.name == "LowCardinality":
        return [(1).to_bytes(8, "little")]
    return _prefix(t.inner) if t.name in ("Array", "Nullable") else []


def _pieces(t: Type, values: pa.Array) -> list[bytes | memoryview]:
    match t.name:
        case "String":
            return [_string_bytes(values)]
        case "Bool":
            return [values.cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes()]
        case "LowCardinality":
            return _low_pieces(t.inner, values)
        case "Nullable":
            absent = values.is_null().cast(pa.uint8()).to_numpy(zero_copy_only=False)
            return [absent.tobytes(), *_pieces(t.inner, _filled(values))]
        case "Array":
            ends = values.offsets.to_numpy()
            flat = values.values.slice(int(ends[0]), int(ends[-1] - ends[0]))
            return [(ends[1:] - ends[0]).astype(np.uint64).tobytes(), *_pieces(t.inner, flat)]
        case _:
            width = arrow_type(t).bit_width // 8
            start = values.offset * width
            return [memoryview(values.buffers()[1])[start : start + len(values) * width]]


def _filled(values: pa.Array) -> pa.Array:
    """With nothing (zero, empty) in the place of nulls."""
    if not values.null_count:
        return values
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.int64()).fill_null(0).cast(values.type)
    return values.fill_null("" if pa.types.is_string(values.type) else 0)


def _low_pieces(inner: Type, values: pa.Array) -> list[bytes | memoryview]:
    found = values.dictionary_encode()
    size = len(found.dictionary)
    code = 0 if size <= 1 << 8 else 1 if size <= 1 << 16 else 2
    if not len(values):
        return []
    keys = found.indices.to_numpy().astype(_KEYS[code])
    head = np.array([_ADDITIONAL | _UPDATE | code, size], np.uint64).tobytes()
    count = len(values).to_bytes(8, "little")
    return [head, *_pieces(inner, found.dictionary), count, keys.tobytes()]


def _string_bytes(values: pa.Array) -> bytes:
    """Each string after its length as a varint (seven bits a byte, the least first)."""
    n = len(values)
    if n == 0:
        return b""
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + n + 1].astype(np.int64)
    lengths = np.diff(ends)
    data = values.buffers()[2]
    text = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] if data is not None else np.zeros(0, np.uint8)
    sizes = np.ones(n, np.int64)
    longest = int(lengths.max())
    limit = 128
    while limit <= longest:
        sizes += lengths >= limit
        limit <<= 7
    starts = np.cumsum(sizes + lengths) - lengths - sizes
    out = np.empty(int(sizes.sum() + lengths.sum()), np.uint8)
    is_text = np.ones(len(out), np.bool_)
    rest = lengths
    for k in range(int(sizes.max())):
        mine = slice(None) if k == 0 else sizes > k
        at = starts[mine] + k
        out[at] = (rest[mine] & 0x7F) | np.where(sizes[mine] > k + 1, 0x80, 0)
        is_text[at] = False
        rest = rest >> 7
    out[is_text] = text
    return out.tobytes()


def table(names: Sequence[str], types: Sequence[Type], blocks: Sequence[Sequence[pa.Array]]) -> pa.Table:
    """Blocks put together; without any, an empty table of these columns."""
    fields = [_field(name, t) for name, t in zip(names, types, strict=True)]
    columns: list[Any] = [pa.chunked_array([b[i] for b in blocks], f.type) for i, f in enumerate(fields)]
    return pa.table(columns, schema=pa.schema(fields))
