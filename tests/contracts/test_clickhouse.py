"""ClickHouse over its native protocol when things go wrong, its column form, and what a cluster is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fengsui.bus.protocol import Place
from fengsui.config import Settings
from fengsui.errors import BadSetting, Retry
from fengsui.schema import EVENTS, KINDS
from fengsui.store import ddl, migrations
from fengsui.store.chdb import ChdbStore
from fengsui.store.clickhouse import ClickHouseStore, connections
from fengsui.store.native import parse
from fengsui.store.protocol import StoreError
from tests.conftest import flows
from tests.support.native import Endpoint

PLACE = Place("events.flow", 0)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    server = Endpoint(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def store(endpoint: Endpoint) -> Iterator[ClickHouseStore]:
    opened = ClickHouseStore(Settings(clickhouse_url=endpoint.url))
    opened.migrate()
    yield opened
    opened.close()


def count(store: ClickHouseStore) -> int:
    return store.query("SELECT count() AS n FROM flow").column(0)[0].as_py()


@pytest.mark.parametrize(("how", "there"), [("drop_before", 0), ("drop_after", 1000)])
def test_an_insert_that_is_cut_off_may_pass_and_adds_its_rows_once(store, endpoint, how, there):
    rows = flows(1000).rows
    endpoint.break_next(how)
    with pytest.raises(Retry):
        store.insert("flow", rows, PLACE, 0, "t/0")
    assert count(store) == there
    store.insert("flow", rows, PLACE, 0, "t/0")
    assert count(store) == 1000


@pytest.mark.parametrize(("code", "error"), [(202, Retry), (241, Retry), (243, Retry), (252, Retry), (62, StoreError)])
def test_what_may_pass_is_told_from_what_is_a_mistake(store, endpoint, code, error):
    endpoint.break_next("refuse", code)
    with pytest.raises(error, match="refused on purpose"):
        store.insert("flow", flows(10).rows, PLACE, 0, "t/0")
    store.insert("flow", flows(10).rows, PLACE, 0, "t/0")
    assert count(store) == 10


def test_a_server_that_was_restarted_is_found_again(store, endpoint):
    store.insert("flow", flows(10).rows, PLACE, 0, "t/0")
    port = endpoint.port
    endpoint.kill()
    with pytest.raises(Retry):
        count(store)
    endpoint.start(port)
    assert count(store) == 10


def test_another_host_is_taken_where_the_first_is_away(endpoint):
    url = f"clickhouse://127.0.0.1:1,127.0.0.1:{endpoint.port}/default"
    store = ClickHouseStore(Settings(clickhouse_url=url))
    assert store.query("SELECT 7 AS x").to_pylist() == [{"x": 7}]
    store.close()


def test_a_slow_server_is_waited_for(store, endpoint):
    endpoint.break_next("slow", 1.5)
    began = time.monotonic()
    store.insert("flow", flows(10).rows, PLACE, 0, "t/0")
    assert time.monotonic() - began > 1.4
    assert count(store) == 10


QUERIES = """
SELECT toUInt8(number) AS a, toInt64(-number) AS b, number / 3 AS c, toString(number * 1000) AS d FROM numbers(300)
SELECT toDateTime64(number, 6, 'UTC') AS a, toDateTime64(number, 3, 'UTC') AS b, toDate(number) AS c FROM numbers(9)
SELECT toLowCardinality(toString(number % 7)) AS a, if(number % 2, NULL, number) AS b FROM numbers(1000)
SELECT toLowCardinality(toNullable(if(number % 3 = 0, NULL, toString(number % 5)))) AS a FROM numbers(100)
SELECT range(number) AS a, arrayMap(x -> toString(x), range(number)) AS b, [[number], []] AS c FROM numbers(20)
SELECT groupArray((number, toString(number), number > 3)) AS a FROM numbers(10)
SELECT toFixedString(toString(number), 4) AS a, number > 4 AS b, (number > 4)::Bool AS c FROM numbers(9)
SELECT toIPv6('2001:db8::1') AS a, toIPv6('192.0.2.1') AS b, repeat('x', number * 40) AS c FROM numbers(600)
SELECT if(number % 2, NULL, repeat('é', number)) AS a, [NULL, number] AS b FROM numbers(50)
SELECT map('a', 1)['a'] AS a, sum(number) AS b, max(toNullable(number)) AS c FROM numbers(0) HAVING b = 0
SELECT number AS a FROM numbers(10) WHERE a > 100
SELECT toFloat32(number) AS a, toInt8(-number) AS b, toUInt16(number) AS c, ['a'] AS d FROM numbers(200000)
""".strip().splitlines()


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_has_the_same_answer_as_inside_the_process(endpoint, tmp_path, sql):
    far, near = ClickHouseStore(Settings(clickhouse_url=endpoint.url)), ChdbStore(tmp_path / "near")
    try:
        got, want = far.query(sql), near.query(sql)
    finally:
        far.close()
        near.close()
    assert got.schema == want.schema
    assert got.to_pylist() == want.to_pylist()


def test_every_kind_of_event_goes_in_and_comes_back(store):
    r = np.random.default_rng(1)
    for kind in (KINDS[k] for k in EVENTS):
        made = {c.name: _made(c, r) for c in kind.columns}
        made["read_at"] = pa.repeat(made["read_at"][0], 200)  # a message lies in one partition of the table
        rows = pa.record_batch(list(made.values()), schema=pa.schema([c.arrow for c in kind.columns]))
        store.insert(kind.name, rows, Place(f"events.{kind.name}", 0), 0, f"t/{kind.name}")
        names = ", ".join(f"`{c.name}`" for c in kind.columns)
        back = store.query(f"SELECT {names} FROM {kind.name} ORDER BY event_id")
        assert back.to_pylist() == pa.Table.from_batches([rows]).sort_by("event_id").to_pylist(), kind.name


def _made(column, r: np.random.Generator, n: int = 200) -> pa.Array:
    """n values of a column's type: texts of many lengths, nulls where they may be, empty and full arrays."""
    kind = column.arrow.type
    if pa.types.is_list(kind):
        sizes = r.integers(0, 4, n)
        flat = _values(kind.value_type, r, int(sizes.sum()))
        return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32()), flat)
    values = _values(kind, r, n)
    if not column.arrow.nullable:
        return values
    return pa.array([None if i % 3 == 0 else v for i, v in enumerate(values.to_pylist())], kind)


