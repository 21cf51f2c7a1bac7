"""The decoder as a whole: the same rows in the same order, whatever the buffer; parsers get what is theirs."""

from __future__ import annotations

import gc
import random
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collectors.network.capture import Capture
from collectors.network.decode import ANNEX, Decoder, DecodeSettings, decode_capture
from collectors.network.parsers.base import Emit, Keep
from fengsui.batch import Identity
from fengsui.errors import BadSetting
from tests.unit.collectors.network.craft import (
    ACK,
    FIN,
    PSH,
    SMALL,
    START,
    SYN,
    A,
    B,
    Talk,
    batches,
    ether,
    flow,
    flows,
    ip,
    pcap,
    rows,
    udp,
)  # fmt: skip


class Echo:
    """A parser of anything that begins with ECHO: remembers all that it was told."""

    name = "echo"

    def __init__(self, until: int = 1 << 30) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.until = until
        self.asked = 0

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        self.asked += 1
        if len(orig) < 4:
            return None if b"ECHO".startswith(orig) else False
        return orig.startswith(b"ECHO")

    def open(self, emit: Emit, keep: Keep) -> EchoStream:
        return EchoStream(self, emit)


class EchoStream:
    def __init__(self, parser: Echo, emit: Emit) -> None:
        self.told, self.parser, self.emit = parser.told, parser, emit

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        self.told.append(("data", orig, data, ts))
        return sum(len(t[2]) for t in self.told if t[0] == "data") < self.parser.until

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        self.told.append(("gap", orig, size))
        return True

    def close(self, ts: int) -> None:
        self.told.append(("close", ts))
        self.emit("http", ts, method="ECHO", trans_depth=len(self.told))


def run(packets: list[tuple[float, bytes]], folder: Path, parser: Echo, settings: DecodeSettings = SMALL) -> Decoder:
    path = folder / "echo.pcap"
    path.write_bytes(pcap(packets))
    decoder = Decoder(Identity(), settings, lambda sha256, data: True, [parser], [])
    with Capture(path, settings.chunk_bytes, ANNEX) as capture:
        decoder.rows = [r | {"kind": b.kind} for b in decoder.run(capture) for r in b.rows.to_pylist()]  # type: ignore[attr-defined]
    return decoder


def told(parser: Echo, orig: bool) -> bytes:
    return b"".join(t[2] for t in parser.told if t[0] == "data" and t[1] is orig)


def test_a_parser_is_given_each_side_in_order_and_the_end(tmp_path: Path) -> None:
    parser = Echo()
    talk = Talk().open().c(PSH | ACK, b"EC").c(PSH | ACK, b"HO 1").s(PSH | ACK, b"one").c(PSH | ACK, b"2").close()
    decoder = run(talk.packets, tmp_path, parser)
    assert [t[:3] for t in parser.told[:-1]] == [
        ("data", True, b"EC"), ("data", True, b"HO 1"), ("data", False, b"one"), ("data", True, b"2"),
    ]  # fmt: skip
    assert parser.told[-1][0] == "close"
    found = {r["kind"]: r for r in decoder.rows}  # type: ignore[attr-defined]
    assert found["flow"]["app"] == "echo"
    assert found["http"]["method"] == "ECHO"
    assert found["http"]["uid"] == found["flow"]["uid"]
    assert found["http"]["community_id"] == found["flow"]["community_id"]


def test_retransmitted_and_disordered_segments_are_put_right(tmp_path: Path) -> None:
    parser = Echo()
    talk = Talk().open().c(PSH | ACK, b"ECHO")
    text = bytes(random.Random(3).randrange(256) for _ in range(9000))
    for i in range(0, len(text), 300):
        talk.c(PSH | ACK, text[i : i + 300])
        talk.c(PSH | ACK, text[max(i - 100, 0) : i + 200], shift=-300 - min(i, 100))
        if i % 1500 == 1200:
            talk.s(ACK)
    packets = [p for _, p in talk.packets]
    for i in range(4, len(packets), 11):  # ten segments, then their acknowledgement
        part = packets[i : i + 10]
        random.Random(i).shuffle(part)
        packets[i : i + 10] = part
    f = run([(START + i / 100, p) for i, p in enumerate(packets)], tmp_path, parser).rows[0]  # type: ignore[attr-defined]
    assert told(parser, True) == b"ECHO" + text
    assert f["missed_bytes"] == 0
    assert f["orig_bytes"] == len(text) + 4


