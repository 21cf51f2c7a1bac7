"""Hostile bytes: no parser may raise, hang, or keep more than it says."""

from __future__ import annotations

import random
import ssl
import struct
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.network.parsers import datagram_parsers, stream_parsers
from collectors.network.parsers.base import Datagrams, StreamParser
from collectors.network.parsers.dns import MAX_BUFFER, DnsParser
from collectors.network.parsers.dns_answers import answers
from collectors.network.parsers.http import HttpParser
from collectors.network.parsers.http_body import Body, Budget
from collectors.network.parsers.http_framing import MAX_HEAD
from collectors.network.parsers.tls import MAX_MESSAGE, MAX_RECORD, TlsParser
from collectors.network.parsers.tls_hello import client_hello, server_hello
from collectors.network.parsers.x509 import columns
from fengsui.batch import Identity, build
from fengsui.schema import KINDS

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
HTTP = (b"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")  # fmt: skip
REPLY = (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
         b"4\r\n\x1f\x8b\x08\x00\r\n6\r\n\0\0\0\0\0\x03\r\n0\r\n\r\n")  # fmt: skip
DNS = (struct.pack(">6H", 7, 0x8180, 1, 2, 0, 0) + b"\x03www\x07example\0\0\x01\0\x01"
       + b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 6) + b"\x03alt\xc0\x10"
       + b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, 6) + b"\x05hello")  # fmt: skip
IDS = [p.name for p in stream_parsers()]


def hellos() -> bytes:
    """What a real client sends first."""
    out = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="tower.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


HELLO = hellos()
ANSWER = struct.pack(">BHHB", 22, 0x303, 44, 2) + b"\0\0\x28\x03\x03" + bytes(33) + b"\x13\x01\0\0\0" + bytes(40)
SEEDS = (
    HTTP,
    REPLY,
    HELLO,
    ANSWER,
    struct.pack(">H", len(DNS)) + DNS,
    b"220 mx\r\nEHLO a\r\nSTARTTLS\r\n" + HELLO,
    b"",
)


def damaged(seed: bytes, rng: random.Random) -> bytes:
    """A seed with some bytes changed, cut out or doubled."""
    raw = bytearray(seed)
    for _ in range(rng.randrange(6)):
        if not raw:
            break
        at = rng.randrange(len(raw))
        choice = rng.randrange(4)
        if choice == 0:
            raw[at] = rng.randrange(256)
        elif choice == 1:
            del raw[at : at + rng.randrange(1, 9)]
        elif choice == 2:
            raw[at:at] = raw[at : at + rng.randrange(1, 40)]
        else:
            del raw[at:]
    return bytes(raw)


