"""Zeek's log files: which there are, what kind each is, how its bytes are read, and the origin that names it."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fengsui.errors import BadInput, UsageError

KINDS = {"conn": "flow", "dns": "dns", "http": "http", "ssl": "tls", "files": "file"}
SUFFIXES = (".log", ".log.gz", ".log.zst")
BLOCK = 1 << 20  # bytes read, or made by decompression, at a time
HEAD = 1 << 16  # bytes looked at to learn what a log is
BLANK = b"\xef\xbb\xbf \t"  # what an editor may have left before the first #
LINE = 16 << 20  # bytes of the longest line read; a longer one is reported and passed over

# Zeek's own order of columns, for a log without header: by log and number of fields.
_ID = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
_CONN = (*_ID, "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "local_orig", "local_resp",
         "missed_bytes", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
         "tunnel_parents")  # fmt: skip
_DNS = (*_ID, "proto", "trans_id", "rtt", "query", "qclass", "qclass_name", "qtype", "qtype_name", "rcode",
        "rcode_name", "AA", "TC", "RD", "RA", "Z", "answers", "TTLs", "rejected")  # fmt: skip
_HTTP = (*_ID, "trans_depth", "method", "host", "uri", "referrer", "version", "user_agent", "origin",
         "request_body_len", "response_body_len", "status_code", "status_msg", "info_code", "info_msg", "tags",
         "username", "password", "proxied", "orig_fuids", "orig_filenames", "orig_mime_types", "resp_fuids",
         "resp_filenames", "resp_mime_types")  # fmt: skip
_FILES = ("ts", "fuid", "tx_hosts", "rx_hosts", "conn_uids", "source", "depth", "analyzers", "mime_type", "filename",
          "duration", "local_orig", "is_orig", "seen_bytes", "total_bytes", "missing_bytes", "overflow_bytes",
          "timedout", "parent_fuid", "md5", "sha1", "sha256", "extracted", "extracted_cutoff",
          "extracted_size")  # fmt: skip
ORDERS = {("conn", len(_CONN)): _CONN, ("conn", len(_CONN) + 1): (*_CONN, "ip_proto"), ("dns", len(_DNS)): _DNS,
          ("http", len(_HTTP)): _HTTP, ("files", len(_FILES)): _FILES}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a log's lines are written. ``fields`` is empty for JSON lines, which name theirs."""

    json: bool = False
    separator: bytes = b"\t"
    set_separator: bytes = b","
    empty: bytes = b"(empty)"
    unset: bytes = b"-"
    path: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Log:
    """A log that can be read: ``log`` is Zeek's name (conn, dns, …), ``open`` that its connections had not ended."""

    path: Path
    log: str
    open: bool

    @property
    def kind(self) -> str:
        return KINDS[self.log]


def header(layout: Layout, lines: list[bytes]) -> Layout:
    """The layout after ``#`` lines; raises BadInput on one that cannot be understood."""
    values = {"separator": layout.separator, "set_separator": layout.set_separator, "empty_field": layout.empty,
              "unset_field": layout.unset}  # fmt: skip
    path, fields = layout.path, layout.fields
    for line in lines:
        if line.startswith(b"#separator "):
            values["separator"] = _character(line[11:].strip(b"\r"))
            continue
        name, _, rest = line[1:].strip(b"\r").partition(values["separator"])
        key = name.decode("ascii", "replace")
        if key == "fields":
            fields = tuple(rest.decode("utf-8", "replace").split(values["separator"].decode()))
        elif key == "path":
            path = rest.decode("utf-8", "replace")
        elif key in values and key != "separator":
            values[key] = rest
    if len(values["set_separator"]) != 1:
        raise BadInput("a set separator of other than one byte", raw=b"\n".join(lines))
    return Layout(False, values["separator"], values["set_separator"], values["empty_field"], values["unset_field"],
                  path, fields)  # fmt: skip


def _character(text: bytes) -> bytes:
    try:
        raw = bytes([int(text[2:], 16)]) if text.startswith(b"\\x") else text
    except ValueError as e:
        raise BadInput(f"a separator that is no byte: {text!r}", raw=text) from e
    if len(raw) != 1 or raw[0] >= 128 or raw == b"\n":
        raise BadInput(f"a separator of other than one byte: {text!r}", raw=text)
    return raw


def blocks(path: Path, start: int = 0) -> Iterator[bytes]:
    """The log's bytes from the uncompressed position ``start``. Raises BadInput where compressed data is damaged.

    What was read before the damage has been given out by then.
    """
    if path.suffix == ".gz":
        source = _gunzip(path)
    elif path.suffix == ".zst":
        source = _unzstd(path)
    else:
        yield from _plain(path, start)
        return
    skip = start
    for block in source:
        if skip >= len(block):
            skip -= len(block)
            continue
        yield block[skip:]
        skip = 0


