"""Batches: many events of one kind as columns, and how they travel.

A message is one Batch in Arrow's IPC stream (zstd), at most ``MAX_ROWS`` rows and ``MAX_BYTES`` encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fengsui.errors import BadInput, NewerSchema
from fengsui.schema import KINDS, Column, Kind, Type

MAX_ROWS = 50_000
MAX_BYTES = 4_000_000
AHEAD_US = 3_600_000_000

_OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
_EMPTY: dict[Type, Any] = {
    Type.ID: bytes(16), Type.IP: bytes(16), Type.WORD: "", Type.TEXT: "", Type.TEXTS: [], Type.TIMES: [],
    Type.COUNTS: [], Type.BOOL: False, Type.F64: 0.0, Type.U8: 0, Type.U16: 0, Type.U32: 0, Type.U64: 0,
    Type.TIME: datetime.fromtimestamp(0, UTC),
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """Whose events these are: decoders need it, because identities of flows are hashed from it."""

    org: str = "local"
    network: str = "default"
    sensor: str = "sensor"
    origin: str = ""
    source: str = "pcap"


@dataclass(frozen=True)
class Batch:
    """Rows of one kind. ``rows`` has the columns of ``KINDS[kind].columns``, in their order and types."""

    kind: str
    rows: pa.RecordBatch

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def slice(self, start: int, length: int | None = None) -> Batch:
        return Batch(self.kind, self.rows.slice(start, length))

    def column(self, name: str) -> pa.Array:
        return self.rows.column(name)


def fill(column: Column, n: int) -> pa.Array:
    """``n`` absent values of a column."""
    if column.optional:
        return pa.nulls(n, column.type.arrow)
    if n == 0:  # pa.repeat refuses to make no lists
        return pa.array([], column.type.arrow)
    return pa.repeat(pa.scalar(_EMPTY[column.type], column.type.arrow), n)


def build(kind: Kind, identity: Identity, columns: Mapping[str, Any], n: int) -> Batch:
    """A Batch from a decoder's columns (numpy arrays, lists or Arrow arrays of ``n`` values).

    Identity columns are filled here, columns left out are absent values, ``read_at`` is left at 1970 for :func:`stamp`,
    and fields over their cap are cut and marked.
    """
    given = dict(columns)
    constant = {"org": identity.org, "network": identity.network, "sensor": identity.sensor, "origin": identity.origin,
                "source": identity.source}  # fmt: skip
    arrays: list[pa.Array] = []
    cut = _mask(given.pop("truncated", None), n)
    for c in kind.columns:
        if c.name in given:
            array, cut = _cap(c, to_arrow(c, given.pop(c.name)), cut)
        elif c.name in constant:
            array = pa.repeat(pa.scalar(constant[c.name], pa.string()), n)
        else:
            array = fill(c, n)
        arrays.append(array)
    if given:
        raise ValueError(f"{kind.name} has no column {sorted(given)}")
    names = [c.name for c in kind.columns]
    if cut is not None:
        arrays[names.index("truncated")] = cut
    return Batch(kind.name, pa.RecordBatch.from_arrays(arrays, schema=kind.arrow))


def to_arrow(column: Column, values: Any) -> pa.Array:
    """Values as the column's Arrow type. (n, 16) uint8 becomes ids or addresses, int64 becomes microseconds."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values if values.type == column.type.arrow else values.cast(column.type.arrow)
    if column.type in (Type.ID, Type.IP) and hasattr(values, "shape") and getattr(values, "ndim", 1) == 2:
        return pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(16), len(values), [None, pa.py_buffer(values.tobytes())]
        )
    return pa.array(values, column.type.arrow)


def _mask(values: Any, n: int) -> pa.Array | None:
    return None if values is None else pa.array(values, pa.bool_())


