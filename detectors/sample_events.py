"""Made events: rows of flows, names and handshakes as Batches, and a person who browses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

import numpy as np

from detectors.rulefile import Section
from fengsui.batch import Batch, Identity, build
from fengsui.schema import EVENTS

EPOCH_US = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1_000_000  # a Monday's midnight
_FLOW = {"from", "to", "port", "source_port", "proto", "bytes", "answer", "seconds", "state", "packets", "answers",
         "open", "app", "sni", "host", "method"}  # fmt: skip
_DNS = {"from", "to", "query", "type", "answers", "rcode"}


class Made:
    """Rows of one organisation, by kind. ``part`` keeps the ids of several apart."""

    def __init__(self, org: str, part: str = "") -> None:
        self._org, self._part, self._count = org, part, 0
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, kind: str, row: Mapping[str, Any], uid: bytes | None = None) -> bytes:
        """One row; returns the uid of its flow."""
        self._count += 1
        event_id = blake2b(f"{self._org}/{self._part}/{self._count}".encode(), digest_size=16).digest()
        own = uid or event_id
        self._rows.setdefault(kind, []).append({**row, "event_id": event_id, "uid": own})
        return own

    def times(self) -> Iterator[int]:
        """Microseconds of all rows."""
        return (int(row["ts"]) for rows in self._rows.values() for row in rows)

    def batches(self) -> Iterator[Batch]:
        identity = Identity(org=self._org, source="feed", origin="sample")
        for kind, rows in self._rows.items():
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            yield build(EVENTS[kind], identity, columns, len(rows))


def address(text: Any, section: Section, key: str) -> bytes:
    """16 bytes, IPv4 mapped."""
    try:
        a = ip_address(str(text))
    except ValueError as e:
        raise section.error(f"{key}: {text!r} is not an address", key) from e
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


def _ends(v: Mapping[str, Any], section: Section, ts: int, port: int) -> dict[str, Any]:
    for key in ("from", "to"):
        if key not in v:
            raise section.error(f"key {key!r} is missing")
    return {"ts": ts, "src_ip": address(v["from"], section, "from"), "dst_ip": address(v["to"], section, "to"),
            "src_port": int(v.get("source_port", 40_000 + ts // 1000 % 20_000)), "dst_port": port,
            "proto": str(v.get("proto", "tcp"))}  # fmt: skip


def flow_row(made: Made, v: Mapping[str, Any], section: Section, ts: int) -> None:
    """A flow, with its TLS handshake (``sni``) or HTTP request (``host``, ``method``) where one is named."""
    section.only(_FLOW)
    ends = _ends(v, section, ts, int(v.get("port", 443)))
    sent, got = round(float(v.get("bytes", 0))), round(float(v.get("answer", 0)))
    packets = int(v.get("packets", 4 + sent // 1400))
    answers = int(v.get("answers", 4 + got // 1400))
    uid = made.add("flow", {
        **ends, "duration": None if "seconds" not in v else float(v["seconds"]), "app": str(v.get("app", "")),
        "conn_state": str(v.get("state", "SF")), "orig_bytes": sent, "resp_bytes": got, "orig_pkts": packets,
        "resp_pkts": answers, "orig_ip_bytes": sent + 40 * packets, "resp_ip_bytes": got + 40 * answers,
        "open": bool(v.get("open", False)),
    })  # fmt: skip
    if "sni" in v:
        made.add("tls", {**ends, "sni": str(v["sni"]), "version": "TLSv13", "established": True}, uid)
    if "host" in v or "method" in v:
        request = {"host": str(v.get("host", "")), "method": str(v.get("method", "GET")), "trans_depth": 1}
        made.add("http", {**ends, **request}, uid)


def dns_row(made: Made, v: Mapping[str, Any], section: Section, ts: int) -> None:
    """A DNS transaction; without ``answers`` it is answered by nothing."""
    section.only(_DNS)
    ends = _ends({"proto": "udp", **v}, section, ts, 53)
    made.add("dns", {**ends, "query": str(v.get("query", "")), "qtype": str(v.get("type", "A")),
                     "rcode": str(v.get("rcode", "NOERROR")), "answers": list(v.get("answers", ()))})  # fmt: skip


def browse(made: Made, section: Section, rng: np.random.Generator, start: int, hours: float) -> None:
    """A person who browses: pages at uneven times with pauses, each with a few connections of very uneven sizes.

    Pages are about a minute apart (log-normal), one in twenty after a pause of about half an hour; favourite sites are
    visited more often (Zipf). ``sites``: how many there are.
    """
    section.only({"from", "sites"})
    person, sites = section.values.get("from", "10.0.0.6"), int(section.values.get("sites", 20))
    now = float(start)
    while now < start + hours * 3.6e9:
        site = int(min(rng.zipf(1.4), sites))
        name = f"site{site}.example.com"
        row = {"from": person, "to": "10.0.0.53", "query": f"www.{name}", "answers": [f"198.51.100.{site}"]}
        dns_row(made, row, section.empty(), int(now))
        for k in range(int(rng.integers(1, 6))):
            flow = {
                "from": person, "to": f"198.51.100.{site}", "sni": f"cdn{k}.{name}" if k else f"www.{name}",
                "bytes": rng.lognormal(7.5, 1.2), "answer": rng.lognormal(10, 1.8), "seconds": rng.lognormal(1, 1.3),
            }  # fmt: skip
            flow_row(made, flow, section.empty(), int(now + 2e5 * k * rng.uniform(0.2, 3)))
        pause = rng.lognormal(7.4, 0.6) if rng.random() < 0.05 else rng.lognormal(3.9, 1.1)
        now += float(pause) * 1e6
