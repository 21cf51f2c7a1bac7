"""The store in the small: chDB, ClickHouse's engine inside the process, one folder for one process."""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fengsui.bus.protocol import Place
from fengsui.errors import FengsuiError, Retry, UsageError
from fengsui.schema import KINDS
from fengsui.store import migrations
from fengsui.store.literals import parameters as bind
from fengsui.store.protocol import DEFAULT, Limits

# Pinned on every insert: a message must be recognised as the same block however it comes again (docs/decisions/0003).
_INSERT = (
    "async_insert = 0, max_threads = 1, max_insert_threads = 1, max_insert_block_size = 1048576, "
    "min_insert_block_size_rows = 1048576, min_insert_block_size_bytes = 0, insert_deduplicate = 1"
)
_TOKEN = re.compile(r"[\w./@-]+")
_BUSY = ("TIMEOUT_EXCEEDED", "TOO_MANY_SIMULTANEOUS_QUERIES", "MEMORY_LIMIT_EXCEEDED", "NOT_ENOUGH_SPACE",
         "No space left")  # fmt: skip


class StoreError(FengsuiError):
    """The engine refused a statement: a mistake in it, not a passing state."""


class ChdbStore:
    """Open (and create) the store in ``folder``; None keeps it in memory.

    Raises UsageError if another process has it.
    """

    def __init__(self, folder: Path | None) -> None:
        import chdb
        from chdb._exceptions import ChdbError  # chdb.ChdbError is another class, which queries do not raise

        self._chdb: Any = chdb
        self._errors = (ChdbError, RuntimeError)
        self._folder = folder
        self._lock = _own(folder) if folder else None
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, Any]] = []
        self._guard = threading.Lock()
        self._connection()

    def _connection(self) -> Any:
        c = getattr(self._local, "connection", None) or self._inherited()
        if c is None:
            try:
                c = self._chdb.connect(str(self._folder / "chdb") if self._folder else ":memory:")
            except Exception as e:  # chDB raises bare RuntimeError with an empty message
                reason = e or "another process may have it"
                raise UsageError(f"cannot open the store in {self._folder}: {reason}") from e
            self._local.connection = c
            with self._guard:
                self._all.append((threading.current_thread(), c))
        return c

    def _inherited(self) -> Any:
        """The connection of a thread that has ended, if there is one: threads come and go with each run."""
        with self._guard:
            for i, (owner, c) in enumerate(self._all):
                if not owner.is_alive():
                    self._all[i] = (threading.current_thread(), c)
                    self._local.connection = c
                    return c
        return None

    def _run(self, sql: str, output: str, values: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._connection().query(sql, output, params=bind(values or {}))
        except self._errors as e:
            text = str(e)
            if any(b in text for b in _BUSY):
                raise Retry(text) from e
            raise StoreError(text) from e

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Limits = DEFAULT) -> pa.Table:
        # chDB's output settings stay on the connection, so they are given with the query itself.
        settings = [
            f"max_execution_time = {limits.seconds}", f"max_memory_usage = {limits.memory}", "max_threads = 1",
            "output_format_arrow_compression_method = 'none'", "output_format_arrow_string_as_string = 1",
            "date_time_overflow_behavior = 'throw'", f"optimize_move_to_prewhere = {int(limits.selective)}",
        ]  # fmt: skip
        if limits.rows:
            settings += [f"max_result_rows = {limits.rows}", "result_overflow_mode = 'throw'"]
        whole = f"SELECT * FROM (\n{sql}\n) SETTINGS {', '.join(settings)}"  # noqa: S608 values are bound, never pasted
        result = self._run(whole, "Arrow", parameters)
        raw = result.bytes()
        return pa.ipc.open_file(raw).read_all()

    def insert(self, table: str, rows: pa.RecordBatch, place: Place, offset: int, token: str) -> None:
        kind = KINDS[table]
        block = pa.Table.from_batches([rows]).combine_chunks()
        for column, value in zip(kind.stored[len(kind.columns) :], (place.topic, place.partition, offset), strict=True):
            block = block.append_column(column.arrow, pa.repeat(pa.scalar(value, column.type.arrow), len(block)))
        names = ", ".join(f"`{c.name}`" for c in kind.stored)
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"token {token!r}")
        self._insert(table, names, block, f"{_INSERT}, insert_deduplication_token = '{token}'")

    def load(self, table: str, rows: pa.Table) -> None:
        names = ", ".join(f"`{n}`" for n in rows.column_names)
        self._insert(table, names, rows.combine_chunks(), "insert_deduplicate = 0")

    def _insert(self, table: str, names: str, block: pa.Table, settings: str) -> None:
        fengsui_block = block  # noqa: F841 chDB finds the table by the name of a variable of its callers
        self._run(f"INSERT INTO {table} ({names}) SELECT {names} FROM Python(fengsui_block) SETTINGS {settings}", "CSV")  # noqa: S608 a kind's name

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing."""
        self._run(sql, "CSV", parameters)

    def offsets(self, table: str, place: Place, start: int) -> dict[int, int]:
        rows = self.query(
            f"SELECT `offset`, count() AS n FROM {table} WHERE topic = {{topic:String}} "  # noqa: S608 a kind's name
            "AND partition = {partition:UInt32} AND `offset` >= {start:UInt64} GROUP BY `offset`",
            {"topic": place.topic, "partition": place.partition, "start": start},
        )
        return dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))

    def delete(self, table: str, org: str, network: str, origin: str, place: Place, before: int) -> None:
        self.command(
            f"DELETE FROM {table} WHERE org = {{org:String}} AND network = {{network:String}} "  # noqa: S608 a kind's name
            "AND origin = {origin:String} AND NOT (topic = {topic:String} AND partition = {partition:UInt32} "
            "AND `offset` >= {before:UInt64}) SETTINGS lightweight_deletes_sync = 2",
            {"org": org, "network": network, "origin": origin, "topic": place.topic, "partition": place.partition,
             "before": before},
        )  # fmt: skip

    def migrate(self) -> list[str]:
        return migrations.apply(self.command, self.query)

    def close(self) -> None:
        with self._guard:
            for _, c in self._all:
                c.close()
            self._all.clear()
        self._local = threading.local()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _own(folder: Path) -> int:
    """Take the folder for this process; chDB itself refuses a second one with an empty message."""
    folder.mkdir(parents=True, exist_ok=True)
    fd = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(fd, 32, 0).decode(errors="replace").strip()
        os.close(fd)
        raise UsageError(
            f"the store in {folder} is in use by process {owner or '?'}: stop it, ask it over its API, or name another "
            "folder with --data"
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, str(os.getpid()).encode(), 0)
    return fd
