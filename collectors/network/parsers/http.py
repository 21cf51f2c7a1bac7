"""HTTP/1.x and 0.9: one row a request with its response, and one a file carried in a body.

Follows Zeek's http.log: a response without a request has a row, a request line that is none ends the reading of its
side.
Differences: ``uri`` is as sent, ``host`` has no port, a multipart body is one file, and a status line is believed even
where the request named no version.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from collectors.network.parsers.base import Emit, Keep, Stream
from collectors.network.parsers.http_body import Body, Budget
from collectors.network.parsers.http_framing import Frame, Framing
from collectors.network.parsers.http_message import (
    METHODS,
    Head,
    filename,
    host,
    is_request,
    read_fields,
    request,
    status,
    username,
)
from collectors.network.parsers.mime import sniff
from collectors.network.parsers.tls import TlsParser
from collectors.network.parsers.tunnel import Tunnel

PORTS = frozenset({80, 81, 631, 1080, 3128, 8000, 8080, 8081, 8888})
MAX_WAITING = 256  # requests of one connection without a response
MAX_LINE = 8192
REPLY = b"HTTP/"
MAX_CRUFT = 256  # bytes in front of a status line that are passed over
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_REPLY_LINE = re.compile(rb"(?:^|\n)[ \t]*(HTTP/1)", re.I)


class HttpParser:
    """HTTP on any port."""

    name = "http"

    def __init__(self) -> None:
        self._budget = Budget()

    def probe(self, orig: bytes, resp: bytes, port: int) -> bool | None:
        if resp[:5].upper() == REPLY:
            return True
        if orig.startswith(b"PRI * HTTP/2"):
            return False
        swapped = _probe_request(resp, 0)  # the two sides may have been taken for each other
        if swapped or (swapped is None and not orig):
            return swapped
        asked = _probe_request(orig.lstrip(b"\r\n"), port)
        if asked or REPLY.startswith(resp):
            return asked if asked is not False or port not in PORTS else None
        return asked is None and port in PORTS and orig.partition(b" ")[0] in METHODS

    def open(self, emit: Emit, keep: Keep) -> Stream:
        return HttpStream(emit, keep, self._budget)


def _probe_request(data: bytes, port: int) -> bool | None:
    line, newline, _ = data.partition(b"\n")
    method, space, rest = line.partition(b" ")
    if newline:
        return is_request(line.rstrip(b"\r")) or (port in PORTS and method in METHODS and bool(space))
    if not space:
        return None if len(data) <= 32 and _TOKEN.fullmatch(data) else False
    known = method in METHODS and rest[:1] in (b"/", b"*", b"h", b"")
    if known and len(data) >= 1024:
        return True
    return None if len(data) < MAX_LINE and request(line) is not None else False


@dataclass
class _Exchange:
    """A request and its response."""

    depth: int
    ts: int
    request: Head | None = None
    response: Head | None = None
    asked: bool = False  # the request is complete
    answered: bool = False
    row: dict[str, Any] = field(default_factory=dict)


class _Open:
    """A message whose body is being read."""

    def __init__(self, head: Head, body: Body, exchange: _Exchange, ts: int) -> None:
        self.head = head
        self.body = body
        self.exchange = exchange
        self.ts = ts
        self.lost = False


class HttpStream:
    """One connection."""

    def __init__(self, emit: Emit, keep: Keep, budget: Budget) -> None:
        self._emit = emit
        self._keep = keep
        self._budget = budget
        self._sides = {True: Framing(True, self), False: Framing(False, self)}
        self._open: dict[bool, _Open | None] = {True: None, False: None}
        self._waiting: deque[_Exchange] = deque()
        self._depth = 0
        self._answers = 0
        self._versioned = False  # a request named its version: one without is cruft
        self._done = False
        self._swapped: bool | None = None  # the client is the responder of the flow
        self._tunnel: Tunnel | None = None

    def data(self, orig: bool, data: bytes, ts: int) -> bool:
        if self._tunnel is not None:
            return self._tunnel.data(orig, data, ts)
        if self._done:
            return False
        if self._swapped is None:
            self._swapped = not orig and not REPLY.startswith(data[:2].upper())  # probe saw a request there
        orig = orig is not self._swapped
        if not orig and not self._waiting:
            self._sides[True].take_partial(ts)
        self._sides[orig].feed(data, ts)
        if self._tunnel is not None:
            return True
        self._done = self._done or (self._sides[True].stopped and self._sides[False].stopped)
        if self._done:
            self._finish(ts)
        return not self._done

    def gap(self, orig: bool, size: int, ts: int) -> bool:
        if self._tunnel is not None:
            return self._tunnel.gap(orig, size, ts)
        if not self._done:
            self._sides[orig is not bool(self._swapped)].gap(size, ts)
        return not self._done

    def close(self, ts: int) -> None:
        if self._tunnel is not None:
            self._tunnel.close(ts)
        self._finish(ts)

    def _finish(self, ts: int) -> None:
        self._done = True
        for side in (True, False):
            self._sides[side].close(ts)
        while self._waiting:
            self._log(self._waiting.popleft())

    # What Framing calls.

    def begins(self, orig: bool, data: bytes, at: int) -> int:
        if orig:
            line, newline, _ = data[at : at + MAX_LINE].partition(b"\n")
            return at if not newline or self._request(line.rstrip(b"\r")) is not None else -1
        if data[at : at + 5].upper() == REPLY[: len(data) - at]:
            return at
        found = _REPLY_LINE.search(data[at : at + MAX_CRUFT])
        return at + found.start(1) if found else -1

    def resumes(self, orig: bool, data: bytes) -> bool:
        line = data[:MAX_LINE].partition(b"\n")[0].rstrip(b"\r")
        return is_request(line) if orig else status(line) is not None

    def head(self, orig: bool, lines: list[bytes], ts: int, complete: bool) -> tuple[Frame, int]:
        return self._asks(lines, ts) if orig else self._answers_with(lines, ts)

    def body(self, orig: bool, data: bytes) -> None:
        message = self._open[orig]
        if message is not None:
            message.body.feed(data)

    def lost(self, orig: bool) -> None:
        message = self._open[orig]
        if message is not None:
            message.lost = True

    def end(self, orig: bool, ts: int, complete: bool) -> None:
        message, self._open[orig] = self._open[orig], None
        if message is None:
            return
        exchange = message.exchange
        prefix = "req" if orig else "resp"
        exchange.row[f"{prefix}_body_len"] = message.body.length
        content = message.body.finish()
        if message.body.seen:
            exchange.row[f"{prefix}_mime"] = mime = sniff(message.body.head)
            self._file(orig, message, mime, content)
        if orig:
            exchange.asked = True
        else:
            exchange.answered = True
            self._answered(exchange)
        self._log_ready()

    # Requests.

    def _request(self, line: bytes) -> Head | None:
        head = request(line)
        return None if head is None or (self._versioned and not head.version) else head

    def _asks(self, lines: list[bytes], ts: int) -> tuple[Frame, int]:
        head = self._request(lines[0]) if lines else None
        if head is None:
            self._done = self._depth > 0
            return Frame.STOP, 0
        self._versioned = self._versioned or bool(head.version)
        read_fields(head, lines[1:])
        self._depth += 1
        exchange = _Exchange(self._depth, ts, request=head)
        self._waiting.append(exchange)
        if len(self._waiting) > MAX_WAITING:
            self._log(self._waiting.popleft())
        self._open[True] = _Open(head, Body(self._budget, head.codings()), exchange, ts)
        if head.chunked():
            return Frame.CHUNKED, 0
        return Frame.LENGTH, head.length() or 0

    # Responses.

    def _answers_with(self, lines: list[bytes], ts: int) -> tuple[Frame, int]:
        asked = next((e for e in self._waiting if not e.answered), None)
        head = status(lines[0]) if lines else None
        if head is None:
            if asked is None or asked.request is None or asked.request.version:
                return Frame.STOP, 0
            head = Head(version="0.9")
        read_fields(head, lines[1:])
        interim = 100 <= head.status < 200 and not (head.length() or head.chunked())
        if interim and head.status != 101:
            return Frame.LENGTH, 0
        if asked is None:
            self._depth += 1
            asked = _Exchange(self._depth, ts, asked=True)
            self._waiting.append(asked)
        asked.response = head
        self._open[False] = _Open(head, Body(self._budget, head.codings()), asked, ts)
        return _response_frame(asked.request.method if asked.request else "", head)

    def _answered(self, exchange: _Exchange) -> None:
        head = exchange.response
        method = exchange.request.method if exchange.request else ""
        upgraded = head is not None and head.status == 101 and bool(head.get("upgrade"))
        if head is None or not (upgraded or (method == "CONNECT" and 200 <= head.status < 300)):
            return
        exchange.asked = True
        self._log_ready()
        for side in self._sides.values():
            side.stop()
        if method == "CONNECT":
            self._tunnel = Tunnel((TlsParser(), HttpParser()), self._emit, self._keep)

    # Rows.

    def _log_ready(self) -> None:
        while self._waiting and self._waiting[0].asked and self._waiting[0].answered:
            self._log(self._waiting.popleft())

    def _log(self, exchange: _Exchange) -> None:
        row = exchange.row
        row["trans_depth"] = exchange.depth
        if exchange.request is not None:
            head = exchange.request
            row |= {"method": head.method, "uri": head.target, "host": host(head.get("host")),
                    "version": head.version or "0.9", "referrer": head.get("referer"),
                    "user_agent": head.get("user-agent"), "username": username(head)}  # fmt: skip
        if exchange.response is not None:
            row["version"] = exchange.response.version
            if exchange.response.status:
                row |= {"status": exchange.response.status, "reason": exchange.response.reason}
        self._emit("http", exchange.ts, **row)

    def _file(self, orig: bool, message: _Open, mime: str, content: bytes | None) -> None:
        body, asked = message.body, message.exchange.request
        target = asked.target if asked and (not orig or asked.method == "PUT") else ""
        declared = None if body.encoded or message.head.chunked() else message.head.length()
        sha256, md5 = body.digests()
        row: dict[str, Any] = {"sha256": sha256, "md5": md5, "mime": mime,
                               "filename": filename(message.head, body.head, target), "seen_bytes": body.seen,
                               "protocol": "http", "direction": "orig" if orig is not self._swapped else "resp",
                               "kept": content is not None and self._keep(sha256, content)}  # fmt: skip
        if declared is not None:
            row["size"] = declared
        if message.lost or body.cut:
            row["truncated"] = True
        self._emit("file", message.ts, **row)


def _response_frame(method: str, head: Head) -> tuple[Frame, int]:
    if method == "HEAD" or head.status in (204, 304) or (method == "CONNECT" and 200 <= head.status < 300):
        return Frame.LENGTH, 0
    if head.chunked():
        return Frame.CHUNKED, 0
    length = 0 if head.status == 101 and head.get("upgrade") else head.length()
    return (Frame.CLOSE, 0) if length is None else (Frame.LENGTH, length)