class Sink:
    """Takes rows and checks that each is one that the schema accepts."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []

    def emit(self, kind: str, ts: int, **given: Any) -> None:
        known = {c.name for c in KINDS[kind].columns}
        assert set(given) <= known
        self.rows.append((kind, given))

    def keep(self, sha256: str, content: bytes) -> bool:
        return True

    def batches(self) -> Iterator[int]:
        for kind, row in self.rows:
            yield len(build(KINDS[kind], Identity(), {k: [v] for k, v in row.items()}, 1))


def drive(parser: StreamParser, orig: bytes, resp: bytes, rng: random.Random) -> Sink:
    """Both sides in random pieces, with a gap now and then; rows must fit the schema."""
    sink = Sink()
    stream = parser.open(sink.emit, sink.keep)
    left = {True: orig, False: resp}
    wanted = True
    while wanted and any(left.values()):
        side = rng.random() < 0.5
        size = rng.choice([1, 2, 7, 60, 1460])
        data, left[side] = left[side][:size], left[side][size:]
        if data:
            wanted = stream.gap(side, rng.randrange(1, 99), 5) if rng.random() < 0.02 else stream.data(side, data, 5)
        else:
            left[side] = b""
    stream.close(9)
    assert all(n == 1 for n in sink.batches())
    return sink


@pytest.mark.parametrize("index", range(len(IDS)), ids=IDS)
@FEW
@given(orig=st.binary(max_size=400), resp=st.binary(max_size=400), seed=st.integers())
def test_random_bytes_raise_nothing(index: int, orig: bytes, resp: bytes, seed: int) -> None:
    parser = stream_parsers()[index]
    for port in (53, 80, 443):
        assert parser.probe(orig, resp, port) in (True, False, None)
    drive(parser, orig, resp, random.Random(seed))


@pytest.mark.parametrize("parser", [TlsParser, HttpParser, DnsParser])
def test_damaged_conversations_raise_nothing_and_most_still_have_rows(parser: type[StreamParser]) -> None:
    rng = random.Random(20261122)
    rows = 0
    for _ in range(800):
        orig, resp = (damaged(rng.choice(SEEDS) + rng.choice(SEEDS), rng) for _ in range(2))
        rows += len(drive(parser(), orig, resp, rng).rows)
    assert rows > 100


@FEW
@given(st.binary(max_size=300))
def test_random_hellos_and_certificates_raise_nothing(raw: bytes) -> None:
    client_hello(raw)
    server_hello(raw)
    client_hello(HELLO[9:] + raw)
    assert "cert_sha256" in columns(raw)


def datagrams(messages: list[bytes]) -> Datagrams:
    sizes = np.array([len(m) for m in messages], np.int32)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
    n = len(messages)
    return Datagrams(np.frombuffer(b"".join(messages), np.uint8), starts, sizes, np.arange(n, dtype=np.int64),
                     np.zeros(n, np.int64), np.ones(n, np.bool_))  # fmt: skip


def test_damaged_dns_raises_nothing_and_every_row_fits_the_schema() -> None:
    rng = random.Random(1)
    asked = DNS[:2] + b"\x01\x00" + DNS[4:6] + bytes(6) + DNS[12:]
    messages = [damaged(rng.choice((DNS, asked, DNS + DNS)), rng) or b"x" for _ in range(5000)]
    messages += [rng.randbytes(rng.randrange(1, 80)) for _ in range(5000)]
    (parser,) = datagram_parsers()
    parts = parser.feed(datagrams(messages)) + parser.finish()
    total = 0
    for part in parts:
        made = build(KINDS["dns"], Identity(), part.columns | {"ts": part.ts}, len(part.ts))
        made.rows.validate(full=True)
        assert isinstance(made.rows, pa.RecordBatch)
        total += len(made)
    assert 1500 < total <= len(messages)


@FEW
@given(st.binary(max_size=200), st.integers(0, 250), st.integers(0, 65535))
def test_random_answers_raise_nothing(raw: bytes, pos: int, count: int) -> None:
    texts, ttls = answers(raw, pos, count)
    assert len(texts) == len(ttls)


@FEW
@given(st.lists(st.binary(max_size=200), max_size=8), st.lists(st.sampled_from(["gzip", "deflate", "br"]), max_size=4))
def test_a_body_that_only_claims_a_coding_raises_nothing(parts: list[bytes], codings: list[str]) -> None:
    budget = Budget()
    body = Body(budget, codings)
    for part in parts:
        body.feed(part)
    content = body.finish()
    assert content is not None
    assert len(content) == body.seen
    assert budget == Budget()


def held(stream: Any) -> int:
    """Bytes in the buffers of a stream."""
    seen: set[int] = set()

    def size(thing: Any) -> int:
        if id(thing) in seen:
            return 0
        seen.add(id(thing))
        if isinstance(thing, (bytes, bytearray)):
            return len(thing)
        if isinstance(thing, dict):
            return sum(size(v) for v in thing.values())
        if isinstance(thing, (list, tuple)) or type(thing).__name__ == "deque":
            return sum(size(v) for v in thing)
        names = list(getattr(thing, "__dict__", {})) + list(getattr(type(thing), "__slots__", ()))
        ours = type(thing).__module__.startswith("collectors")
        return sum(size(getattr(thing, n)) for n in names) if ours else 0

    return size(stream)


@pytest.mark.parametrize(
    ("parser", "start", "limit"),
    [
        (TlsParser, b"\x16\x03\x01\x40\x00\x01\x03\xff\xff", 2 * (MAX_MESSAGE + MAX_RECORD)),
        (TlsParser, b"\x16\x03\x01\x40\x00\x01\xff\xff\xff", 2 * (MAX_MESSAGE + MAX_RECORD)),
        (HttpParser, b"GET / HTTP/1.1\r\nX: ", 2 * MAX_HEAD),
        (HttpParser, b"GET /" + b"a" * 9000, 2 * MAX_HEAD),
        (HttpParser, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", 2 * MAX_HEAD),
        (DnsParser, b"\xff\xff" + DNS, MAX_BUFFER),
    ],
)
def test_an_endless_message_is_not_kept(parser: type[StreamParser], start: bytes, limit: int) -> None:
    sink = Sink()
    stream = parser().open(sink.emit, sink.keep)
    wanted, most = stream.data(True, start, 1), 0
    for _ in range(600):
        if not wanted:
            break
        wanted = stream.data(True, b"a" * 1460, 1)
        most = max(most, held(stream))
    assert most <= limit


HOSTILE: dict[str, tuple[type[StreamParser], bytes, int]] = {
    "a head byte by byte": (HttpParser, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 8000, 1),
    "a request line of blanks": (HttpParser, b"GET " + b" " * 60000 + b"x\r\n\r\n", 60100),
    "folded lines": (HttpParser, b"GET / HTTP/1.1\r\nHost: a\r\n" + b" a\n" * 20000 + b"\r\n", 61000),
    "folded behind the first line": (HttpParser, b"GET / HTTP/1.1\r\n" + b" a\n" * 20000 + b"\r\n", 61000),
    "chunks of one byte": (HttpParser, b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n" + b"1\na\n" * 30000, 1 << 16),
    "many requests": (HttpParser, b"GET / HTTP/1.1\n\n" * 8000, 1 << 16),
    "comments": (HttpParser, b"POST / HTTP/1.1\nContent-Length: 900\n\n" + b"<!---->" * 128 + b"abcd", 1 << 16),
    "records of one byte": (TlsParser, b"\x16\x03\x01\0\x01\x01" * 8000, 1 << 16),
    "messages of no byte": (TlsParser, b"\x16\x03\x01\x40\x00" + b"\x04\0\0\0" * 4096, 1 << 16),
    "small dns messages": (DnsParser, (b"\0\x11" + DNS[:12] + b"\0\0\1\0\1") * 2000, 1 << 16),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bytes_made_to_be_slow_are_not(name: str) -> None:
    parser, raw, piece = HOSTILE[name]
    sink = Sink()
    stream = parser().open(sink.emit, sink.keep)
    began = time.process_time()
    for i in range(0, len(raw), piece):
        if not stream.data(True, raw[i : i + piece], 1):
            break
    stream.close(2)
    assert time.process_time() - began < 2.0
