"""Every event kind, as it is declared."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from fengsui.batch import Identity, build, fill
from fengsui.schema import BASE, EVENTS, KINDS, NETWORK, PLACE, Kind, Type
from fengsui.store import ddl

CAPPED = {Type.TEXT, Type.WORD, Type.TEXTS, Type.TIMES, Type.COUNTS}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_there_are_kinds_and_each_is_found_under_its_name():
    assert {"flow", "dns", "http", "tls", "file"} <= set(EVENTS)
    assert all(name == kind.name for name, kind in KINDS.items())


@every_kind
def test_a_kind_names_each_column_once(kind: Kind):
    assert kind.own
    assert [n for n, times in Counter(c.name for c in kind.stored).items() if times > 1] == []


@every_kind
def test_only_text_and_lists_have_a_cap_and_every_list_has_one(kind: Kind):
    assert [c.name for c in kind.columns if c.cap and c.type not in CAPPED] == []
    lists = [c for c in kind.columns if c.type in (Type.TEXTS, Type.TIMES, Type.COUNTS)]
    assert [c.name for c in lists if not c.cap] == []


@every_kind
def test_every_column_says_what_it_means(kind: Kind):
    assert [c.name for c in kind.stored if len(c.doc) < 5] == []


@every_kind
@pytest.mark.parametrize("n", [0, 1, 3])
def test_every_kind_makes_rows_of_absent_values(kind: Kind, n: int):
    rows = build(kind, Identity(), {}, n).rows
    rows.validate(full=True)
    assert rows.num_rows == n
    assert rows.schema == kind.arrow
    assert [f.name for f in rows.schema if not f.nullable and rows.column(f.name).null_count] == []


@every_kind
def test_every_column_can_be_filled_with_none_and_some(kind: Kind):
    for c in kind.stored:
        assert fill(c, 0).type == c.type.arrow == fill(c, 2).type
        assert (len(fill(c, 0)), len(fill(c, 2))) == (0, 2)


@every_kind
def test_the_table_of_a_kind_holds_all_that_travels_and_its_place(kind: Kind):
    sql = ddl.table(kind)
    assert all(f"`{c.name}` {c.clickhouse} " in sql for c in (*kind.columns, *PLACE))
    assert list(kind.columns[: len(BASE)]) == list(BASE)
    assert kind.columns[len(BASE) : len(BASE) + len(NETWORK)] == NETWORK or not kind.network


@every_kind
def test_the_arrow_schema_says_kind_and_version(kind: Kind):
    assert kind.arrow.metadata == {b"kind": kind.name.encode(), b"version": str(kind.version).encode()}
    assert kind.arrow.field("event_id").type == pa.binary(16)
