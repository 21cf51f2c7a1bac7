"""Rows against Arkime's session JSON, aspect by aspect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from evals.network_work import Outcome, Row

PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp", 1: "icmp", 58: "icmp"}


@dataclass
class Aspect:
    expected: int = 0
    found: int = 0
    missing: list[str] = field(default_factory=list)

    def add(self, good: bool, what: str) -> None:
        self.expected += 1
        self.found += good
        if not good:
            self.missing.append(what)


def sessions(path: Path) -> list[dict[str, Any]]:
    """The sessions of a ``.test`` file that are of IP."""
    document = json.loads(path.read_text("utf-8", "replace"))
    return [s["body"] for s in document.get("sessions3", []) if s["body"].get("source", {}).get("ip")]


def judge(path: Path, outcome: Outcome, table: dict[str, Aspect]) -> None:
    """Add what was found of one capture's sessions to the aspects."""
    flows = outcome.of("flow")
    for body in sessions(path):
        mine = [f for f in flows if _same_ends(body, f)]
        where = f"{path.stem}: {_ends(body)}"
        table.setdefault("5-tuple", Aspect()).add(bool(mine), where)
        if not mine:
            continue
        _counts(body, mine, where, table)
        community = body.get("network", {}).get("community_id")
        if community:
            good = any(f.get("community_id") == community for f in mine)
            table.setdefault("community id", Aspect()).add(good, f"{where} {community}")
        uids = {f["uid"] for f in mine}
        _application(body, outcome, uids, where, table)


def _ends(body: dict[str, Any]) -> str:
    source, target = body.get("source", {}), body.get("destination", {})
    return f"{source.get('ip')}:{source.get('port')} {target.get('ip')}:{target.get('port')} {body.get('ipProtocol')}"


def _same_ends(body: dict[str, Any], flow: Row) -> bool:
    source, target = body.get("source", {}), body.get("destination", {})
    proto = PROTOCOLS.get(int(body.get("ipProtocol", 0)), str(body.get("ipProtocol")))
    if proto != flow["proto"] or "ip" not in source or "ip" not in target:
        return False
    ours = [(flow["src_ip"], flow["src_port"]), (flow["dst_ip"], flow["dst_port"])]
    theirs = [(str(ip_address(s["ip"])), s.get("port", 0)) for s in (source, target)]
    if proto in ("tcp", "udp", "sctp"):
        return ours in (theirs, theirs[::-1])
    return sorted(a for a, _ in ours) == sorted(a for a, _ in theirs)


def _counts(body: dict[str, Any], mine: list[Row], where: str, table: dict[str, Aspect]) -> None:
    packets = sum(f["orig_pkts"] + f["resp_pkts"] for f in mine)
    expected = body.get("network", {}).get("packets")
    if expected is not None:
        table.setdefault("packets", Aspect()).add(packets == expected, f"{where} {expected} ours {packets}")
    if mine[0]["proto"] in ("tcp", "udp") and "client" in body:
        wanted = body["client"].get("bytes", 0) + body.get("server", {}).get("bytes", 0)
        got = sum(f["orig_bytes"] + f["resp_bytes"] for f in mine)
        table.setdefault("payload bytes", Aspect()).add(wanted == got, f"{where} {wanted} ours {got}")


# Of each: Arkime's group and field, our kind and column.
LISTS = (
    ("http", "method", "http", "method"), ("http", "statuscode", "http", "status"),
    ("http", "useragent", "http", "user_agent"), ("tls", "ja3", "tls", "ja3"), ("tls", "ja3s", "tls", "ja3s"),
    ("tls", "ja4", "tls", "ja4"), ("tls", "cipher", "tls", "cipher"), ("dns", "host", "dns", "query"),
    ("dns", "status", "dns", "rcode"), ("dns", "qt", "dns", "qtype"),
)  # fmt: skip


def _application(body: dict[str, Any], outcome: Outcome, uids: set[str], where: str, table: dict[str, Aspect]) -> None:
    for group, name, kind, column in LISTS:
        values = body.get(group, {}).get(name) if isinstance(body.get(group), dict) else None
        if not values:
            continue
        ours = {str(r.get(column)).lower() for r in outcome.of(kind) if r["uid"] in uids}
        for value in values:
            good = str(value).lower() in ours
            table.setdefault(f"{group}.{name}", Aspect()).add(good, f"{where} {str(value)[:60]}")
    web = "http" in body.get("protocol", [])  # Arkime puts names of TLS there too
    hosts = body.get("http", {}).get("host", []) if web else []
    ours = {str(r.get("host", "")).lower() for r in outcome.of("http") if r["uid"] in uids}
    for value in hosts:
        plain = value.rpartition(":")[0] if value.rpartition(":")[2].isdigit() and value.count(":") == 1 else value
        table.setdefault("http.host", Aspect()).add(plain.lower() in ours, f"{where} {value}")
