"""The store in the small: chDB, ClickHouse's engine inside the process, one folder for one process."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from fengsui.errors import Retry, UsageError
from fengsui.store.literals import parameters as bind
from fengsui.store.protocol import DEFAULT, Limits, StoreError
from fengsui.store.sql import BUSY, SqlStore


class ChdbStore(SqlStore):
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
            if any(b in text for b in BUSY):
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

    def _insert(self, table: str, block: pa.Table, settings: Mapping[str, str | int], shard: int) -> None:
        fengsui_block = block  # noqa: F841 chDB finds the table by the name of a variable of its callers
        names = ", ".join(f"`{n}`" for n in block.column_names)
        how = ", ".join(f"{k} = '{v}'" if isinstance(v, str) else f"{k} = {v}" for k, v in settings.items())
        self._run(f"INSERT INTO {table} ({names}) SELECT {names} FROM Python(fengsui_block) SETTINGS {how}", "CSV")  # noqa: S608 a kind's name

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self._run(sql, "CSV", parameters)

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
