"""Bytes of made conversations: DNS messages, HTTP messages and the handshake of TLS 1.3."""

from __future__ import annotations

import struct
from functools import lru_cache

A, TXT = 1, 16
QTYPES = {"A": 1, "TXT": 16, "AAAA": 28}

# Cipher suites of three made kinds of clients; what JA3 and JA4 tell apart.
CLIENTS = (
    (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8),
    (0x1301, 0x1303, 0x1302, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC02C, 0xC030, 0xC00A),
    (0x1302, 0x1301, 0xC030, 0xC02F),
)


@lru_cache(maxsize=65536)
def _name(name: str) -> bytes:
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"


def dns_query(trans_id: int, name: str, qtype: int) -> bytes:
    return struct.pack(">HHHHHH", trans_id, 0x0100, 1, 0, 0, 0) + _name(name) + struct.pack(">HH", qtype, 1)


def dns_answer(trans_id: int, name: str, qtype: int, data: bytes | None, ttl: int = 300) -> bytes:
    """The answer with one record, or NXDOMAIN where there is no ``data``."""
    head = struct.pack(">HHHHHH", trans_id, 0x8180 if data is not None else 0x8183, 1, int(data is not None), 0, 0)
    question = _name(name) + struct.pack(">HH", qtype, 1)
    if data is None:
        return head + question
    return head + question + struct.pack(">HHHIH", 0xC00C, qtype, 1, ttl, len(data)) + data


def txt(text: str) -> bytes:
    raw = text.encode()
    return bytes([len(raw)]) + raw


def http_request(host: str, uri: str, agent: str, method: str = "GET") -> bytes:
    return f"{method} {uri} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n\r\n".encode()


def http_response(body: bytes, mime: str, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nServer: made\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def _sized(body: bytes, width: int = 2) -> bytes:
    return len(body).to_bytes(width, "big") + body


def _handshake(kind: int, body: bytes) -> bytes:
    return record(22, bytes([kind]) + _sized(body, 3))


def record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def client_hello(sni: str, client: int, random: bytes) -> bytes:
    """``client`` chooses one of ``CLIENTS``; ``random`` is 64 bytes: the random and the key share."""
    host = sni.encode()
    ciphers = b"".join(struct.pack(">H", c) for c in CLIENTS[client])
    share = struct.pack(">H", 29) + _sized(random[32:64])
    extensions = b"".join((
        _extension(0, _sized(b"\0" + _sized(host))),
        _extension(10, _sized(struct.pack(">HHH", 29, 23, 24))),
        _extension(11, b"\x01\x00"),
        _extension(13, _sized(struct.pack(">HHHH", 0x0403, 0x0804, 0x0401, 0x0503))),
        _extension(16, _sized(b"\x02h2\x08http/1.1" if client < 2 else b"\x08http/1.1")),
        _extension(43, _sized(struct.pack(">HH", 0x0304, 0x0303), 1)),
        _extension(51, _sized(share)),
    ))  # fmt: skip
    body = b"\x03\x03" + random[:32] + _sized(random[:32], 1) + _sized(ciphers) + b"\x01\x00" + _sized(extensions)
    return _handshake(1, body)


def server_hello(session: bytes, random: bytes) -> bytes:
    """The server's half up to its certificate, which TLS 1.3 hides: ``session`` repeats the client's 32 bytes."""
    share = struct.pack(">H", 29) + _sized(random[32:64])
    extensions = _extension(43, struct.pack(">H", 0x0304)) + _extension(51, share)
    body = b"\x03\x03" + random[:32] + _sized(session, 1) + struct.pack(">HB", 0x1301, 0) + _sized(extensions)
    return _handshake(2, body) + record(20, b"\x01")
