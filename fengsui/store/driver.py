"""A connection of clickhouse-driver whose blocks are Arrow: the driver does hello, compression, settings and packets,
columns go through :mod:`fengsui.store.native`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from clickhouse_driver import Client, defines
from clickhouse_driver.block import BlockInfo
from clickhouse_driver.connection import Connection
from clickhouse_driver.protocol import ClientPacketTypes, ServerPacketTypes
from clickhouse_driver.reader import read_binary_str, read_binary_uint8
from clickhouse_driver.varint import read_varint, write_varint
from clickhouse_driver.writer import write_binary_str, write_binary_uint8

from fengsui.store.native import Type, decode, encode, parse, table

_FLAG = defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION


@dataclass
class Block:
    """A block as it came."""

    names: list[str] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    arrays: list[pa.Array] = field(default_factory=list)
    num_rows: int = 0


class _Blocks:
    """Reads blocks from where the driver would: ``fin`` gives the bytes, decompressed."""

    def __init__(self, fin: Any, context: Any) -> None:
        self._fin, self._context = fin, context

    def read(self, use_numpy: bool | None = None) -> Block:
        revision = self._context.server_info.used_revision
        if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
            BlockInfo().read(self._fin)
        n, rows = read_varint(self._fin), read_varint(self._fin)
        out = Block(num_rows=rows)
        for _ in range(n):
            out.names.append(read_binary_str(self._fin))
            out.types.append(parse(read_binary_str(self._fin)))
            if revision >= _FLAG and read_binary_uint8(self._fin):
                raise ValueError(f"{out.names[-1]} came in a sparse form: its table needs "
                                 "ratio_of_defaults_for_sparse_serialization = 1")  # fmt: skip
            if rows:
                out.arrays.append(decode(out.types[-1], rows, self._fin))
        return out


class _Parameter:
    """A value that the driver is to send as it stands: it escapes only text by itself, and text twice."""

    def __init__(self, value: Any) -> None:
        self._text = str(value)

    def __str__(self) -> str:
        return self._text.replace("\\", "\\\\").replace("'", "\\'")


class Wire:
    """One connection. Not shared between threads; raises the driver's errors and leaves itself reconnected at need."""

    def __init__(self, **how: Any) -> None:
        self._client = Client(**how, settings={"server_side_params": True})
        for connection in self._client.connections:
            _read_arrow(connection)
        if hasattr(self._client, "connection"):
            _read_arrow(self._client.connection)

    def query(self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> pa.Table:
        """``parameters`` as :func:`fengsui.store.literals.parameters` gives them."""
        with self._sent(sql, parameters, settings):
            head: Block | None = None
            blocks = []
            for packet in self._client.packet_generator():
                if getattr(packet, "type", None) != ServerPacketTypes.DATA:
                    continue
                head = head or packet.block
                if packet.block.num_rows:
                    blocks.append(packet.block.arrays)
            if head is None:
                return pa.table({})
            return table(head.names, head.types, blocks)

    def insert(self, sql: str, block: pa.Table, settings: Mapping[str, Any]) -> None:
        """Send one block whole."""
        with self._sent(sql, {}, settings) as connection:
            sample = self._client.receive_sample_block()
            columns = []
            for name, kind in zip(sample.names, sample.types, strict=True):
                (chunk,) = block.column(name).chunks or [pa.array([], block.column(name).type)]
                columns.append((name, kind, encode(kind, chunk)))
            _send(connection, columns, [str(t) for t in self._texts(sample)], len(block))
            self._client.receive_profile_events()
            _send(connection, [], [], 0)
            self._client.receive_profile_events()
            self._client.receive_end_of_insert_query()

    @staticmethod
    def _texts(sample: Block) -> list[str]:
        return [_text(t) for t in sample.types]

    @contextmanager
    def _sent(self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Connection]:
        with self._client.disconnect_on_error(sql, dict(settings)):
            connection = self._client.connection
            connection.send_query(sql, params={k: _Parameter(v) for k, v in parameters.items()})
            connection.send_external_tables(None)
            yield connection

    def version(self) -> str:
        """Of the server, once something was asked."""
        info = self._client.connection.server_info
        return ".".join(map(str, info.version_tuple()))

    def close(self) -> None:
        self._client.disconnect()


def _text(t: Type) -> str:
    return f"{t.name}({', '.join(t.arguments)})" if t.arguments else t.name


def _read_arrow(connection: Connection) -> None:
    """Have the connection read its blocks by ours, each time it connects."""
    usual = connection.get_block_in_stream

    def stream() -> _Blocks:
        return _Blocks(usual().fin, connection.context)

    connection.get_block_in_stream = stream


def _send(connection: Connection, columns: list[tuple[str, Type, list[Any]]], types: list[str], rows: int) -> None:
    revision = connection.server_info.used_revision
    write_varint(ClientPacketTypes.DATA, connection.fout)
    write_binary_str("", connection.fout)
    out = connection.block_out
    if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
        BlockInfo().write(out.fout)
    write_varint(len(columns), out.fout)
    write_varint(rows, out.fout)
    for (name, _, pieces), text in zip(columns, types, strict=True):
        write_binary_str(name, out.fout)
        write_binary_str(text, out.fout)
        if revision >= _FLAG:
            write_binary_uint8(0, out.fout)
        for piece in pieces:
            out.fout.write(bytes(piece))
    out.finalize()
