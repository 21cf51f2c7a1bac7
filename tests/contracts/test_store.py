"""What every store must do: chDB in the process, and ClickHouse over its native protocol."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fengsui.bus.protocol import Place
from fengsui.errors import FengsuiError, Retry, UsageError
from fengsui.jsonform import objects
from fengsui.schema import KINDS
from fengsui.store import ddl, retention
from fengsui.store.protocol import Limits
from tests.conftest import DAY, HOUR, flows

PLACE = Place("events.flow", 0)


@pytest.fixture(params=["chdb", "native"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Open (and migrate) the store of this test; again opens it anew, with all that was put in."""
    from fengsui.config import Settings
    from fengsui.store.chdb import ChdbStore
    from fengsui.store.clickhouse import ClickHouseStore
    from tests.support.native import Endpoint

    opened: list[Any] = []
    url = os.environ.get("FENGSUI_CLICKHOUSE_URL", "")
    endpoint = Endpoint(tmp_path) if request.param == "native" and not url else None
    if endpoint is not None:
        url = endpoint.url
    elif request.param == "native":
        name = f"test_{secrets.token_hex(6)}"
        ClickHouseStore(Settings(clickhouse_url=url)).command(f"CREATE DATABASE {name}")
        url = f"{url.partition('?')[0].rsplit('/', 1)[0]}/{name}"

    def make() -> Any:
        for old in opened:
            old.close()
        store = ClickHouseStore(Settings(clickhouse_url=url)) if url else ChdbStore(tmp_path / "store")
        store.migrate()
        opened.append(store)
        return store

    if request.param == "chdb":
        url = ""
    yield make
    for store in opened:
        store.close()
    if endpoint is not None:
        endpoint.close()


def count(store, where: str = "1") -> int:
    return store.query(f"SELECT count() AS n FROM flow WHERE {where}").column(0)[0].as_py()


def test_migrations_make_the_tables_that_the_schema_declares(make_store):
    store = make_store()
    for kind in KINDS.values():
        sql = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String}"
        rows = store.query(sql, {"t": kind.name}).to_pylist()
        assert {r["name"]: r["type"] for r in rows} == ddl.columns_of(kind)


def test_migrating_again_does_nothing_and_a_newer_store_is_refused(make_store):
    store = make_store()
    assert store.migrate() == []
    store.command("INSERT INTO migration SELECT '9999_from_the_future', now64(3)")
    with pytest.raises(UsageError, match="9999_from_the_future"):
        store.migrate()


def test_rows_come_back_as_they_went_in(make_store):
    store, batch = make_store(), flows(1000)
    store.insert("flow", batch.rows, PLACE, 0, "t/0")
    back = store.query("SELECT * FROM flow ORDER BY ts, event_id")
    assert [f.name for f in back.schema] == [c.name for c in KINDS["flow"].stored]
    names = batch.rows.schema.names
    want = pa.Table.from_batches([batch.rows]).sort_by([("ts", "ascending"), ("event_id", "ascending")])
    for name in names:
        assert back.column(name).to_pylist() == want.column(name).to_pylist(), name


def test_a_repeat_under_the_same_token_adds_nothing_and_a_reader_sees_the_block_whole(make_store):
    store, batch = make_store(), flows(50_000)
    seen = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(count(store))

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(3):
        store.insert("flow", batch.rows, PLACE, 0, "t/0")
    stop.set()
    looker.join()
    assert count(store) == 50_000
    assert seen <= {0, 50_000}


def test_a_repeat_in_other_chunks_is_recognised(make_store):
    store, batch = make_store(), flows(10_000)
    store.insert("flow", batch.rows, PLACE, 0, "t/0")
    halves = pa.Table.from_batches([batch.rows.slice(0, 3), batch.rows.slice(3)])
    store.insert("flow", halves.combine_chunks().to_batches()[0], PLACE, 0, "t/0")
    assert count(store) == 10_000


def test_rows_of_a_topic_made_anew_are_not_swallowed(make_store):
    store = make_store()
    store.insert("flow", flows(10, seed=1).rows, PLACE, 0, "bus1/events.flow/0/0/a")
    store.insert("flow", flows(10, seed=2).rows, PLACE, 0, "bus2/events.flow/0/0/b")
    assert count(store) == 20


def test_what_is_there_is_counted_by_offset(make_store):
    store = make_store()
    for offset in (3, 5, 9):
        store.insert("flow", flows(offset, seed=offset).rows, PLACE, offset, f"t/{offset}")
    store.insert("flow", flows(4, seed=99).rows, Place("events.flow", 1), 5, "t/other")
    assert store.offsets("flow", PLACE, 5) == {5: 5, 9: 9}


