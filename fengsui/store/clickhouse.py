"""The store in the large: a ClickHouse server or cluster, over its native protocol with clickhouse-driver."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
from clickhouse_driver import errors

from fengsui.config import Settings
from fengsui.errors import BadSetting, Retry
from fengsui.store import ddl, migrations
from fengsui.store.driver import Wire
from fengsui.store.literals import parameters as bind
from fengsui.store.protocol import DEFAULT, Limits, StoreError
from fengsui.store.sql import BUSY, SqlStore

CONNECT, ANSWER = 5.0, 330.0
"""Seconds to connect, and to wait for an answer: longer than any query may run."""
PASSING = {159, 198, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 285, 286, 319, 394, 425, 999}
"""Server errors that may pass: time, memory, space, too many of something, another node or the keeper away."""
MISTAKE = "for single INSERT block"
"""A block across too many partitions has the code of a server that has too many parts, but will not pass."""
_URL = re.compile(r"clickhouse://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<hosts>[^/?]+)"
                  r"(?:/(?P<database>[^?]*))?(?:\?(?P<how>.*))?")  # fmt: skip


def connections(url: str) -> list[dict[str, Any]]:
    """What to connect with, for each shard: ``clickhouse://user:password@a1,a2;b1,b2/database?secure=1``, where ``;``
    divides shards and ``,`` the replicas of one. Raises BadSetting."""
    found = _URL.fullmatch(url)
    if found is None:
        raise BadSetting("clickhouse_url: expected clickhouse://user:password@host:port/database")
    how = {k: v[-1] for k, v in parse_qs(found["how"] or "").items()}
    unknown = set(how) - {"secure", "verify", "ca"}
    if unknown:
        raise BadSetting(f"clickhouse_url: {', '.join(sorted(unknown))} is not known; there are secure, verify, ca")
    common: dict[str, Any] = {
        "database": found["database"] or "default", "user": unquote(found["user"] or "default"),
        "password": unquote(found["password"] or ""), "compression": "lz4", "client_name": "fengsui",
        "connect_timeout": CONNECT, "send_receive_timeout": ANSWER, "tcp_keepalive": True,
        "secure": how.get("secure") == "1", "verify": how.get("verify") != "0",
    }  # fmt: skip
    if "ca" in how:
        common["ca_certs"] = how["ca"]
    out = []
    for shard in found["hosts"].split(";"):
        first, *others = shard.split(",")
        place = urlsplit(f"//{first}")
        out.append({**common, "host": place.hostname, "port": place.port}
                   | ({"alt_hosts": ",".join(others)} if others else {}))  # fmt: skip
    return out


class ClickHouseStore(SqlStore):
    """``settings.clickhouse_url`` and ``clickhouse_cluster`` say where. Nothing is opened before it is needed.

    A message goes to the shard of its partition on the bus, so that a repeat, by whomever, meets the first.
    """

    def __init__(self, settings: Settings) -> None:
        self._how = connections(settings.clickhouse_url)
        self._cluster = settings.clickhouse_cluster
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, dict[int, Wire]]] = []
        self._guard = threading.Lock()

    def _wire(self, shard: int) -> Wire:
        mine: dict[int, Wire] | None = getattr(self._local, "wires", None)
        if mine is None:
            mine = self._local.wires = self._inherited()
        number = shard % len(self._how)
        if number not in mine:
            mine[number] = Wire(**self._how[number])
        return mine[number]

    def _inherited(self) -> dict[int, Wire]:
        """The connections of a thread that has ended, or none yet."""
        me = threading.current_thread()
        with self._guard:
            for i, (owner, wires) in enumerate(self._all):
                if not owner.is_alive():
                    self._all[i] = (me, wires)
                    return wires
            self._all.append((me, {}))
            return self._all[-1][1]

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Limits = DEFAULT) -> pa.Table:
        settings: dict[str, Any] = {
            "max_execution_time": limits.seconds, "max_memory_usage": limits.memory,
            "optimize_move_to_prewhere": int(limits.selective), "date_time_overflow_behavior": "throw",
        }  # fmt: skip
        if limits.rows:
            settings |= {"max_result_rows": limits.rows, "result_overflow_mode": "throw"}
        return _tried(lambda: self._wire(0).query(sql, bind(parameters or {}), settings))

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        values = bind(parameters or {})
        for shard in range(len(self._how)) if sql.startswith("DELETE") else (0,):
            _tried(partial(self._wire(shard).query, sql, values, {"mutations_sync": 2}))

    def _insert(self, table: str, block: pa.Table, settings: Mapping[str, str | int], shard: int) -> None:
        names = ", ".join(f"`{n}`" for n in block.column_names)
        sql = f"INSERT INTO {self._deleted_from(table)} ({names}) VALUES"
        if self._cluster:
            settings = {**settings, "insert_quorum": "auto"}
        _tried(lambda: self._wire(shard).insert(sql, block, settings))

    def _deleted_from(self, table: str) -> str:
        return ddl.local(table) if self._cluster else table

    def _everywhere(self) -> str:
        return f" ON CLUSTER '{self._cluster}'" if self._cluster else ""

    def migrate(self) -> list[str]:
        if not self._cluster:
            return super().migrate()
        return migrations.apply(self.command, self.query, lambda sql: ddl.on_cluster(sql, self._cluster))

    def version(self) -> str:
        """Of the server."""
        self.query("SELECT 1 AS x")
        return self._wire(0).version()

    def close(self) -> None:
        with self._guard:
            for _, wires in self._all:
                for wire in wires.values():
                    wire.close()
            self._all.clear()
        self._local = threading.local()


def _tried(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except errors.ServerException as e:
        text = str(e.message).split(". Stack trace:", 1)[0]
        if (e.code in PASSING or any(b in text for b in BUSY)) and MISTAKE not in text:
            raise Retry(text) from e
        raise StoreError(text) from e
    except (errors.Error, EOFError, OSError) as e:
        raise Retry(f"the store does not answer: {type(e).__name__}: {e}") from e