def _values(kind: pa.DataType, r: np.random.Generator, n: int) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array(["é" * int(k) for k in r.integers(0, 300, n)], kind)
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([r.bytes(16) for _ in range(n)], kind)
    if pa.types.is_timestamp(kind):
        return pa.array(r.integers(0, 2_000_000_000_000_000, n), kind)
    if pa.types.is_boolean(kind):
        return pa.array(r.integers(0, 2, n).astype(bool))
    if pa.types.is_floating(kind):
        return pa.array(r.random(n), kind)
    return pa.array(r.integers(0, 2 ** min(63, kind.bit_width), n, np.int64), pa.int64()).cast(kind, safe=False)


def test_a_type_is_read_with_its_arguments():
    t = parse("Array(Tuple(a LowCardinality(Nullable(String)), b DateTime64(6, 'UTC')))")
    assert (t.name, t.inner.arguments) == ("Array", ("a LowCardinality(Nullable(String))", "b DateTime64(6, 'UTC')"))


def test_an_address_names_shards_replicas_and_what_they_are_asked_with():
    first, second = connections("clickhouse://u:p%40ss@a1:9001,a2;b1/db?secure=1&ca=/ca.pem")
    assert (first["host"], first["port"], first["alt_hosts"], second["host"]) == ("a1", 9001, "a2", "b1")
    assert (first["user"], first["password"], first["database"]) == ("u", "p@ss", "db")
    assert (first["secure"], first["verify"], first["ca_certs"]) == (True, True, "/ca.pem")
    with pytest.raises(BadSetting, match="host:port"):
        connections("http://a")
    with pytest.raises(BadSetting, match="tls"):
        connections("clickhouse://a/d?tls=1")


def test_every_migration_has_a_form_for_a_cluster_that_the_engine_parses(tmp_path):
    store = ChdbStore(tmp_path / "store")
    formed = [f for _, sql in migrations.files() for s in migrations.statements(sql) for f in ddl.on_cluster(s, "prov")]
    assert len(formed) == 2 * len(KINDS) + 1  # the indicators are whole on every node
    for sql in formed:
        store.query("SELECT formatQuery({q:String}) AS q", {"q": sql})
    flow = next(f for f in formed if f.startswith("CREATE TABLE IF NOT EXISTS flow_local"))
    assert "ON CLUSTER 'prov'" in flow
    assert "ReplicatedMergeTree('/clickhouse/tables/{shard}/fengsui/flow', '{replica}')" in flow
    assert "SETTINGS replicated_deduplication_window_seconds = 86400, replicated_deduplication_window = 10000" in flow
    assert any("flow ON CLUSTER 'prov' AS flow_local ENGINE = Distributed('prov'" in f for f in formed)
    store.close()


def test_a_migration_without_a_form_for_a_cluster_is_refused():
    with pytest.raises(ValueError, match="a migration for a cluster"):
        ddl.on_cluster("DROP TABLE flow", "prov")
    assert ddl.on_cluster("ALTER TABLE flow ADD COLUMN x UInt8", "c") == [
        "ALTER TABLE flow_local ON CLUSTER 'c' ADD COLUMN x UInt8",
        "ALTER TABLE flow ON CLUSTER 'c' ADD COLUMN x UInt8",
    ]
