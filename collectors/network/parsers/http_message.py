"""Heads of HTTP messages: request line, status line, and the header fields that a row or the framing needs."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

METHODS = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS TRACE CONNECT PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH "
    b"REPORT MKACTIVITY CHECKOUT MERGE CHECKIN UNCHECKOUT VERSION-CONTROL MKWORKSPACE UPDATE LABEL BASELINE-CONTROL "
    b"ACL BIND UNBIND REBIND MKCALENDAR ORDERPATCH LINK UNLINK QUERY SUBSCRIBE UNSUBSCRIBE NOTIFY POLL BCOPY BDELETE "
    b"BMOVE BPROPFIND BPROPPATCH X-MS-ENUMATTS RPC_IN_DATA RPC_OUT_DATA PURGE BITS_POST SMS_POST CCM_POST".split()
)
WANTED = frozenset({
    "host", "referer", "user-agent", "content-type", "content-length", "transfer-encoding", "content-encoding",
    "content-disposition", "authorization", "proxy-authorization", "upgrade", "connection",
})  # fmt: skip
MAX_FIELD = 8192  # of a value that is put together from several lines

_REQUEST = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})[ \t]+(.*)", re.S)
_VERSION = re.compile(rb"(?:^|[ \t])HTTP/(\d?\.?\d?)")
_STATUS = re.compile(rb"HTTP/(\d?\.?\d?)[^\s]*(?:\s+(\d{3})(?!\S)\s*|\s*)(.*)", re.S | re.I)
_PASSWORD = re.compile(r"(?<=://)([^/?#@:]*):[^/?#@]*@")
_FILENAME = re.compile(r"""filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|'([^']*)'|([^;]*))""", re.I | re.S)
_FILENAME_EXT = re.compile(r"filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)", re.I)
_TYPE_NAME = re.compile(r"""\bname\s*=\s*"?([^";]+)""", re.I)
_PART_NAME = re.compile(rb"""^content-disposition:[^\r\n]*?filename="([^"\r\n]*)""", re.I | re.M)


@dataclass(slots=True)
class Head:
    """The start of a message. ``version`` is empty if the line has none."""

    version: str = ""
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.fields.get(name, "")

    def length(self) -> int | None:
        """Content-Length, of several the last; None if there is no valid one."""
        text = self.get("content-length").strip().rsplit(",")[-1].strip().lstrip("+")
        if not (text.isascii() and text.isdigit()):
            return None
        return int(text) if len(text.lstrip("0")) < 20 else None

    def chunked(self) -> bool:
        codings = self.get("transfer-encoding").replace(";", ",").split(",")
        return "chunked" in [c.strip(" \t\x0b\x0c\"'").lower() for c in codings]

    def codings(self) -> list[str]:
        """Content (and transfer) codings, in the order in which they were applied."""
        both = self.get("content-encoding") + "," + self.get("transfer-encoding")
        names = [c.strip().lower() for c in both.split(",")]
        return [c for c in names if c and c not in ("identity", "chunked", "none")]


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def is_request(line: bytes) -> bool:
    """A request line that names HTTP/1.x."""
    head = request(line)
    return head is not None and head.version != "" and not head.version.startswith("2")


def request(line: bytes) -> Head | None:
    """Read a request line as Zeek does: any method, a missing target, a missing version (0.9); None if it is none."""
    m = _REQUEST.match(line)
    if m is None:
        return None
    rest = m[2].rstrip(b" \t")
    versioned = _VERSION.search(rest)
    target = rest[: versioned.start()].rstrip(b" \t") if versioned else rest
    version = (text(versioned[1]) or "1.") if versioned else ""
    return Head(version, text(m[1]), _PASSWORD.sub(r"\1@", text(target)))


def status(line: bytes) -> Head | None:
    """Read a status line; a code that is none reads as 0, as browsers show such a page all the same."""
    m = _STATUS.match(line)
    return Head(version=text(m[1]), status=int(m[2] or 0), reason=text(m[3]).strip()) if m else None


def read_fields(head: Head, lines: list[bytes]) -> None:
    """Keep the header fields that matter; of several of one name the last, and folded lines joined."""
    last = ""
    for line in lines:
        if line[:1] in (b" ", b"\t"):  # folded
            if last and len(head.fields[last]) < MAX_FIELD:
                head.fields[last] = (head.fields[last] + " " + text(line.strip())).strip()
            continue
        name, colon, value = line.partition(b":")
        key = name.strip().lower().decode("latin-1") if colon else ""
        last = key if key in WANTED else ""
        if last:
            content = text(value.strip())
            if last in ("transfer-encoding", "content-encoding") and last in head.fields:
                content = (head.fields[last] + "," + content)[:MAX_FIELD]
            head.fields[last] = content


def host(value: str) -> str:
    """The Host header without its port and the brackets of an IPv6 address."""
    value = value.strip()
    if value.startswith("["):
        return value[1:].partition("]")[0]
    name, colon, port = value.rpartition(":")
    return name if colon and ":" not in name and (port.isdigit() or not port) else value


def username(head: Head) -> str:
    """The user of Basic authentication. The password is dropped here and goes nowhere."""
    scheme, _, token = (head.get("authorization") or head.get("proxy-authorization")).partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return text(base64.b64decode(token.strip() + "==").partition(b":")[0])
    except (binascii.Error, ValueError):
        return ""


def filename(head: Head, start: bytes, target: str) -> str:
    """The name that the message gives its body; else that of its first part, else the last part of ``target``."""
    disposition = head.get("content-disposition")
    if extended := _FILENAME_EXT.search(disposition):
        return _decoded(extended[2], extended[1])
    if plain := _FILENAME.search(disposition):
        return (plain[1] or plain[2] or plain[3] or "").strip()
    if named := _TYPE_NAME.search(head.get("content-type")):
        return named[1].strip()
    if part := _PART_NAME.search(start):
        return text(part[1])
    path = target.partition("?")[0].partition("#")[0]
    path = path.partition("://")[2].partition("/")[2] if "://" in path else path
    return unquote(path.rpartition("/")[2], errors="backslashreplace") if "/" in target else ""


def _decoded(value: str, charset: str) -> str:
    try:
        return unquote(value, charset or "utf-8", "backslashreplace")
    except LookupError:
        return unquote(value, "utf-8", "backslashreplace")
