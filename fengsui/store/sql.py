"""What both stores say to ClickHouse; how it travels is theirs."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from fengsui.bus.protocol import Place
from fengsui.schema import KINDS
from fengsui.store import migrations, retention
from fengsui.store.protocol import DEFAULT, Limits

INSERT: Mapping[str, str | int] = {
    "async_insert": 0, "max_threads": 1, "max_insert_threads": 1, "max_insert_block_size": 1048576,
    "min_insert_block_size_rows": 1048576, "min_insert_block_size_bytes": 0, "insert_deduplicate": 1,
}  # fmt: skip
"""Pinned on every insert: a message must be recognised as the same block however it comes again (decision 0003)."""
_TOKEN = re.compile(r"[\w./@-]+")
BUSY = ("TIMEOUT_EXCEEDED", "TOO_MANY_SIMULTANEOUS_QUERIES", "MEMORY_LIMIT_EXCEEDED", "NOT_ENOUGH_SPACE",
        "No space left")  # fmt: skip
"""What may pass, as the engine's words for it."""


class SqlStore(ABC):
    """Needs ``query``, ``command`` and ``_insert`` of the one that travels; see :mod:`fengsui.store.protocol`."""

    @abstractmethod
    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Limits = DEFAULT) -> pa.Table: ...

    @abstractmethod
    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing."""

    @abstractmethod
    def _insert(self, table: str, block: pa.Table, settings: Mapping[str, str | int], shard: int) -> None:
        """Insert one contiguous block. ``shard`` chooses among those of a cluster."""

    def insert(self, table: str, rows: pa.RecordBatch, place: Place, offset: int, token: str) -> None:
        kind = KINDS[table]
        block = pa.Table.from_batches([rows]).combine_chunks()
        for column, value in zip(kind.stored[len(kind.columns) :], (place.topic, place.partition, offset), strict=True):
            block = block.append_column(column.arrow, pa.repeat(pa.scalar(value, column.type.arrow), len(block)))
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"token {token!r}")
        self._insert(table, block, {**INSERT, "insert_deduplication_token": token}, place.partition)

    def load(self, table: str, rows: pa.Table) -> None:
        self._insert(table, rows.combine_chunks(), {"insert_deduplicate": 0}, 0)

    def offsets(self, table: str, place: Place, start: int) -> dict[int, int]:
        rows = self.query(
            f"SELECT `offset`, count() AS n FROM {table} WHERE topic = {{topic:String}} "  # noqa: S608 a kind's name
            "AND partition = {partition:UInt32} AND `offset` >= {start:UInt64} GROUP BY `offset`",
            {"topic": place.topic, "partition": place.partition, "start": start},
        )
        return dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))

    def delete(self, table: str, org: str, network: str, origin: str, place: Place, before: int) -> None:
        self.command(
            f"DELETE FROM {self._deleted_from(table)} WHERE org = {{org:String}} "  # noqa: S608 a kind's name
            "AND network = {network:String} AND origin = {origin:String} AND NOT (topic = {topic:String} "
            "AND partition = {partition:UInt32} AND `offset` >= {before:UInt64}) SETTINGS lightweight_deletes_sync = 2",
            {"org": org, "network": network, "origin": origin, "topic": place.topic, "partition": place.partition,
             "before": before},
        )  # fmt: skip

    def _deleted_from(self, table: str) -> str:
        return table

    def retain(self, days: Mapping[str, int]) -> list[str]:
        sql = "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"
        engines = {r["name"]: r["engine_full"] for r in self.query(sql).to_pylist()}
        changed = []
        for kind, n in days.items():
            table = self._deleted_from(kind)
            if retention.kept(engines[table]) != n:
                changed.append(kind)
                for statement in retention.statements(table, n, self._everywhere()):
                    self.command(statement)
        return changed

    def _everywhere(self) -> str:
        """The clause that has every node of a cluster do something."""
        return ""

    def migrate(self) -> list[str]:
        return migrations.apply(self.command, self.query)
