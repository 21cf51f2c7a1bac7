"""Rows against the checks of suricata-verify: each says how many EVE records match its keys.

Our rows are turned into the EVE records that they stand for (a DNS row into a request and a response), with the keys
that we have. A check with a key that we do not have is left out and counted as such.
"""

from __future__ import annotations

import csv
import json
import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.network_work import Outcome, Row

TYPES = frozenset({"dns", "mdns", "llmnr", "http", "tls", "flow", "fileinfo"})
VERSIONS = {"SSLv2": "SSLv2", "SSLv3": "SSLv3", "TLSv10": "TLSv1", "TLSv11": "TLS 1.1", "TLSv12": "TLS 1.2",
            "TLSv13": "TLS 1.3"}  # fmt: skip
APPS = {"ssl": "tls", "ldap_tcp": "ldap", "postgresql": "pgsql"}
STATES = {"S0": "new", "SF": "closed", "RSTO": "closed", "RSTR": "closed", "REJ": "closed", "RSTOS0": "closed",
          "S1": "established", "S2": "established", "S3": "established", "OTH": "established"}  # fmt: skip
DISTINGUISHED = ("tls.subject", "tls.issuerdn")
EITHER_WAY = ("src_ip", "src_port", "dest_ip", "dest_port")


@dataclass
class Check:
    test: str
    families: list[str]
    portable: bool
    capture: Path
    count: int
    match: dict[str, Any]
    got: int | None = None  # None: not comparable
    why: str = ""

    @property
    def passed(self) -> bool:
        return self.got == self.count


@dataclass
class Report:
    checks: list[Check] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)  # captures that are not there


def checks(folder: Path) -> Report:
    """The distinct checks of ``checks.csv`` that have a capture."""
    report = Report()
    seen: dict[str, Check] = {}
    with (folder / "checks.csv").open(newline="") as f:
        for r in csv.DictReader(f):
            capture = folder / posixpath.normpath(r["pcap"].removeprefix("tests/"))
            if not capture.is_file():
                report.absent.append(str(capture.relative_to(folder)))
                continue
            for c in json.loads(r["checks"]):
                key = json.dumps([r["test"], c], sort_keys=True)
                if key in seen:
                    seen[key].families.append(r["family"])
                    continue
                portable = r["portable_default_config"] == "1"
                seen[key] = Check(r["test"], [r["family"]], portable, capture, int(c["count"]), c["match"])
    report.checks = list(seen.values())
    return report


def judge(check: Check, outcome: Outcome) -> None:
    """Count the records that match, if the check asks for what we have."""
    if check.match.get("event_type") not in TYPES:
        check.why = f"event type {check.match.get('event_type')}"
        return
    app = check.match.get("app_proto")
    if app is not None and app not in ("failed", *_apps()):
        check.why = f"application {app}"
        return
    records = list(eve(outcome))
    known = KEYS[check.match["event_type"]]
    unknown = [k for k in check.match if k not in known]
    if unknown:
        check.why = f"key {unknown[0]}"
        return
    check.got = sum(all(_equal(k, v, r) for k, v in check.match.items()) for r in records)


def _apps() -> set[str]:
    """Applications that the decoder knows, by Suricata's names."""
    from collectors.network.parsers import datagram_parsers, stream_parsers

    names = [*(p.name for p in stream_parsers()), *(p.name for p in datagram_parsers())]
    return {APPS.get(name, name) for name in names}


def _equal(key: str, expected: Any, record: dict[str, Any]) -> bool:
    ours = record.get(key)
    if key in EITHER_WAY and record.get("dns.type") in ("response", "answer"):
        return expected in (ours, record.get(_other_way(key)))
    if key in ("src_ip", "dest_ip"):
        return _plain_ip(str(expected)) == ours
    if key == "fileinfo.filename":
        return str(expected).rstrip("/").rpartition("/")[2] == (ours or "") or str(expected).endswith("/")
    if key in DISTINGUISHED:
        return _parts(str(expected)) == _parts(str(ours or ""))
    if key in ("tls.notbefore", "tls.notafter"):
        return str(ours or "").startswith(str(expected))
    if key.endswith(".type"):
        return bool(ours) and expected in (ours, {"request": "query", "response": "answer"}[str(ours)])
    if key.endswith(("hostname", "rrname")):
        return str(expected).lower() == str(ours or "").lower()
    if isinstance(ours, list) and not isinstance(expected, list):
        return expected in ours
    return bool(expected == ours)


def _other_way(key: str) -> str:
    return key.replace("src", "\0").replace("dest", "src").replace("\0", "dest")


def _plain_ip(text: str) -> str:
    from ipaddress import ip_address

    return str(ip_address(text))


def _parts(name: str) -> list[str]:
    """A distinguished name as its parts in no order: Suricata and RFC 4514 order them differently."""
    plain = name.replace("\\,", ",").replace("Email=", "emailAddress=").replace(", ", ",")
    return sorted(p.strip().lower() for p in plain.split(","))


# -- rows as EVE records


def _shared(row: Row, kind: str) -> dict[str, Any]:
    return {"event_type": kind, "src_ip": row["src_ip"], "src_port": row["src_port"], "dest_ip": row["dst_ip"],
            "dest_port": row["dst_port"], "proto": row["proto"].upper().replace("ICMP", _icmp(row)),
            "community_id": row.get("community_id"), "ip_v": 6 if ":" in row["src_ip"] else 4}  # fmt: skip


