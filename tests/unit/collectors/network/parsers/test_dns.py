from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from collectors.network.parsers.base import Datagrams, Rows
from collectors.network.parsers.dns import BUCKETS, DnsDatagrams, DnsParser
from collectors.network.parsers.dns_answers import answers
from collectors.network.parsers.dns_wire import WAYS

QUERY, ANSWER, RECURSION, AVAILABLE, AUTHORITATIVE = 0, 0x8000, 0x100, 0x80, 0x400
POINTER = b"\xc0\x0c"
A = POINTER + struct.pack(">HHIH", 1, 1, 300, 4) + bytes([192, 0, 2, 1])
Row = dict[str, Any]


def name(text: str) -> bytes:
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def message(tid: int, flags: int, asked: bytes = name("www.example.com"), qtype: int = 1, answers: bytes = b"",
            count: int = 0, questions: int = 1) -> bytes:  # fmt: skip
    question = asked + struct.pack(">HH", qtype, 1) if questions else b""
    return struct.pack(">6H", tid, flags, questions, count, 0, 0) + question + answers


def datagrams(*items: tuple[int, bytes, int]) -> Datagrams:
    """From (flow, message, microseconds)."""
    sizes = np.array([len(m) for _, m, _ in items], np.int32)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    return Datagrams(np.frombuffer(b"".join(m for _, m, _ in items), np.uint8), starts, sizes,
                     np.array([t for _, _, t in items], np.int64), np.array([f for f, _, _ in items], np.int64),
                     np.ones(len(items), np.bool_))  # fmt: skip


def rows(parts: list[Rows]) -> list[Row]:
    out = []
    for part in parts:
        columns = {k: v.to_pylist() if isinstance(v, pa.Array) else list(v) for k, v in part.columns.items()}
        for i, (flow, ts) in enumerate(zip(part.flow.tolist(), part.ts.tolist(), strict=True)):
            out.append({"flow": flow, "ts": ts} | {k: v[i] for k, v in columns.items()})
    return out


def decode(*items: tuple[int, bytes, int]) -> list[Row]:
    parser = DnsDatagrams()
    return rows(parser.feed(datagrams(*items)) + parser.finish())


def test_a_query_and_its_answer_are_one_row() -> None:
    flags = ANSWER | RECURSION | AVAILABLE | AUTHORITATIVE
    (row,) = decode((3, message(7, RECURSION), 1_000_000), (3, message(7, flags, answers=A, count=1), 1_250_000))
    assert (row["flow"], row["ts"], row["trans_id"], row["rtt"]) == (3, 1_000_000, 7, 0.25)
    assert (row["query"], row["qtype"], row["qclass"], row["rcode"]) == ("www.example.com", "A", 1, "NOERROR")
    assert (row["answers"], row["ttls"]) == (["192.0.2.1"], [300])
    assert [bool(row[f]) for f in ("aa", "tc", "rd", "ra")] == [True, False, True, True]


def record(kind: int, data: bytes, owner: bytes = POINTER) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def test_compiled_answers_are_those_of_python() -> None:
    dice = random.Random(5)
    pieces = (bytes(2), bytes(2), b"\0\1", b"\xab\xcd")
    for _ in range(400):
        made = []
        for _ in range(dice.randrange(1, 20)):
            six = b"".join(dice.choice(pieces) for _ in range(8))
            kind, data = dice.choice([
                (1, dice.randbytes(4)), (1, b"\1\2\3"), (28, six), (28, six), (5, name("A.b")), (12, POINTER),
                (2, b"\0"), (5, b"\3a.\\\0"), (16, b"\2hi"), (5, b"\xc0\xff"),
                (15, b"\0\1" + POINTER), (34463, b""),
            ])  # fmt: skip
            made.append(record(kind, data, dice.choice([POINTER, POINTER, name("x.y"), b"\0"])))
        count, raw = len(made) + dice.choice([0, 0, 0, 1]), b"".join(made)
        raw = raw[: len(raw) - dice.choice([0, 0, 0, 1, 5])]
        whole = message(1, ANSWER, answers=raw, count=count)
        row, _ = decode((1, whole, 10), (2, message(1, ANSWER, answers=A, count=1), 11))
        assert (row["answers"], row["ttls"]) == answers(whole, len(whole) - len(raw), count)