def test_a_hole_is_told_once_it_is_acknowledged(tmp_path: Path) -> None:
    parser = Echo()
    talk = Talk().open().c(PSH | ACK, b"ECHO").lose(0, 700).c(PSH | ACK, b"more").s(ACK).close()
    run(talk.packets, tmp_path, parser)
    assert [t[:3] for t in parser.told[:3]] == [("data", True, b"ECHO"), ("gap", True, 700), ("data", True, b"more")]


def test_a_hole_never_acknowledged_is_told_at_the_end(tmp_path: Path) -> None:
    parser = Echo()
    run(Talk().open().c(PSH | ACK, b"ECHO").lose(0, 700).c(PSH | ACK, b"more").packets, tmp_path, parser)
    assert [t[:3] for t in parser.told[:3]] == [("data", True, b"ECHO"), ("gap", True, 700), ("data", True, b"more")]


def test_a_parser_that_wants_no_more_is_not_fed_again(tmp_path: Path) -> None:
    parser = Echo(until=10)
    talk = Talk().open().c(PSH | ACK, b"ECHO 12345")
    for _ in range(2000):
        talk.c(PSH | ACK, b"x" * 1400)
    settings = replace(SMALL, chunk_bytes=1 << 16)
    decoder = run(talk.packets, tmp_path, parser, settings)
    assert [t[0] for t in parser.told] == ["data", "close"]
    assert decoder.apps.connections == {}


def test_a_connection_that_nobody_recognises_is_soon_let_go(tmp_path: Path) -> None:
    parser = Echo()
    talk = Talk().open()
    for _ in range(2000):
        talk.c(PSH | ACK, b"ECXO" * 350)
    decoder = run(talk.packets, tmp_path, parser, replace(SMALL, chunk_bytes=1 << 16))
    assert parser.asked == 1
    assert parser.told == []
    assert decoder.rows[0]["orig_bytes"] == 2000 * 1400  # type: ignore[attr-defined]


def test_streams_beyond_the_limit_are_given_up_and_counted(tmp_path: Path) -> None:
    parser = Echo()
    packets = [p for i in range(9) for p in Talk(40000 + i, at=START + i).open().c(PSH | ACK, b"ECHO").packets]
    decoder = run(packets, tmp_path, parser, replace(SMALL, streams=4))
    assert decoder.counts.dropped_streams == 5
    assert sum(t[0] == "close" for t in parser.told) == 9


