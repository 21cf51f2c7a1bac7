"""Batches: made from columns, stamped, cut into messages, read back, brought up from an older version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from fengsui import batch as module
from fengsui.batch import AHEAD_US, Batch, Identity, build, concat, cut, decode, encode, stamp, upgrade
from fengsui.errors import BadInput, NewerSchema
from fengsui.schema import DNS, FLOW, HTTP, KINDS, Column, Type
from tests.conftest import DAY, HOUR, flows, queries

ME = Identity("o", "n", "s", "from", "zeek")


def test_identity_and_absent_values_are_filled_in():
    rows = build(DNS, ME, {"query": ["a.example", "b.example"]}, 2).rows.to_pylist()
    assert [r["query"] for r in rows] == ["a.example", "b.example"]
    assert {(r["org"], r["network"], r["sensor"], r["origin"], r["source"]) for r in rows} == {
        ("o", "n", "s", "from", "zeek")}  # fmt: skip
    assert rows[0]["answers"] == []
    assert rows[0]["rtt"] is None
    assert rows[0]["truncated"] is False


def test_a_column_that_the_kind_lacks_is_refused_by_name():
    with pytest.raises(ValueError, match=r"dns has no column.*quarry"):
        build(DNS, ME, {"quarry": ["a"]}, 1)


def test_ids_and_addresses_come_as_matrices_of_bytes():
    ids = np.arange(32, dtype=np.uint8).reshape(2, 16)
    rows = build(DNS, ME, {"event_id": ids, "src_ip": ids[::-1]}, 2).rows
    assert rows.column("event_id").to_pylist() == [bytes(range(16)), bytes(range(16, 32))]
    assert rows.column("src_ip").to_pylist() == [bytes(range(16, 32)), bytes(range(16))]


def test_text_over_its_cap_is_cut_at_a_whole_character_and_the_row_marked():
    long = "x" * 254 + "好"
    rows = build(DNS, ME, {"query": ["short", long]}, 2).rows
    assert rows.column("query").to_pylist() == ["short", "x" * 254]
    assert rows.column("truncated").to_pylist() == [False, True]


def test_lists_over_their_cap_are_cut_and_marks_of_several_columns_add_up():
    columns = {"query": ["q" * 300, "q", "q"], "answers": [["1"], ["a"] * 65, ["b"] * 64], "truncated": [False] * 3}
    rows = build(DNS, ME, columns, 3).rows
    assert [len(a) for a in rows.column("answers").to_pylist()] == [1, 64, 64]
    assert rows.column("truncated").to_pylist() == [True, True, False]


def test_a_decoders_own_mark_is_kept():
    assert build(DNS, ME, {"truncated": [True, False]}, 2).rows.column("truncated").to_pylist() == [True, False]


def test_stamp_gives_one_time_to_all_and_marks_clocks_more_than_an_hour_ahead():
    rows = stamp(flows(3, start=DAY, every=AHEAD_US), DAY).rows
    assert rows.column("read_at").cast(pa.int64()).to_pylist() == [DAY] * 3
    assert rows.column("clock_ahead").to_pylist() == [False, False, True]
    assert rows.schema == FLOW.arrow


def test_a_message_reads_back_as_it_was_written():
    for batch in (flows(100), queries(5), build(HTTP, ME, {}, 0)):
        back = decode(batch.kind, KINDS[batch.kind].version, encode(batch))
        assert back.rows.equals(batch.rows)
        assert back.kind == batch.kind


def test_messages_are_cut_by_rows_in_order():
    batch = flows(1050)
    parts = [b for b, _ in cut(batch, max_rows=100)]
    assert [len(p) for p in parts] == [100] * 10 + [50]
    assert concat(parts).rows.equals(batch.rows)


def test_messages_are_cut_by_encoded_bytes_in_order():
    batch = flows(4000)
    whole = len(encode(batch))
    parts = list(cut(batch, max_bytes=whole // 3))
    assert len(parts) > 2
    assert all(len(raw) <= whole // 3 for _, raw in parts)
    assert concat(b for b, _ in parts).rows.equals(batch.rows)
    assert all(decode("flow", 1, raw).rows.equals(b.rows) for b, raw in parts)


def test_a_single_row_is_never_cut():
    assert len(list(cut(flows(1), max_bytes=10))) == 1


def test_a_slice_of_a_batch_is_encoded_without_the_rest():
    batch = flows(10_000)
    assert len(encode(batch.slice(0, 10))) < len(encode(batch)) / 50


@pytest.mark.parametrize("spoil", [
    lambda raw: b"", lambda raw: b"not arrow", lambda raw: raw[: len(raw) // 2], lambda raw: raw[:-40],
    lambda raw: raw[:600] + bytes(64) + raw[664:], lambda raw: b"\xff" * len(raw),
], ids=["empty", "text", "half", "tail", "hole", "ones"])  # fmt: skip
def test_what_does_not_decode_is_bad_input_and_keeps_its_bytes(spoil):
    raw = spoil(encode(flows(500)))
    with pytest.raises(BadInput) as e:
        decode("flow", 1, raw)
    assert e.value.raw == raw


def test_a_message_of_several_blocks_is_bad_input_and_not_read_in_part():
    batch, sink = flows(10), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.rows.schema) as writer:
        writer.write_batch(batch.rows.slice(0, 5))
        writer.write_batch(batch.rows.slice(5))
    with pytest.raises(BadInput, match="more than one"):
        decode("flow", 1, sink.getvalue().to_pybytes())


def test_an_unknown_kind_is_bad_input_and_a_newer_version_is_not():
    raw = encode(flows(1))
    with pytest.raises(BadInput, match="unknown kind 'flaw'"):
        decode("flaw", 1, raw)
    with pytest.raises(NewerSchema, match="flow version 2"):
        decode("flow", 2, raw)


def test_columns_that_an_older_writer_did_not_know_are_filled(monkeypatch):
    old = encode(flows(7))
    more = (Column("zone", Type.WORD, "Zone"), Column("tags", Type.TEXTS, "Tags", cap=4),
            Column("score", Type.F64, "Score", optional=True))  # fmt: skip
    newer = replace(FLOW, version=2, own=(*FLOW.own, *more))
    monkeypatch.setitem(module.KINDS, "flow", newer)
    for raw, n in ((old, 7), (encode(Batch("flow", flows(7).rows.slice(0, 0))), 0)):
        rows = decode("flow", 1, raw).rows
        assert rows.schema == newer.arrow
        assert rows.num_rows == n
        assert rows.column("zone").to_pylist() == [""] * n
        assert rows.column("tags").to_pylist() == [[]] * n
        assert rows.column("score").to_pylist() == [None] * n


def test_columns_of_other_names_or_types_are_bad_input():
    rows = flows(2).rows
    other = rows.append_column("surprise", pa.array([1, 2]))
    with pytest.raises(BadInput, match="surprise"):
        upgrade(FLOW, other)
    at = rows.schema.get_field_index("src_port")
    text = rows.set_column(at, "src_port", pa.array(["1", "2"]))
    with pytest.raises(BadInput, match="src_port"):
        upgrade(FLOW, text)


def test_batches_are_joined_in_order():
    a, b = flows(3, seed=1), flows(4, seed=2, start=DAY + HOUR)
    joined = concat([a, b])
    assert len(joined) == 7
    assert joined.rows.slice(0, 3).equals(a.rows)
    assert joined.rows.slice(3).equals(b.rows)
    assert len(concat([a.slice(0, 0), b.slice(0, 0)])) == 0