def test_an_answer_in_a_later_batch_finds_its_query() -> None:
    parser = DnsDatagrams()
    assert rows(parser.feed(datagrams((1, message(9, 0), 10)))) == []
    (row,) = rows(parser.feed(datagrams((1, message(9, ANSWER | 3), 60))))
    assert (row["rcode"], row["rtt"], row["query"]) == ("NXDOMAIN", 50 / 1e6, "www.example.com")


def test_a_query_without_an_answer_waits_and_is_then_given_up() -> None:
    parser = DnsDatagrams()
    parser.feed(datagrams((1, message(9, RECURSION), 0)))
    assert parser.expire(9_000_000) == []
    (row,) = rows(parser.expire(11_000_000))
    assert (row["rcode"], row["rtt"], row["answers"]) == ("", None, [])
    assert parser.finish() == []


def test_an_answer_without_a_query_has_a_row_with_its_own_question() -> None:
    (row,) = decode((1, message(9, ANSWER | 2, qtype=28), 77))
    assert (row["query"], row["qtype"], row["rcode"], row["rtt"], row["ts"]) == (
        "www.example.com", "AAAA", "SERVFAIL", None, 77)  # fmt: skip


def test_the_same_id_in_another_flow_is_another_transaction() -> None:
    found = decode((1, message(5, 0), 0), (2, message(5, ANSWER), 1))
    assert sorted((r["flow"], r["rcode"]) for r in found) == [(1, ""), (2, "NOERROR")]


def test_of_two_queries_with_one_id_the_one_with_the_same_question_is_answered() -> None:
    other = name("other.example")
    found = decode((1, message(5, 0), 0), (1, message(5, 0, other), 10), (1, message(5, ANSWER, other), 30))
    assert [(r["query"], r["rcode"]) for r in found] == [("other.example", "NOERROR"), ("www.example.com", "")]


def test_an_unrelated_multicast_announcement_answers_nobody() -> None:
    own = name("printer.local") + struct.pack(">HHIH", 1, 0x8001, 120, 4) + bytes([10, 0, 0, 9])
    announce = struct.pack(">6H", 0, ANSWER | AUTHORITATIVE, 0, 1, 0, 0) + own
    found = decode((1, message(0, 0, name("laptop.local")), 0), (1, announce, 5))
    assert [(r["query"], r["rcode"], r["answers"]) for r in found] == [
        ("printer.local", "NOERROR", ["10.0.0.9"]), ("laptop.local", "", [])]  # fmt: skip


def test_names_are_lower_case_and_odd_bytes_are_escaped() -> None:
    raw = b"\x05Ab\x00.\\" + b"\x03\xe2\x82\xac" + b"\x03CoM\0"
    (row,) = decode((1, message(5, 0, raw), 0))
    assert row["query"] == r"ab\x00\x2e\\.\xe2\x82\xac.com"


def test_a_name_that_points_at_itself_ends() -> None:
    assert decode((1, message(5, 0, b"\x01a\xc0\x0c"), 0)) == []
    alias = POINTER + struct.pack(">HHIH", 5, 1, 1, 2) + b"\xc0\x3d"  # which lies at 0x3d
    (row,) = decode((1, message(5, ANSWER, answers=A + alias, count=2), 0))
    assert row["answers"] == ["192.0.2.1"]


def test_a_name_beyond_255_bytes_is_no_name() -> None:
    assert len(decode((1, message(5, 0, name(".".join(["x" * 63] * 3 + ["x" * 61]))), 0))) == 1
    assert decode((1, message(5, 0, name(".".join(["x" * 63] * 4))), 0)) == []


def test_the_root_is_a_dot() -> None:
    (row,) = decode((1, message(5, 0, b"\0", qtype=2), 0))
    assert (row["query"], row["qtype"]) == (".", "NS")


def test_a_netbios_name_is_decoded() -> None:
    coded = bytes(c for b in b"WPAD".ljust(15) + b"\0" for c in (65 + (b >> 4), 65 + (b & 15)))
    (row,) = decode((1, message(5, 0x110, b"\x20" + coded + b"\0", qtype=32), 0))
    assert (row["query"], row["qtype"]) == ("WPAD", "NB")