def _icmp(row: Row) -> str:
    return "IPv6-ICMP" if ":" in row["src_ip"] else "ICMP"


def _flow(row: Row) -> dict[str, Any]:
    state = STATES.get(row.get("conn_state", ""), "")
    app = row.get("app", "").split(",")
    return _shared(row, "flow") | {
        "app_proto": [APPS.get(a, a) for a in app] if app != [""] else "failed", "flow.state": state,
        "tcp.state": state if row["proto"] == "tcp" else None, "flow.pkts_toserver": row["orig_pkts"],
        "flow.pkts_toclient": row["resp_pkts"], "vlan": [row["vlan"]] if row.get("vlan") else None,
    }  # fmt: skip


def _dns(row: Row) -> Iterator[dict[str, Any]]:
    kind = {5353: "mdns", 5355: "llmnr"}.get(row["dst_port"], "dns")
    both = {
        f"{kind}.queries[0].rrname": row.get("query"),
        f"{kind}.queries[0].rrtype": row.get("qtype"),
        f"{kind}.rrname": row.get("query"),
        f"{kind}.rrtype": row.get("qtype"),
        f"{kind}.id": row.get("trans_id"),
    }
    if kind == "llmnr":
        both[f"{kind}.queries[0].rrtype"] = str(row.get("qtype", "")).lower()
    if "rtt" in row or "rcode" not in row:
        yield _shared(row, kind) | both | {f"{kind}.type": "request"}
    if "rcode" in row:
        answers = row.get("answers", [])
        yield _shared(row, kind) | both | {f"{kind}.type": "response", f"{kind}.rcode": row["rcode"],
                                           f"{kind}.answers.__len": len(answers)}  # fmt: skip


def _http(row: Row) -> dict[str, Any]:
    return _shared(row, "http") | {
        "http.hostname": row.get("host"), "http.http_method": row.get("method"), "http.url": row.get("uri"),
        "http.status": row.get("status"), "http.length": row.get("resp_body_len", 0),
        "http.http_user_agent": row.get("user_agent"), "http.protocol": f"HTTP/{row.get('version', '')}",
        "http.http_content_type": row.get("resp_mime"),
    }  # fmt: skip


def _tls(row: Row) -> dict[str, Any]:
    version = row.get("version", "")
    draft = version.partition("-draft")[2]
    return _shared(row, "tls") | {
        "tls.sni": row.get("sni"), "tls.version": f"TLS 1.3 draft-{draft}" if draft else VERSIONS.get(version),
        "tls.subject": row.get("subject"), "tls.issuerdn": row.get("issuer"), "tls.ja3.hash": row.get("ja3"),
        "tls.ja3s.hash": row.get("ja3s"), "tls.ja4": row.get("ja4"), "tls.notbefore": row.get("not_before"),
        "tls.notafter": row.get("not_after"),
    }  # fmt: skip


def _file(row: Row, web: list[Row]) -> dict[str, Any]:
    """Of the requests of the same connection, the one that the file belongs to is not known: any may match."""
    asked = next((h for h in web if h.get("uri", "").endswith(row.get("filename", "\0"))), web[0] if web else {})
    cut = row.get("truncated") or row.get("size", row["seen_bytes"]) > row["seen_bytes"]
    return _shared(row, "fileinfo") | {
        "app_proto": row.get("protocol"), "fileinfo.filename": row.get("filename"), "fileinfo.size": row["seen_bytes"],
        "fileinfo.sha256": row.get("sha256"), "fileinfo.md5": row.get("md5"),
        "fileinfo.state": "TRUNCATED" if cut else "CLOSED", "fileinfo.gaps": bool(row.get("truncated")),
        "http.hostname": asked.get("host"), "http.http_method": asked.get("method"),
        "http.length": asked.get("resp_body_len"),
    }  # fmt: skip


def eve(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The EVE records that the rows of a capture stand for."""
    web: dict[str, list[Row]] = {}
    for row in outcome.of("http"):
        web.setdefault(row["uid"], []).append(row)
        yield _http(row)
    yield from (_flow(r) for r in outcome.of("flow"))
    yield from (_tls(r) for r in outcome.of("tls"))
    yield from (_file(r, web.get(r["uid"], [])) for r in outcome.of("file"))
    for row in outcome.of("dns"):
        yield from _dns(row)


_NO_ROW: Row = {"src_ip": "", "src_port": 0, "dst_ip": "", "dst_port": 0, "proto": "", "orig_pkts": 0, "resp_pkts": 0,
                "seen_bytes": 0, "rtt": 0, "rcode": ""}  # fmt: skip
KEYS: dict[str, set[str]] = {
    "flow": set(_flow(_NO_ROW)), "http": set(_http(_NO_ROW)), "tls": set(_tls(_NO_ROW)),
    "fileinfo": set(_file(_NO_ROW, [])),
    **{k: {x for r in _dns(_NO_ROW | {"dst_port": p}) for x in r}
       for k, p in (("dns", 53), ("mdns", 5353), ("llmnr", 5355))},
}  # fmt: skip


def by_family(report: Report) -> dict[str, Counter[str]]:
    """Of each family: passed, failed and left out."""
    table: dict[str, Counter[str]] = {}
    for c in report.checks:
        for family in dict.fromkeys(c.families):
            outcome = "left out" if c.got is None else "passed" if c.passed else "failed"
            table.setdefault(family, Counter())[outcome] += 1
    return table
