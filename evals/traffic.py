"""A realistic mixed capture, made fast: sessions as templates, copied with other addresses, ports and times.

Browsing (TLS 1.2 and 1.3 handshakes, HTTP), DNS, bulk transfers, QUIC-like datagrams, scans, NTP, pings. Seeded; the
same seed gives the same bytes (but for one certificate's key). Checksums are those of the template, so wrong.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numba as nb
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from numpy.typing import NDArray

Array = NDArray[Any]
MSS = 1448
EPOCH = 1_760_000_000_000_000
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
MAC = bytes.fromhex("02000000000102000000000208 00".replace(" ", ""))
CLIENT, SERVER = ipaddress.ip_address("10.0.0.1").packed, ipaddress.ip_address("192.0.2.1").packed
SITES = tuple(f"{a}.{b}.example" for a in ("www", "cdn", "api", "img", "mail") for b in ("news", "shop", "bank", "tv"))


@dataclass
class Session:
    """Frames of one session: microseconds since the one before, whether the client sent it, the bytes from IP on."""

    proto: int = 6
    server_port: int = 443
    frames: list[tuple[int, bool, bytes]] = field(default_factory=list)
    seqs: list[int] = field(default_factory=lambda: [1000, 9000])

    def _ip(self, client: bool, body: bytes) -> bytes:
        src, dst = (CLIENT, SERVER) if client else (SERVER, CLIENT)
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, self.proto, 0)
        return head + src + dst + body

    def _ports(self, client: bool) -> bytes:
        pair = (40000, self.server_port) if client else (self.server_port, 40000)
        return struct.pack(">HH", *pair)

    def tcp(self, gap: int, client: bool, flags: int, payload: bytes = b"") -> None:
        mine, theirs = (0, 1) if client else (1, 0)
        ack = self.seqs[theirs] if flags & 0x10 else 0
        head = self._ports(client) + struct.pack(">IIBBHHH", self.seqs[mine], ack, 0x80, flags, 64240, 0, 0)
        self.frames.append((gap, client, self._ip(client, head + bytes.fromhex("0101080a0000000100000001") + payload)))
        self.seqs[mine] += len(payload) + (1 if flags & 3 else 0)

    def open(self, rtt: int) -> None:
        self.tcp(0, True, 0x02)
        self.tcp(rtt, False, 0x12)
        self.tcp(100, True, 0x10)

    def send(self, client: bool, data: bytes, gap: int) -> None:
        """Full segments with an acknowledgement for every second one."""
        for i in range(0, len(data), MSS):
            self.tcp(gap if i == 0 else 40, client, 0x18, data[i : i + MSS])
            if i // MSS % 2:
                self.tcp(30, not client, 0x10)

    def end(self, gap: int) -> None:
        self.tcp(gap, True, 0x11)
        self.tcp(300, False, 0x11)
        self.tcp(100, True, 0x10)

    def udp(self, gap: int, client: bool, payload: bytes) -> None:
        head = self._ports(client) + struct.pack(">HH", 8 + len(payload), 0)
        self.frames.append((gap, client, self._ip(client, head + payload)))


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _extension(code: int, body: bytes) -> bytes:
    return struct.pack(">HH", code, len(body)) + body


def client_hello(name: str, rng: np.random.Generator) -> bytes:
    host = name.encode()
    ciphers = bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035")
    extensions = b"".join((
        _extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host), _extension(23, b""),
        _extension(10, bytes.fromhex("0008001d001700180019")), _extension(11, b"\x01\x00"),
        _extension(16, bytes.fromhex("000c02683208687474702f312e31")), _extension(5, b"\x01\x00\x00\x00\x00"),
        _extension(13, bytes.fromhex("0010040308040401050308050501080606010201")[:18]),
        _extension(51, bytes.fromhex("0024001d0020") + rng.bytes(32)), _extension(45, b"\x01\x01"),
        _extension(43, bytes.fromhex("0403040303")), _extension(21, bytes(180)),
    ))  # fmt: skip
    body = b"\x03\x03" + rng.bytes(32) + b"\x20" + rng.bytes(32) + struct.pack(">H", len(ciphers)) + ciphers
    body += b"\x01\x00" + struct.pack(">H", len(extensions)) + extensions
    return _record(22, _message(1, body))


def server_hello(rng: np.random.Generator, modern: bool) -> bytes:
    extensions = _extension(16, bytes.fromhex("0003026832"))
    if modern:
        extensions = _extension(43, b"\x03\x04") + _extension(51, bytes.fromhex("001d0020") + rng.bytes(32))
    body = b"\x03\x03" + rng.bytes(32) + b"\x20" + rng.bytes(32)
    body += (b"\x13\x01" if modern else b"\xc0\x2f") + b"\x00" + struct.pack(">H", len(extensions)) + extensions
    return _message(2, body)


def certificate(names: tuple[str, ...]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    cert = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(7)
        .not_valid_before(start).not_valid_after(start + dt.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    der = cert.public_bytes(serialization.Encoding.DER)
    one = len(der).to_bytes(3, "big") + der
    return _message(11, len(one).to_bytes(3, "big") + one)


def tls(name: str, rng: np.random.Generator, cert: bytes, modern: bool, size: int) -> Session:
    s = Session()
    s.open(20000)
    s.send(True, client_hello(name, rng), 500)
    if modern:
        s.send(False, _record(22, server_hello(rng, True)) + _record(20, b"\x01") + _record(23, rng.bytes(2400)), 21000)
        s.send(True, _record(20, b"\x01") + _record(23, rng.bytes(53)), 900)
    else:
        s.send(False, _record(22, server_hello(rng, False) + cert + _message(12, b"\x03\x00\x1d\x20" + rng.bytes(100)) +
                              _message(14, b"")), 21000)  # fmt: skip
        s.send(True, _record(22, _message(16, b"\x20" + rng.bytes(32))) + _record(20, b"\x01") +
               _record(22, rng.bytes(40)), 900)  # fmt: skip
        s.send(False, _record(20, b"\x01") + _record(22, rng.bytes(40)), 20000)
    s.send(True, _record(23, rng.bytes(450)), 300)
    body = b"".join(_record(23, rng.bytes(min(16384, size - i))) for i in range(0, size, 16384))
    s.send(False, body, 25000)
    s.end(50000)
    return s


def http(name: str, rng: np.random.Generator, sizes: tuple[int, ...]) -> Session:
    s = Session(server_port=80)
    s.open(15000)
    for i, size in enumerate(sizes):
        s.send(True, f"GET /item/{i}?q={name} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n"
               f"Accept: */*\r\nReferer: http://{name}/\r\nConnection: keep-alive\r\n\r\n".encode(), 2000)  # fmt: skip
        body = b"<html><body>" + rng.bytes(size - 12)
        s.send(False, b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" %
               size + body, 18000)  # fmt: skip
    s.end(5000)
    return s


def dns(name: str, answer: int) -> Session:
    s = Session(17, 53)
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    question = labels + struct.pack(">HH", 1 if answer != 2 else 28, 1)
    s.udp(0, True, struct.pack(">HHHHHH", 4321, 0x0100, 1, 0, 0, 0) + question)
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 300, 4) + bytes([192, 0, 2, i]) for i in range(answer))
    code = 0x8180 if answer else 0x8183
    s.udp(12000, False, struct.pack(">HHHHHH", 4321, code, 1, answer, 0, 0) + question + records)
    return s


def bulk(rng: np.random.Generator, packets: int) -> Session:
    s = Session(server_port=5001)
    s.open(10000)
    s.send(True, rng.bytes(MSS * packets * 2 // 3), 100)
    s.end(1000)
    return s


def quic(rng: np.random.Generator) -> Session:
    s = Session(17, 443)
    s.udp(0, True, b"\xc3\x00\x00\x00\x01" + rng.bytes(1195))
    s.udp(15000, False, b"\xc3\x00\x00\x00\x01" + rng.bytes(1195))
    for _ in range(12):
        s.udp(2000, False, b"\x43" + rng.bytes(1200))
        s.udp(500, True, b"\x43" + rng.bytes(40))
    return s


def scan() -> Session:
    s = Session(server_port=8443)
    s.tcp(0, True, 0x02)
    s.tcp(3000, False, 0x14)
    return s


def ntp() -> Session:
    s = Session(17, 123)
    s.udp(0, True, b"\x23" + bytes(47))
    s.udp(8000, False, b"\x24" + bytes(47))
    return s


def ssh(rng: np.random.Generator) -> Session:
    s = Session(server_port=22)
    s.open(8000)
    s.send(False, b"SSH-2.0-OpenSSH_9.6\r\n", 3000)
    s.send(True, b"SSH-2.0-OpenSSH_9.7\r\n", 200)
    for _ in range(30):
        s.send(True, rng.bytes(52), 90000)
        s.send(False, rng.bytes(68), 4000)
    s.end(1000)
    return s


def templates(seed: int) -> tuple[list[Session], Array]:
    """The sessions and how often each is drawn."""
    rng = np.random.default_rng(seed)
    cert = certificate(SITES[:6])
    made: list[tuple[Session, float]] = []
    for i, name in enumerate(SITES):
        # What a connection carries is heavy-tailed: median 25 kB, mean about 80 kB (pages of 2.5 MB over tens of
        # connections, as web archives count them).
        for size in np.clip(np.exp(rng.normal(np.log(25_000), 1.6, 4)), 2_000, 1_500_000):
            made.append((tls(name, rng, cert, i % 3 != 0, int(size)), 0.225))
        sizes = np.clip(np.exp(rng.normal(np.log(12_000), 1.3, 1 + i % 4)), 400, 400_000)
        made.append((http(name, rng, tuple(int(x) for x in sizes)), 0.075))  # few sites still go without TLS
        made.append((dns(name, i % 5), 2.5))
    made += [(bulk(rng, 5000), 0.2), (quic(rng), 3.0), (scan(), 4.0), (ntp(), 1.0), (ssh(rng), 0.3)]
    weights = np.array([w for _, w in made])
    return [s for s, _ in made], weights / weights.sum()


@nb.njit(cache=True)
def _write(out: Any, at: Any, order: Any, ts: Any, frame: Any, who: Any, start: Any, size: Any, client: Any, data: Any,
           host: Any, server: Any, port: Any, mac: Any) -> Any:  # fmt: skip
    """Write pcap records in the order given: the template's bytes with addresses, port and time put in."""
    for k in range(order.shape[0]):
        i = order[k]
        f, s = frame[i], who[i]
        n = 14 + size[f]
        second, micro = ts[i] // 1000000, ts[i] % 1000000
        for j in range(4):
            out[at + j] = (second >> (8 * j)) & 255
            out[at + 4 + j] = (micro >> (8 * j)) & 255
            out[at + 8 + j] = out[at + 12 + j] = (n >> (8 * j)) & 255
        at += 16
        out[at : at + 14] = mac
        ip = at + 14
        out[ip : ip + size[f]] = data[start[f] : start[f] + size[f]]
        a, b = (12, 16) if client[f] else (16, 12)
        for j in range(4):
            out[ip + a + j] = (host[s] >> (24 - 8 * j)) & 255
            out[ip + b + j] = (server[s] >> (24 - 8 * j)) & 255
        p = 20 if client[f] else 22
        out[ip + p] = port[s] >> 8
        out[ip + p + 1] = port[s] & 255
        at = ip + size[f]
    return at