@pytest.mark.parametrize(("opcode", "expected"), [(4, "REFUSED"), (5, "NOTAUTH")])
def test_notify_and_update_are_logged(opcode: int, expected: str) -> None:
    code = {"REFUSED": 5, "NOTAUTH": 9}[expected]
    (row,) = decode(
        (1, message(5, opcode << 11, qtype=6), 0), (1, message(5, ANSWER | opcode << 11 | code, qtype=6), 9)
    )
    assert (row["qtype"], row["rcode"]) == ("SOA", expected)


def test_an_option_record_behind_the_question_does_not_disturb() -> None:
    option = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
    raw = message(5, RECURSION)
    raw = raw[:10] + b"\0\1" + raw[12:] + option
    assert [r["query"] for r in decode((1, raw, 0))] == ["www.example.com"]


def test_what_is_no_dns_has_no_row_and_labels_no_flow() -> None:
    parser = DnsDatagrams()
    noise = random.Random(1).randbytes(40)
    good = message(5, 0)
    parser.feed(datagrams((1, b"short", 0), (2, b"\xff" * 60, 0), (3, good, 0), (4, good[:20], 0)))
    assert parser.recognised().tolist() == [3]
    assert [r["flow"] for r in rows(parser.finish())] == [3]
    parser.feed(datagrams((9, noise[:11], 0)))
    assert parser.recognised().tolist() == []


def test_a_cut_answer_keeps_what_could_be_read() -> None:
    raw = message(5, ANSWER | 0x200, answers=A + A[:-2], count=2)
    (row,) = decode((1, raw, 0))
    assert (row["answers"], row["ttls"], bool(row["tc"])) == (["192.0.2.1"], [300], True)


def test_a_flood_of_unanswered_queries_stays_bounded_and_loses_no_row() -> None:
    parser = DnsDatagrams()
    n = BUCKETS * WAYS * 2
    raw = message(0, 0)
    found = 0
    for lo in range(0, n, 1 << 14):
        batch = datagrams(
            *((f, raw[:0] + struct.pack(">H", f & 0xFFFF) + raw[2:], 0) for f in range(lo, lo + (1 << 14)))
        )
        found += len(rows(parser.feed(batch)))
    waiting = len(rows(parser.finish()))
    assert waiting <= BUCKETS * WAYS
    assert found + waiting == n


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">H", len(m)) + m for m in messages)


def test_over_tcp_messages_are_joined_across_any_cut(converse: Any) -> None:
    asked = framed(message(1, 0), message(2, 0, name("two.example")))
    told = framed(message(2, ANSWER, name("two.example")), message(1, ANSWER, answers=A, count=1))
    for cut in (1, 2, 5, 14, 40):
        pieces = [(True, asked[i : i + cut]) for i in range(0, len(asked), cut)]
        pieces += [(False, told[i : i + cut]) for i in range(0, len(told), cut)]
        found = converse(DnsParser(), pieces)
        assert [(r["query"], r["rcode"]) for r in found] == [("two.example", "NOERROR"), ("www.example.com", "NOERROR")]


def test_over_tcp_reading_resumes_behind_a_gap(connect: Any) -> None:
    c = connect(DnsParser())
    c.send(True, framed(message(1, 0)))
    c.gap(True, 33)
    c.send(True, framed(message(3, 0, name("three.example"))))
    assert [r["query"] for r in c.close()] == ["www.example.com", "three.example"]


def test_connections_over_tcp_do_not_answer_each_other(connect: Any) -> None:
    parser = DnsParser()
    one, two = connect(parser), connect(parser)
    one.send(True, framed(message(1, 0)))
    two.send(True, framed(message(1, 0, name("two.example"))))
    two.send(False, framed(message(1, ANSWER, name("two.example"))))
    assert [(r["query"], r["rcode"]) for r in two.close()] == [("two.example", "NOERROR")]
    assert [(r["query"], r["rcode"]) for r in one.close()] == [("www.example.com", "")]


def test_over_tcp_only_what_looks_like_dns_is_taken() -> None:
    parser = DnsParser()
    assert parser.probe(framed(message(1, 0)), b"", 53) is True
    assert parser.probe(framed(message(1, 0))[:5], b"", 53) is None
    assert parser.probe(b"GET / HTTP/1.1\r\n\r\n", b"", 53) is False
    assert parser.probe(framed(message(1, 0)), b"", 80) is False
