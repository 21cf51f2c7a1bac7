"""Rows against Zeek's logs: which of its records are among ours.

A field that Zeek leaves unset (``-``) makes no claim, except where said. Tests outside the slice are named in
``network_slice.yaml`` or found by what their logs hold.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from evals.network_work import Outcome, Row

KINDS = {"conn": "flow", "dns": "dns", "http": "http", "ssl": "tls"}
UNSET = ("-", "")


@dataclass
class Log:
    """What of one expected log was found."""

    name: str
    expected: int
    found: int = 0
    ours: int = 0
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        return self.found / self.expected if self.expected else 1.0


@dataclass
class Test:
    name: str
    captures: list[Path]
    logs: list[Log] = field(default_factory=list)
    other: list[str] = field(default_factory=list)  # logs of kinds that we have not
    outside: str = ""  # why the test is outside the slice
    died: str = ""

    @property
    def score(self) -> float:
        """Share of expected records found, over the logs we have."""
        expected = sum(log.expected for log in self.logs)
        return sum(log.found for log in self.logs) / expected if expected else 1.0


def tests(folder: Path) -> list[Test]:
    """The tests of ``tests.csv`` that have a capture."""
    with (folder / "tests.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    return [Test(r["test"], [folder / t for t in re.split(r"[ ;]+", r["traces"].strip()) if t]) for r in rows]


def read_log(path: Path) -> list[dict[str, str]]:
    """A log's records; the header is ``#fields``, or the first line of a log cut by columns."""
    names: list[str] = []
    records = []
    for line in path.read_text("utf-8", "backslashreplace").splitlines():
        parts = line.split("\t")
        if line.startswith("#fields"):
            names = parts[1:]
        elif line.startswith("#") or not line:
            continue
        elif not names:
            names = parts
        elif len(parts) == len(names):
            records.append(dict(zip(names, parts, strict=True)))
    return records


Compare = Callable[[str, Any], bool]


def _same(expected: str, ours: Any) -> bool:
    return expected == str(ours if ours is not None else "")


def _number(expected: str, ours: Any) -> bool:
    return int(float(expected)) == int(ours or 0)


def _status(expected: str, ours: Any) -> bool:
    return expected == "0" or expected == str(ours)


def _target(expected: str, ours: Any) -> bool:
    """Zeek unescapes the target and escapes what is not printable."""
    return _raw(expected) == _raw(ours or "")


def _raw(text: str) -> bytes:
    plain = re.sub(r"\\x([0-9a-fA-F]{2})", r"%\1", text)
    return unquote_to_bytes("" if plain == "(empty)" else plain)


def _host(expected: str, ours: Any) -> bool:
    return re.sub(r":\d+$", "", expected).strip("[]") == (ours or "")


def _service(expected: str, ours: Any) -> bool:
    """One service in common: those stacked on top of it are not all read."""
    return bool(set(expected.split(",")) & set(str(ours or "").split(",")))


def _name(expected: str, ours: Any) -> bool:
    return expected in (ours, f"({'empty' if ours in ('.', None) else ours})", "<Root>" if ours == "." else ours)


ADDRESS = (("id.orig_h", "src_ip", _same), ("id.orig_p", "src_port", _same), ("id.resp_h", "dst_ip", _same),
           ("id.resp_p", "dst_port", _same))  # fmt: skip
ALWAYS = {"orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "method", "host", "uri"}  # "-" is none, not any
FIELDS: dict[str, tuple[tuple[str, str, Compare], ...]] = {
    "conn": (*ADDRESS, ("proto", "proto", _same), ("orig_bytes", "orig_bytes", _number),
             ("resp_bytes", "resp_bytes", _number), ("orig_pkts", "orig_pkts", _number),
             ("resp_pkts", "resp_pkts", _number)),
    "dns": (("query", "query", _name), ("qtype_name", "qtype", _same), ("rcode_name", "rcode", _same)),
    "http": (("method", "method", _same), ("host", "host", _host), ("uri", "uri", _target),
             ("status_code", "status", _status)),
    "ssl": (("version", "version", _same), ("server_name", "sni", _same), ("cipher", "cipher", _same)),
}  # fmt: skip
# A conn.log cut down to columns without these is compared by them.
CUT_CONN = (("service", "app", _service), ("history", "history", _same), ("conn_state", "conn_state", _same))


def matches(log: str, record: dict[str, str], row: Row) -> bool:
    fields = FIELDS[log]
    if log == "conn" and "orig_pkts" not in record:
        fields += CUT_CONN
    return all(_field(record[theirs], row.get(ours), compare, theirs) for theirs, ours, compare in fields
               if theirs in record)  # fmt: skip


def _field(expected: str, ours: Any, compare: Compare, name: str) -> bool:
    if expected not in UNSET:
        return expected == "unknown_transport" or compare(expected, ours)
    return name not in ALWAYS or ours in (None, "", 0)


def judge(test: Test, folder: Path, outcomes: dict[Path, Outcome], listed: dict[str, str]) -> None:
    """Fill in the test's logs from the rows of its captures."""
    done = [outcomes[c] for c in test.captures if c in outcomes]
    test.died = "; ".join(o.died for o in done if o.died)
    expected = folder / "_expected" / test.name
    for path in sorted(expected.iterdir()) if expected.is_dir() else []:
        name = path.name.split(".")[0]
        if not path.name.startswith(f"{name}.log"):
            continue
        if name not in KINDS:
            test.other.append(name)
            continue
        records = read_log(path)
        rows = [r for o in done for r in o.of(KINDS[name])]
        test.logs.append(_log(name, records, rows))
    test.outside = listed.get(test.name, "") or _outside(test, expected, done)


def _log(name: str, records: list[dict[str, str]], rows: list[Row]) -> Log:
    log = Log(name, len(records), ours=len(rows))
    left = list(rows)
    for record in records:
        at = next((i for i, r in enumerate(left) if matches(name, record, r)), None)
        if at is None:
            log.missing.append(_short({f: record.get(f, "") for f, _, _ in (*ADDRESS, *FIELDS[name])}))
        else:
            log.found += 1
            del left[at]
    log.surplus = [_short({f: r.get(f, "") for _, f, _ in (*ADDRESS, *FIELDS[name])}) for r in left]
    return log


def _short(values: dict[str, Any]) -> str:
    return " ".join(f"{k.removeprefix('id.')}={str(v)[:60]}" for k, v in values.items())


def _outside(test: Test, expected: Path, done: list[Outcome]) -> str:
    """Why a test is outside the slice, by what it is about."""
    kinds = sorted({r.get("tunnel_type", "").removeprefix("Tunnel::") for r in read_log(expected / "tunnel.log")}
                   if "tunnel" in test.other else ())  # fmt: skip
    if set(kinds) - {"HTTP"}:
        return f"tunnel ({', '.join(kinds)})"
    if "quic" in test.other or (any(log.name == "ssl" for log in test.logs) and not _over_tcp(done)):
        return "TLS over UDP (QUIC, DTLS)"
    if "websocket" in test.other and any(log.name != "conn" and log.score < 1 for log in test.logs):
        return "inside a WebSocket"
    return next((o.fault for o in done if "link type" in o.fault), "")


def _over_tcp(done: list[Outcome]) -> bool:
    return any(r.get("proto") == "tcp" for o in done for r in o.of("flow"))
