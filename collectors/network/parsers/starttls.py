"""Protocols that begin in the clear and may change to TLS: known by their first bytes, watched for the ClientHello.

They name the flow; of their own content nothing is read yet. A protocol that gets a parser of its own leaves the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from collectors.network.parsers.base import Emit, Keep, Stream
from collectors.network.parsers.tls import TlsStream

MAX_CLEAR = 1 << 16  # bytes of both sides in which a ClientHello is looked for
# A handshake record with a ClientHello.
_HELLO = re.compile(rb"\x16\x03[\x00-\x04][\x00-\x48].\x01", re.S)
_ANY = re.compile(rb"", re.S)
_NEVER = re.compile(rb"(?!)")


@dataclass(frozen=True)
class Protocol:
    """How a protocol begins: the first bytes of the client or of the server; ``ports`` must fit too where given."""

    name: str
    client: re.Pattern[bytes] = _NEVER
    server: re.Pattern[bytes] = _NEVER
    ports: frozenset[int] = frozenset()
    asks: re.Pattern[bytes] = _ANY  # what the client says before its ClientHello
    replies: re.Pattern[bytes] = _ANY  # how a client begins that answers such a server


def _re(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.I | re.S)


PROTOCOLS = (
    Protocol("smtp", _re(rb"(EHLO|HELO|LHLO)[ \r\n]"), _re(rb"220[ -][^\r\n]*\bE?SMTP"), asks=_re(rb"STARTTLS")),
    Protocol("ftp", _re(rb"AUTH (TLS|SSL)\r?\n"), _re(rb"220[ -][^\n]*FTP"), asks=_re(rb"AUTH[ ]+(TLS|SSL)")),
    Protocol("smtp", server=_re(rb"220[ -]"), ports=frozenset({25, 465, 587, 2525}), asks=_re(rb"STARTTLS")),
    Protocol("ftp", server=_re(rb"220[ -]"), ports=frozenset({21}), asks=_re(rb"AUTH[ ]+(TLS|SSL)")),
    Protocol("pop3", server=_re(rb"\+OK[ \r\n]"), asks=_re(rb"STLS"),
             replies=_re(rb"$|(USER|APOP|AUTH|CAPA|STLS|QUIT|UTF8|LANG|NOOP)\b")),
    Protocol("imap", server=_re(rb"\* (OK|PREAUTH|BYE) "), asks=_re(rb"STARTTLS")),
    Protocol("irc", _re(rb"(NICK|CAP (LS|REQ)|USER \S+ \S+ \S+ :|PASS \S+\r?\n(NICK|CAP)|STARTTLS\r?\n)"),
             _re(rb":\S+ (NOTICE|\d\d\d) [^\r\n]+"), asks=_re(rb"STARTTLS")),
    Protocol("xmpp", _re(rb"(<\?xml[^>]*\?>\s*)?<stream:stream"), asks=_re(rb"<starttls")),
    Protocol("ldap_tcp", _re(rb"\x30(\x84....|\x82..|\x81.|[\x05-\x7f])\x02[\x01-\x04].{1,4}?[\x60\x63\x77]"),
             asks=_re(rb"1\.3\.6\.1\.4\.1\.1466\.20037")),
    Protocol("postgresql", _re(rb"\x00\x00\x00\x08\x04\xd2\x16\x2f")),
    Protocol("rdp", _re(rb"\x03\x00\x00.[\x06-\xfe]\xe0\x00\x00..\x00($|Cookie:|\x01.\x08\x00)")),
    Protocol("mysql", server=_re(rb"[\x20-\xff]\x00\x00\x00\x0a[0-9]{1,3}\.[\x20-\x7e]{3,60}\x00")),
)  # fmt: skip
LONGEST = 64  # bytes after which a beginning is known


class StartTlsParser:
    """One protocol of the table."""

    def __init__(self, protocol: Protocol) -> None:
        self.name = protocol.name
        self._protocol = protocol

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        p = self._protocol
        if p.ports and port not in p.ports:
            return False
        if p.client.match(orig) or (p.server.match(resp) and p.replies.match(orig)):
            return True
        waits_client = p.client is not _NEVER and len(orig) < 8
        waits_server = p.server is not _NEVER and len(resp) < LONGEST and b"\n" not in resp
        return None if waits_client or waits_server else False

    def open(self, emit: Emit, keep: Keep) -> Stream:
        return StartTlsStream(emit, self._protocol)


class StartTlsStream:
    """A connection in the clear until the client, having asked for it, sends a ClientHello."""

    def __init__(self, emit: Emit, protocol: Protocol) -> None:
        self._emit = emit
        self._asks = protocol.asks
        self._asked = protocol.asks is _ANY
        self._tail = b""
        self._seen = 0
        self._inner: TlsStream | None = None

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._inner is not None:
            return self._inner.data(orig, data, ts)
        self._seen += len(data)
        if orig:
            self._client(data, ts)
        return self._inner is not None or self._seen <= MAX_CLEAR

    def _client(self, data: bytes, ts: int) -> None:
        text = self._tail + data
        at = 0
        if not self._asked:
            found = self._asks.search(text)
            if found is None:
                self._tail = text[-256:]
                return
            self._asked, at = True, found.end()
        hello = _HELLO.search(text, at)
        if hello is None:
            self._tail = text[-256:] if text[-1:] != b"\n" else b""
            return
        self._inner = TlsStream(self._emit)
        self._inner.data(True, text[hello.start() :], ts)

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        return self._inner.gap(orig, size, ts) if self._inner else True

    def close(self, ts: int) -> None:
        if self._inner is not None:
            self._inner.close(ts)


def start_tls_parsers() -> tuple[StartTlsParser, ...]:
    return tuple(StartTlsParser(p) for p in PROTOCOLS)