def blocks(packets: int, seed: int = 1, block: int = 1_000_000) -> Iterator[bytes]:
    """The capture as bytes, about ``block`` packets at a time; each block has other clients and comes later."""
    sessions, weights = templates(seed)
    counts = np.array([len(s.frames) for s in sessions])
    first = np.concatenate([[0], np.cumsum(counts)])
    frames = [f for s in sessions for f in s.frames]
    size = np.array([len(f[2]) for f in frames])
    start = np.concatenate([[0], np.cumsum(size)])[:-1]
    client = np.array([f[1] for f in frames])
    offset = np.concatenate([np.cumsum([f[0] for f in s.frames]) for s in sessions])
    data = np.frombuffer(b"".join(f[2] for f in frames), np.uint8)
    mac = np.frombuffer(MAC, np.uint8)
    yield PCAP_HEADER
    rng = np.random.default_rng(seed + 1)
    base, left, number = EPOCH, packets, 0
    while left > 0:
        want = min(block, left)
        n = max(int(want / float(counts @ weights)), 1)
        kind = rng.choice(len(sessions), n, p=weights)
        while (short := want - int(counts[kind].sum())) > 0:
            kind = np.concatenate([kind, rng.choice(len(sessions), short // int(counts @ weights) + 1, p=weights)])
        n = len(kind)
        length = want * 10  # microseconds: 100,000 packets/s
        begin = base + rng.integers(0, length, n)
        who = np.repeat(np.arange(n), counts[kind])
        within = np.arange(len(who)) - np.repeat(np.cumsum(counts[kind]) - counts[kind], counts[kind])
        frame = first[kind][who] + within
        ts = begin[who] + offset[frame]
        order = np.argsort(ts, kind="stable")[:want]
        host = 0x0A000000 + (number % 200 << 16) + rng.integers(1, 20000, n)
        server = 0xC6336400 + rng.integers(0, 40000, n)
        port = rng.integers(1025, 65000, n)
        out = np.empty(int((size[frame] + 30).sum()), np.uint8)
        end = _write(out, 0, order, ts, frame, who, start, size, client, data, host, server, port, mac)
        yield out[:end].tobytes()
        base, left, number = int(ts[order].max()) + 1, left - want, number + 1