def _cap(column: Column, array: pa.Array, cut: pa.Array | None) -> tuple[pa.Array, pa.Array | None]:
    if not column.cap or not len(array):
        return array, cut
    text = column.type in (Type.TEXT, Type.WORD)
    lengths = pc.binary_length(array) if text else pc.list_value_length(array)
    over = pc.greater(lengths, column.cap)
    if not pc.any(over).as_py():
        return array, cut
    if text:
        short = pa.array([_cut_text(v, column.cap) for v in array.to_pylist()], array.type)
    else:
        short = pc.list_slice(array, 0, column.cap).cast(array.type)
    return short, over if cut is None else pc.or_(cut, over)


def _cut_text(value: str | None, cap: int) -> str | None:
    return value if value is None else value.encode()[:cap].decode(errors="ignore")


def stamp(batch: Batch, read_at: int) -> Batch:
    """Give every row the message's ``read_at`` (microseconds, UTC) and mark rows more than an hour ahead of it."""
    rows = batch.rows
    time = pa.timestamp("us", tz="UTC")
    at = pa.scalar(read_at, time)
    ahead = pc.greater(rows.column("ts"), pa.scalar(read_at + AHEAD_US, time))
    rows = rows.set_column(rows.schema.get_field_index("read_at"), KINDS[batch.kind].column("read_at").arrow,
                           pa.repeat(at, rows.num_rows))  # fmt: skip
    rows = rows.set_column(rows.schema.get_field_index("clock_ahead"), KINDS[batch.kind].column("clock_ahead").arrow,
                           ahead)  # fmt: skip
    return replace(batch, rows=rows)


def encode(batch: Batch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.rows.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch.rows)
    result: bytes = sink.getvalue().to_pybytes()
    return result


def cut(batch: Batch, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> Iterator[tuple[Batch, bytes]]:
    """Cut a batch into messages by rows and by encoded size, in order."""
    if len(batch) > max_rows:
        for start in range(0, len(batch), max_rows):
            yield from cut(batch.slice(start, max_rows), max_rows, max_bytes)
        return
    raw = encode(batch)
    if len(raw) <= max_bytes or len(batch) <= 1:
        yield batch, raw
        return
    half = len(batch) // 2
    yield from cut(batch.slice(0, half), max_rows, max_bytes)
    yield from cut(batch.slice(half), max_rows, max_bytes)


def decode(kind: str, version: int, raw: bytes) -> Batch:
    """Read a message; raises BadInput if it does not decode, NewerSchema if it was written by a newer version."""
    declared = KINDS.get(kind)
    if declared is None:
        raise BadInput(f"unknown kind {kind!r}", raw=raw)
    if version > declared.version:
        raise NewerSchema(f"{kind} version {version}; this build reads up to {declared.version}")
    try:
        with pa.ipc.open_stream(raw) as reader:
            rows = reader.read_next_batch()
            more = next(reader, None)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError, StopIteration) as e:
        raise BadInput(f"not an Arrow message of {kind}: {e}", raw=raw) from e
    if more is not None:
        raise BadInput(f"a message of {kind} with more than one block", raw=raw)
    return Batch(kind, upgrade(declared, rows, raw))


def upgrade(kind: Kind, rows: pa.RecordBatch, raw: bytes = b"") -> pa.RecordBatch:
    """Bring rows of the version before to today's columns; raises BadInput on columns of other names or types."""
    if rows.schema.equals(kind.arrow):
        return rows
    have = {f.name: f for f in rows.schema}
    unknown = set(have) - {c.name for c in kind.columns}
    wrong = [c.name for c in kind.columns if c.name in have and have[c.name].type != c.type.arrow]
    if unknown or wrong:
        raise BadInput(f"{kind.name}: columns not as declared: {sorted(unknown) + wrong}", raw=raw)
    arrays = [rows.column(c.name) if c.name in have else fill(c, rows.num_rows) for c in kind.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=kind.arrow)


def concat(batches: Iterable[Batch]) -> Batch:
    """Join batches of one kind."""
    parts = list(batches)
    table = pa.Table.from_batches([b.rows for b in parts]).combine_chunks()
    rows = table.to_batches()
    return Batch(parts[0].kind, rows[0] if rows else parts[0].rows)
