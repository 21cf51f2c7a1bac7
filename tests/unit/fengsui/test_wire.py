"""What travels beside batches, and how findings become messages."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fengsui import wire
from fengsui.batch import MAX_BYTES, concat, decode
from fengsui.bus.protocol import Message, Output, Place
from fengsui.errors import BadInput
from fengsui.finding import Conclusion, Detection, Evidence, Finding, Rule, Window, added, from_batch, result
from fengsui.wire import Deletion, Stored
from tests.conftest import DAY, HOUR, flows

PLACE = Place("events.flow@ab", 0)
RULE = Rule("scan", "v1", "attack/scanning")


def arrived(output: Output, offset: int = 0) -> Message:
    return Message(Place(output.topic, 0), offset, output.headers, output.value)


def entry(n: int, **changes: object) -> Stored:
    values = {"org": "o", "network": "n", "kind": "flow", "topic": "t", "partition": 0, "offsets": (n,), "rows": n,
              "hours": (n * HOUR,), "least": n, "greatest": n}  # fmt: skip
    return Stored(**values | changes)


def found(i: int, severity: int = 3, **changes: object) -> Conclusion:
    values = {"arguments": {"n": i}, "explanation": {"n": i}, "first_seen": DAY, "last_seen": DAY, "hours": {DAY: 1}}
    return Conclusion(f"host:{i}", severity, 50, **values | changes)


def test_a_batch_becomes_a_message_that_reads_back():
    batch = flows(10)
    (output,) = wire.event_outputs(batch, "slot")
    assert (output.topic, output.key) == ("events.flow", "slot")
    assert wire.read_message(arrived(output)).rows.equals(batch.rows)
    (again,) = wire.event_outputs(batch, "slot")
    assert again.headers["batch_id"] != output.headers["batch_id"]


def test_a_deletion_reads_back():
    d = Deletion("o", "n", "origin", (DAY, DAY + HOUR))
    assert wire.read_message(arrived(wire.deletion_output("flow", "0", d))) == d


@pytest.mark.parametrize(("headers", "value"), [
    ({}, b""), ({"kind": "flow", "version": "x", "op": "insert"}, b""), ({"kind": "flow", "version": "1"}, b""),
    ({"kind": "flow", "version": "1", "op": "delete"}, b"{"), ({"kind": "flow", "version": "1", "op": "insert"}, b"no"),
])  # fmt: skip
def test_a_message_that_is_none_is_bad_input(headers: dict[str, str], value: bytes):
    with pytest.raises(BadInput) as e:
        wire.read_message(Message(Place("events.flow", 0), 0, headers, value))
    assert e.value.raw == value


def test_a_dead_letter_has_the_bytes_the_reason_and_the_place():
    message = Message(Place("events.flow", 3), 17, {"kind": "flow", "version": "1", "op": "insert"}, b"\xff\0raw")
    with pytest.raises(BadInput) as e:
        wire.read_message(message)
    output = wire.dead_letter(message, e.value)
    letter = msgspec.msgpack.decode(output.value, type=wire.DeadLetter)
    assert (output.topic, letter.raw, letter.place, letter.at) == ("dead", b"\xff\0raw", "events.flow/3/17", 17)
    assert "not an Arrow message of flow" in letter.reason


def test_each_organisations_network_is_announced_with_its_own_rows_hours_and_times():
    ahead = DAY + 100 * HOUR
    batch = concat([
        flows(10, org="a", network="x", start=DAY, every=1, seed=1), flows(5, org="b", network="x", start=DAY + HOUR),
        flows(3, org="a", network="y", start=DAY + 2 * HOUR), flows(2, org="a", network="x", start=DAY + 5 * HOUR),
        flows(1, org="b", network="x", start=ahead, read_at=DAY),
    ])  # fmt: skip
    got = {(e.org, e.network): e for e in wire.announce(PLACE, 9, batch)}
    assert {k: (e.rows, e.hours) for k, e in got.items()} == {
        ("a", "x"): (12, (DAY, DAY + 5 * HOUR)), ("b", "x"): (6, (DAY + HOUR,)), ("a", "y"): (3, (DAY + 2 * HOUR,))}
    assert (got["b", "x"].least, got["b", "x"].greatest) == (DAY + HOUR, ahead)
    assert {(e.topic, e.partition, e.offsets, e.kind) for e in got.values()} == {("events.flow@ab", 0, (9,), "flow")}


def test_neighbouring_announcements_are_joined():
    (one,) = wire.merge([entry(3), entry(1), entry(2)])
    assert one == entry(0, offsets=(3, 1, 2), rows=6, hours=(HOUR, 2 * HOUR, 3 * HOUR), least=1, greatest=3)


def test_announcements_of_different_places_stay_apart():
    apart = [entry(1), entry(2, org="p"), entry(3, network="m"), entry(4, kind="dns"), entry(5, topic="u"),
             entry(6, partition=1)]  # fmt: skip
    assert wire.merge(apart) == apart


def test_nothing_is_joined_across_a_deletion_of_its_place_and_what_is_beside_goes_on():
    gone = entry(9, deleted=True, origin="x")
    got = wire.merge([entry(1), entry(7, org="p"), gone, entry(2), entry(8, org="p"), entry(3)])
    assert [(e.org, e.offsets, e.deleted) for e in got] == [
        ("o", (1,), False), ("p", (7, 8), False), ("o", (9,), True), ("o", (2, 3), False)]


def test_announcements_read_back_and_an_organisation_always_goes_to_the_same_partition():
    entries = [entry(i, org=f"org{i % 5}") for i in range(20)]
    outputs = wire.stored_outputs(entries, 3)
    back = [wire.read_stored(arrived(o)) for o in outputs]
    assert sorted((e for group in back for e in group), key=lambda e: e.rows) == entries
    assert 1 < len(outputs) <= 3
    assert all(len({g[0].org, o.key}) == 1 for g, o in zip(back, outputs, strict=True))
    with pytest.raises(BadInput, match="not an announcement"):
        wire.read_stored(Message(Place("stored", 0), 0, {}, b"[1]"))


def read_back(outputs: list[Output]) -> list[list[Finding]]:
    assert all(len(o.value) <= MAX_BYTES for o in outputs)
    return [from_batch(decode("finding", 1, o.value)) for o in outputs]


def test_findings_come_back_in_order_and_a_result_is_never_split_between_messages():
    big = {"noise": random.Random(1).randbytes(300).hex()}
    results = [result(RULE, "d", "o", "n", Window(DAY + i * HOUR, DAY + (i + 1) * HOUR), 1,
                      [found(k, explanation=big) for k in range(600)]) for i in range(12)]  # fmt: skip
    findings = [f for r in results for f in r]
    got = read_back(wire.finding_outputs(findings, 1))
    assert len(got) > 1
    assert [f for message in got for f in message] == findings
    where = {}
    for n, message in enumerate(got):
        for f in message:
            where.setdefault(f.window_start, set()).add(n)
    assert len(where) == 12
    assert all(len(messages) == 1 for messages in where.values())


def test_of_a_result_with_too_many_findings_the_most_severe_are_kept():
    many = [found(i, severity=5 if i == 7999 else 3) for i in range(8000)]
    (got,) = read_back(wire.finding_outputs(result(RULE, "d", "o", "n", Window(DAY, DAY + HOUR), 1, many), 1))
    assert len(got) == wire.MAX_RESULT
    assert "host:7999" in {f.subject for f in got}


def test_of_a_result_too_large_for_a_message_the_most_severe_are_kept():
    r = np.random.default_rng(1)
    more = [{"related": tuple(r.bytes(40).hex() for _ in range(64)),
             "evidence": tuple(Evidence("flow", DAY, r.bytes(16)) for _ in range(20))}
            for _ in range(4000)]  # fmt: skip
    many = [found(i, severity=5 if i == 3999 else 3, **m) for i, m in enumerate(more)]
    (got,) = read_back(wire.finding_outputs(result(RULE, "d", "o", "n", Window(DAY, DAY + HOUR), 1, many), 1))
    assert 100 < len(got) < 4000
    assert "host:3999" in {f.subject for f in got}


def test_many_findings_with_much_beside_their_explanation_are_cut_into_messages_that_fit():
    r = np.random.default_rng(1)
    findings = [added(Detection(RULE, "o", "n", found(i, related=tuple(r.bytes(40).hex() for _ in range(64)))), "d")
                for i in range(3000)]  # fmt: skip
    got = read_back(wire.finding_outputs(findings, 1))
    assert [f for message in got for f in message] == findings


def test_each_organisations_findings_go_to_its_partition():
    findings = [added(Detection(RULE, f"org{i}", "n", found(i)), "d") for i in range(9)]
    outputs = wire.finding_outputs(findings, 3)
    assert sorted(f.org for m in read_back(outputs) for f in m) == sorted(f.org for f in findings)
    assert 1 < len(outputs) <= 3


def test_the_name_of_a_message_is_its_random_id_and_else_its_place():
    m = Message(PLACE, 4, {"batch_id": "cd"}, b"")
    assert wire.unit(m) == "cd"
    assert wire.unit(replace(m, headers={})) == "events.flow@ab/0/4"
    assert wire.token(wire.at(Place("events.flow", 0), "ab"), m) == "events.flow@ab/0/4/cd"
