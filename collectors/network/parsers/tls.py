"""TLS from SSLv2 to 1.3: one row a connection, from the handshake; nothing is wanted of what follows it.

Differences from Zeek: JA3, JA3S and JA4 are always given; only the server's own certificate is described.
"""

from __future__ import annotations

import struct
from typing import Any

from collectors.network.parsers import x509
from collectors.network.parsers.base import Emit, Keep, Stream
from collectors.network.parsers.tls_hello import ClientHello, ServerHello, client_hello, server_hello
from collectors.network.parsers.tls_names import DRAFTS, cipher_name, group_name, version_name

CIPHER_CHANGE, ALERT, HANDSHAKE, DATA, HEARTBEAT = 20, 21, 22, 23, 24
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_KEY, SERVER_DONE = 1, 2, 11, 12, 14
HELLO_REQUEST = 0
TLS13 = 0x0304
NAMED_CURVE = 3
FATAL = 2
MAX_RECORD = (1 << 14) + 2048
MAX_DATA = 64  # records of data after which a handshake that is seen in part is given up
MAX_MESSAGE = 1 << 18  # of a handshake; a longer one ends the reading of its side

_RECORD = struct.Struct(">BBBH").unpack_from


class TlsParser:
    """TLS and SSL on any port."""

    name = "ssl"

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        answers = [a for a in (_begins(orig), _begins(resp)) if a is not None]
        return any(answers) if answers else None

    def open(self, emit: Emit, keep: Keep) -> Stream:
        return TlsStream(emit)


def _begins(data: bytes) -> bool | None:
    """Does a side that begins so speak TLS? None: too little to tell."""
    if len(data) < 6:
        return None if data[:1] in (b"", b"\x16", b"\x80") or data[:2] == b"\x16\x03" else False
    if data[0] == HANDSHAKE:
        return data[1] == 3 and data[2] <= 4 and data[5] in (CLIENT_HELLO, SERVER_HELLO) and data[3] <= MAX_RECORD >> 8
    return is_old_hello(data)


def is_old_hello(data: bytes) -> bool:
    """A ClientHello in the record of SSLv2, as clients sent it that could also speak TLS."""
    if len(data) < 11 or not data[0] & 0x80 or data[2] != CLIENT_HELLO or data[3:5] not in _OLD_VERSIONS:
        return False
    ciphers, session, challenge = (data[i] << 8 | data[i + 1] for i in (5, 7, 9))
    size = (data[0] & 0x7F) << 8 | data[1]
    return ciphers % 3 == 0 and 16 <= challenge <= 32 and size == 9 + ciphers + session + challenge