def _plain(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as f:
        f.seek(start)
        while block := f.read(BLOCK):
            yield block


def _gunzip(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as f:
        unzip, begun = zlib.decompressobj(31), False
        rest = b""
        while raw := rest or f.read(BLOCK):
            begun = True
            try:
                block = unzip.decompress(raw, BLOCK)
            except zlib.error as e:
                raise BadInput(f"damaged gzip data: {e}", str(path)) from e
            if block:
                yield block
            rest = unzip.unconsumed_tail
            if unzip.eof:  # the next member, if any; zeros that pad the end are no member
                rest = unzip.unused_data.lstrip(b"\0") if not unzip.unused_data.strip(b"\0") else unzip.unused_data
                unzip, begun = zlib.decompressobj(31), False
        if begun:
            raise BadInput("the gzip data ends early", str(path))


def _unzstd(path: Path) -> Iterator[bytes]:
    try:
        with pa.input_stream(str(path), compression="zstd") as f:
            while block := f.read(BLOCK):
                yield block
    except OSError as e:
        raise BadInput(f"damaged zstd data: {e}", str(path)) from e


def head(path: Path) -> bytes:
    """The first bytes of a log, up to ``HEAD`` and its first data line; what is readable if it is damaged."""
    got = b""
    try:
        for block in blocks(path):
            got += block
            if len(got) >= HEAD and (first_line(got) or len(got) > LINE):
                break
    except BadInput:
        pass  # what came before the damage is enough to know the log; reading it reports the damage
    return got


def first_line(text: bytes) -> bytes:
    """The first whole data line (neither empty nor ``#``), without its end; empty if there is none."""
    at = 0
    while (end := text.find(b"\n", at)) >= 0:
        line = text[at:end].rstrip(b"\r")
        if line and not (line if at else line.lstrip(BLANK)).startswith(b"#"):
            return line
        at = end + 1
    return b""


def log_origin(path: Path) -> str:
    """SHA-256 (hex) of the first data line: growth, rotation and compression keep it. Empty while there is no line."""
    text = head(path)
    line = first_line(text)
    return hashlib.sha256(line).hexdigest() if line else ""


_NAME = re.compile(r"^(?:json_streaming_)?(open_)?([a-z]+)(?=[._])")
_PATH = re.compile(rb'"_path"\s*:\s*"(open_)?([a-z_0-9]+)"')


def recognise(path: Path) -> Log | None:
    """What log a file is, by its header or ``_path`` and else by its name; None if it is none that is read."""
    if not path.name.endswith(SUFFIXES):
        return None
    named = _NAME.match(path.name)
    opened = bool(named and named[1])
    text = head(path)
    line = first_line(text) or text
    inside = ""
    if line.startswith(b"{"):
        found = _PATH.search(line)
        if found:
            inside, opened = found[2].decode(), opened or bool(found[1])
    elif text.lstrip(BLANK).startswith(b"#"):
        inside = _header_path(text)
        opened, inside = opened or inside.startswith("open_"), inside.removeprefix("open_")
    log = inside or (named[2] if named else "")
    return Log(path, log, opened) if log in KINDS else None


def _header_path(text: bytes) -> str:
    found = re.search(rb"^#path.([^\r\n]*)\r?\n", text, re.MULTILINE)
    return found[1].decode("utf-8", "replace") if found else ""


def _named(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    found = [p for p in folder.rglob("*.log*") if p.is_file() and p.name.endswith(SUFFIXES)]
    return sorted(found, key=lambda p: p.relative_to(folder).as_posix())


def find_logs(folder: Path) -> list[Log]:
    """The logs under a folder (or one file) that are read, in the order of their paths.

    Raises UsageError if there is none, saying what was looked for.
    """
    if not folder.exists():
        raise UsageError(f"{folder}: no such file or folder")
    logs = [log for p in _named(folder) if (log := recognise(p))]
    if not logs:
        what = ", ".join(sorted(KINDS))
        raise UsageError(f"{folder}: no Zeek log found; looked for {what} (and open_…) as .log, .log.gz or .log.zst, "
                         "tab-separated with a header or as JSON lines")  # fmt: skip
    return logs


def other_logs(folder: Path) -> list[Path]:
    """The logs under a folder that are not read, in the order of their paths: to be named, not an error."""
    return [p for p in _named(folder) if recognise(p) is None]


def is_zeek_folder(path: Path) -> bool:
    """Whether a folder holds a log that is read, in it or in a folder directly under it."""
    if not path.is_dir():
        return False
    near = [p for pattern in ("*.log*", "*/*.log*") for p in sorted(path.glob(pattern))]
    return any(recognise(p) for p in near if p.is_file())