def test_deletion_takes_the_rows_of_an_origin_sent_before_and_no_others(make_store):
    store = make_store()
    store.insert("flow", flows(10, origin="a", seed=1).rows, PLACE, 1, "t/1")
    store.insert("flow", flows(10, origin="b", seed=2).rows, PLACE, 2, "t/2")
    store.insert("flow", flows(10, origin="a", org="else", seed=3).rows, PLACE, 3, "t/3")
    store.insert("flow", flows(7, origin="a", seed=4).rows, PLACE, 5, "t/5")
    store.delete("flow", "org", "net", "a", PLACE, 5)
    assert count(store, "origin = 'a' AND org = 'org'") == 7
    assert count(store) == 27
    store.delete("flow", "org", "net", "a", PLACE, 5)
    assert count(store) == 27


@pytest.mark.parametrize("value", ["plain", "it's", "back\\slash", "a\tb\nc", "nul\0x", "{x:String}", "百%_\\N", "\\N",
                                   "''", "", "'; DROP TABLE flow; --", "\x08\x0c\r"])  # fmt: skip
def test_a_hostile_value_stays_a_value(make_store, value):
    store = make_store()
    got = store.query("SELECT {x:String} AS a, {y:Array(String)} AS b", {"x": value, "y": [value, "end"]}).to_pylist()
    assert got == [{"a": value, "b": [value, "end"]}]


def test_bytes_and_numbers_are_bound(make_store):
    store = make_store()
    ids = [bytes(range(16)), bytes([255, 0, 39, 92] * 4)]
    sql = ("SELECT {one:FixedString(16)} AS one, {many:Array(FixedString(16))} AS many, {n:Int64} AS n, "
           "{ns:Array(UInt64)} AS ns")  # fmt: skip
    got = store.query(sql, {"one": ids[1], "many": ids, "n": -5, "ns": [0, 2**63]}).to_pylist()
    assert got == [{"one": ids[1], "many": ids, "n": -5, "ns": [0, 2**63]}]


def test_a_mistake_in_a_query_is_an_error_and_an_exhausted_limit_too(make_store):
    store = make_store()
    with pytest.raises(FengsuiError, match="nowhere"):
        store.query("SELECT * FROM nowhere")
    with pytest.raises(Retry):
        store.query("SELECT count() FROM numbers(1000000000000)", limits=Limits(seconds=0.2))


def test_a_short_query_does_not_wait_for_a_long_one(make_store):
    store = make_store()
    done = threading.Event()

    def long() -> None:
        with pytest.raises(Retry):
            store.query("SELECT count() FROM numbers(1000000000000)", limits=Limits(seconds=3))
        done.set()

    worker = threading.Thread(target=long)
    worker.start()
    for _ in range(5):
        store.query("SELECT 1 AS x")
    assert not done.is_set()
    worker.join()


def test_the_store_opens_again_with_all_that_was_inserted(make_store):
    store = make_store()
    store.insert("flow", flows(100).rows, PLACE, 0, "t/0")
    assert count(make_store()) == 100


def test_times_before_and_after_the_ordinary_are_kept(make_store):
    store = make_store()
    moments = np.array([0, DAY, DAY + 40 * 365 * 24 * HOUR])
    batch = flows(3)
    rows = batch.rows.set_column(1, KINDS["flow"].column("ts").arrow, pa.array(moments, pa.timestamp("us", tz="UTC")))
    store.insert("flow", rows, PLACE, 0, "t/0")
    back = store.query("SELECT ts FROM flow ORDER BY ts").column(0).cast(pa.int64()).to_pylist()
    assert back == moments.tolist()
    assert len(list(objects(batch))) == 3


def test_rows_are_forgotten_by_the_day_they_were_read_and_a_table_keeps_what_was_set(make_store):
    store = make_store()
    now = int(time.time()) * 1_000_000
    old, fresh = flows(10, read_at=now - 40 * 24 * HOUR), flows(20, seed=2, read_at=now)
    for offset, batch in enumerate((old, fresh)):
        store.insert("flow", batch.rows, PLACE, offset, f"t/{offset}")
    assert store.retain(retention.days(0, ())) == []
    wanted = retention.days(0, ("flow=30", "dns=400"))
    assert store.retain(wanted) == ["flow", "dns"]
    assert store.retain(wanted) == []
    store.command("OPTIMIZE TABLE flow FINAL")
    assert count(store) == 20  # read today, although all of it happened years ago
    assert store.retain(retention.days(0, ("dns=400",))) == ["flow"]
    assert make_store().retain(retention.days(0, ("dns=400",))) == []