def browse(port: int, at: float, size: int) -> list[tuple[float, bytes]]:
    talk = Talk(port, at=at).open().c(PSH | ACK, b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n" % port)
    talk.s(PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for i in range(0, size, 1400):
        talk.s(ACK, bytes(min(1400, size - i))).c(ACK)
    return talk.close().packets


def mixed() -> list[tuple[float, bytes]]:
    packets = [p for i in range(60) for p in browse(30000 + i, START + i / 7, 700 * i)]
    for i in range(200):
        ask = struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + b"\x01a\x07example\x00\x00\x01\x00\x01"
        packets.append((START + i / 20, ether(ip(A, B, 17, udp(20000 + i, 53, ask)))))
        answer = ask[:2] + b"\x81\x83" + ask[4:]
        packets.append((START + i / 20 + 0.01, ether(ip(B, A, 17, udp(53, 20000 + i, answer)))))
    return sorted(packets)


def stream(found: Any) -> Iterator[tuple[str, bytes]]:
    for batch in found:
        for row in batch.rows.to_pylist():
            yield batch.kind, row["event_id"]


def test_two_runs_give_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    content = pcap(mixed())
    settings = replace(SMALL, batch_rows=50, chunk_bytes=1 << 17)
    first = list(stream(batches(content, tmp_path, settings)))
    assert len(first) > 500
    assert len(set(first)) == len(first)
    assert list(stream(batches(content, tmp_path, settings))) == first


@pytest.mark.parametrize("chunk", [1 << 16, 100_003, 1 << 20])
def test_the_size_of_the_buffer_changes_no_row(chunk: int, tmp_path: Path) -> None:
    content = pcap(mixed())
    rows_of = {}
    for size in (chunk, 8 << 20):
        found = rows(content, tmp_path, replace(SMALL, chunk_bytes=size))
        rows_of[size] = {k: sorted((r["event_id"], r["ts"], str(r)) for r in v) for k, v in found.items()}
    assert set(rows_of[chunk]) == {"flow", "dns", "http", "file"}
    assert rows_of[chunk] == rows_of[8 << 20]


def test_outputs_that_fill_up_lose_nothing(tmp_path: Path) -> None:
    content = pcap(mixed())
    want, found = (rows(content, tmp_path, replace(SMALL, events=n)) for n in (1 << 14, 256))
    assert {k: len(v) for k, v in found.items()} == {k: len(v) for k, v in want.items()}
    assert {r["uid"] for r in found["http"]} == {r["uid"] for r in want["http"]}


def test_rows_of_all_kinds_name_the_same_flow(tmp_path: Path) -> None:
    found = rows(pcap(mixed()), tmp_path)
    uids = {r["uid"]: r for r in found["flow"]}
    assert len(found["dns"]) == 200
    assert len(found["http"]) == 60
    for kind in ("dns", "http", "file"):
        assert all(uids[r["uid"]]["src_port"] == r["src_port"] for r in found[kind])
    assert {r["app"] for r in found["flow"]} == {"dns", "http"}


def test_a_flow_names_the_protocol_found_inside_it_too(tmp_path: Path) -> None:
    name = b"\0\0\0\x0c\0\x0a\0\0\x07a.local"
    body = b"\x03\x03" + bytes(33) + b"\0\x02\x13\x01\x01\0" + struct.pack(">H", len(name)) + name
    hello = b"\x16\x03\x01" + struct.pack(">HBBH", len(body) + 4, 1, 0, len(body)) + body
    talk = Talk(dport=25).open().s(PSH | ACK, b"220 mx ESMTP\r\n").c(PSH | ACK, b"EHLO me\r\n")
    talk.s(PSH | ACK, b"250-mx\r\n250 STARTTLS\r\n").c(PSH | ACK, b"STARTTLS\r\n").s(PSH | ACK, b"220 go\r\n")
    found = rows(pcap(talk.c(PSH | ACK, hello).close().packets), tmp_path)
    assert [r["sni"] for r in found["tls"]] == ["a.local"]
    assert [r["app"] for r in found["flow"]] == ["smtp,ssl"]


def test_identities_depend_on_who_owns_the_sensor(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(Talk().open().packets))
    uids = set()
    for org in ("one", "two", "one"):
        decoder = Decoder(Identity(org=org), SMALL, lambda sha256, data: True)
        with Capture(path, 1 << 16, ANNEX) as capture:
            uids |= {b.column("uid")[0].as_py() for b in decoder.run(capture)}
    assert len(uids) == 2


def test_a_capture_cut_by_its_snap_length_keeps_its_sizes(tmp_path: Path) -> None:
    talk = Talk().open().c(PSH | ACK, b"x" * 1000).s(PSH | ACK, b"y" * 900).close()
    content = pcap([])
    for ts, frame in talk.packets:
        content += struct.pack("<IIII", int(ts), round(ts % 1 * 1e6), min(len(frame), 60), len(frame)) + frame[:60]
    f = rows(content, tmp_path)["flow"][0]
    assert (f["orig_bytes"], f["resp_bytes"], f["conn_state"]) == (1000, 900, "SF")


@pytest.mark.parametrize(
    "wrong",
    [{"memory": 1000}, {"flows": 3}, {"checksums": "perhaps"}, {"chunk_bytes": 10}],
    ids=lambda w: next(iter(w)),
)
def test_settings_out_of_range_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(wrong))):
        DecodeSettings(**wrong)


def test_python_collects_as_before_once_a_capture_is_read(tmp_path: Path) -> None:
    before = gc.get_threshold()
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(Talk().open().packets))
    found = decode_capture(path, Identity(), SMALL, keep=lambda sha256, data: True)
    next(found)
    during = gc.get_threshold()
    found.close()  # type: ignore[attr-defined]
    assert during > before == gc.get_threshold()


def test_carved_files_are_handed_to_the_caller(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(browse(30000, START, 5000)))

    def keep(sha256: str, content: bytes) -> bool:
        kept[sha256] = content
        return True

    found = [
        r for b in decode_capture(path, Identity(), SMALL, keep=keep) if b.kind == "file" for r in b.rows.to_pylist()
    ]
    assert [(r["sha256"], r["seen_bytes"], r["kept"]) for r in found] == [(next(iter(kept)), 5000, True)]
    assert kept[found[0]["sha256"]] == bytes(5000)


def test_memory_is_shared_out_and_kept() -> None:
    small, large = DecodeSettings(memory=64_000_000), DecodeSettings(memory=640_000_000)
    assert small.flows * 9 < large.flows
    assert large.held_total + large.chunk_bytes + large.flows * 1000 < 640_000_000


def test_fin_and_syn_alone_do_not_confuse_the_counts(tmp_path: Path) -> None:
    assert flow(Talk().c(SYN | FIN).packets, tmp_path)["history"] == "Q"
    assert flows([], tmp_path) == []