_OLD_VERSIONS = {b"\x00\x02", b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x03\x03"}


class _Side:
    """Records and handshake messages of one direction."""

    __slots__ = ("buffer", "changed", "dead", "handshake", "skip")

    def __init__(self) -> None:
        self.buffer = b""  # a record of which the rest is to come
        self.handshake = bytearray()
        self.skip = 0  # bytes of a record whose content does not matter
        self.changed = False  # its ChangeCipherSpec was seen: encrypted from here
        self.dead = False


class TlsStream:
    """One connection. The client is the side that sends the ClientHello."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._sides = {True: _Side(), False: _Side()}
        self._ts = 0
        self._client: ClientHello | None = None
        self._server: ServerHello | None = None
        self._client_side = True
        self._version = 0
        self._group = 0
        self._certificate = b""
        self._full = False  # the server sent more than its hello: not an abbreviated handshake
        self._resumed = False
        self._established = False
        self._data = 0  # records of data
        self._done = False

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._done:
            return False
        side = self._sides[orig]
        if not side.dead:
            self._ts = self._ts or ts
            self._feed(side, orig, data)
        if self._done or (self._sides[True].dead and self._sides[False].dead):
            self.close(ts)
        return not self._done

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        side = self._sides[orig]
        if side.skip >= size and not side.buffer:
            side.skip -= size
        else:
            side.dead = True
        return not (self._done or (self._sides[True].dead and self._sides[False].dead))

    def close(self, ts: int) -> None:
        if (self._client or self._server or self._version) and self._ts >= 0:
            self._emit("tls", self._ts, **self._row())
            self._ts = -1
        self._done = True

    def _feed(self, side: _Side, orig: bool, data: bytes) -> None:
        if side.skip:
            dropped = min(side.skip, len(data))
            side.skip -= dropped
            data = data[dropped:]
        if side.buffer:
            data = side.buffer + data
        at, end = 0, len(data)
        while end - at >= 5 and not self._done:
            kind, version, _, size = _RECORD(data, at)
            if not (CIPHER_CHANGE <= kind <= HEARTBEAT and version == 3 and size <= MAX_RECORD):
                after = self._old(side, orig, data, at)
                if after < 0:
                    break
                at = after
                continue
            after = at + 5 + size
            if kind in (DATA, HEARTBEAT) or (kind == HANDSHAKE and side.changed):
                self._encrypted(orig, kind)
                side.skip = max(0, after - end)
                at = min(after, end)
                continue
            if after > end:
                break
            self._record(side, orig, kind, data[at + 5 : after])
            at = after
        side.buffer = b"" if side.dead else data[at:]

    def _record(self, side: _Side, orig: bool, kind: int, content: bytes) -> None:
        if kind == CIPHER_CHANGE:
            if not self._is_13():
                side.changed = True
                if orig != self._client_side and self._server and not self._full:
                    self._resumed = True
        elif kind == ALERT:
            if not side.changed and len(content) == 2 and content[0] == FATAL:
                self._done = True
        else:
            self._handshake(side, orig, content)

    def _is_13(self) -> bool:
        return self._version == TLS13 or self._version & 0xFF00 == DRAFTS

    def _encrypted(self, orig: bool, kind: int) -> None:
        """An encrypted record: the handshake is complete if both changed ciphers, or in 1.3 if the client answers."""
        if self._is_13():
            self._established = orig == self._client_side and self._server is not None and not self._server.retry
        else:
            self._established = self._sides[True].changed and self._sides[False].changed
        self._data += kind == DATA
        self._done = self._established or self._data > MAX_DATA

    def _handshake(self, side: _Side, orig: bool, content: bytes) -> None:
        held = side.handshake
        held += content  # a bytearray: what comes in crumbs is not copied again for each
        if len(held) < 4:
            return
        at, end = 0, len(held)
        while end - at >= 4:
            size = held[at + 1] << 16 | held[at + 2] << 8 | held[at + 3]
            if size > MAX_MESSAGE:
                side.dead = True
                break
            if end - at < 4 + size:
                break
            self._message(orig, held[at], bytes(held[at + 4 : at + 4 + size]))
            at += 4 + size
        del held[:at]

    def _message(self, orig: bool, kind: int, body: bytes) -> None:
        if kind == CLIENT_HELLO and self._client is None:
            self._client = client_hello(body)
            self._client_side = orig
        elif kind == SERVER_HELLO:
            self._hello_of_server(server_hello(body), orig)
        elif kind == CERTIFICATE and orig != self._client_side:
            self._full = True
            self._certificate = self._certificate or _leaf(body)
        elif kind == SERVER_KEY:
            self._full = True
            cipher = cipher_name(self._server.cipher) if self._server else ""
            if len(body) >= 3 and body[0] == NAMED_CURVE and "ECDH" in cipher:
                self._group = body[1] << 8 | body[2]
        elif kind == SERVER_DONE:
            self._full = True

    def _hello_of_server(self, hello: ServerHello | None, orig: bool) -> None:
        if hello is None:
            return
        if self._client is None:
            self._client_side = not orig
        self._server, self._version = hello, hello.version
        self._group = hello.group or self._group
        if self._is_13():
            self._resumed = hello.resumed
        elif self._client and hello.session:
            self._resumed = hello.session == self._client.session

    def _old(self, side: _Side, orig: bool, data: bytes, at: int) -> int:
        """A record of SSLv2: where the next begins; -1 if there is none (wait for more, or give the side up)."""
        size = (data[at] & 0x7F) << 8 | data[at + 1]
        if not data[at] & 0x80 or (self._client is None and len(data) - at >= 11 and not is_old_hello(data[at:])
                                   and data[at + 2] != 4):  # fmt: skip
            side.dead = True
            return -1
        if len(data) - at < 2 + size:
            return -1
        body = data[at + 2 : at + 2 + size]
        if body[:1] == b"\x01" and self._client is None and len(body) >= 9:
            self._client_side = orig
            self._client = ClientHello(body[1] << 8 | body[2], b"", "", "", "")
        elif body[:1] == b"\x04" and len(body) >= 11:
            self._version = 0x0002
            length = body[5] << 8 | body[6]
            self._certificate = body[11 : 11 + length]
            self._done = True
        else:
            side.dead = True
            return -1
        return at + 2 + size

    def _row(self) -> dict[str, Any]:
        client, server = self._client, self._server
        row: dict[str, Any] = {"version": version_name(self._version), "resumed": self._resumed,
                               "established": self._established}  # fmt: skip
        if client:
            row |= {"sni": client.sni, "ja3": client.ja3, "ja4": client.ja4}
        if server:
            row |= {"cipher": cipher_name(server.cipher), "alpn": server.alpn, "ja3s": server.ja3s}
        if self._group:
            row["curve"] = group_name(self._group)
        if self._certificate:
            row |= x509.columns(self._certificate)
        return row


def _leaf(body: bytes) -> bytes:
    """The first certificate of a chain (before TLS 1.3)."""
    size = int.from_bytes(body[3:6], "big")
    return body[6 : 6 + size]
