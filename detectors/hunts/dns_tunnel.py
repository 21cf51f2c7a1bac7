"""Data carried in names: many distinct names below one registered domain, asked for by one host."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import pyarrow as pa

from detectors.base import Query
from detectors.hunts.facts import Behind, host
from detectors.hunts.networks import Networks
from detectors.hunts.one_rule import OneRule
from detectors.hunts.sql import Scope
from detectors.hunts.threat import Steps, severity, total
from detectors.rulefile import RuleFile, into
from fengsui.finding import Conclusion, Window
from fengsui.jsonform import ip_text

# Second levels under which countries register domains: example.com.cn, example.co.uk, example.zj.cn are three labels.
SECOND_LEVEL = (
    "com", "co", "net", "org", "edu", "gov", "ac", "mil", "or", "ne", "go", "gob", "gouv", "nom", "ltd", "plc", "sch",
    "bj", "sh", "tj", "cq", "he", "sx", "nm", "ln", "jl", "hl", "js", "zj", "ah", "fj", "jx", "sd", "ha", "hb", "hn",
    "gd", "gx", "hi", "sc", "gz", "yn", "xz", "sn", "gs", "qh", "nx", "xj", "tw", "hk", "mo",
)  # fmt: skip
# Types that carry data and that a person's machine hardly asks for.
ODD_TYPES = ("TXT", "NULL", "CNAME", "MX", "SRV", "PRIVATE", "TYPE65399")


_REVERSED = re.compile(r"(\d{1,3}\.){3}\d{1,3}(\.|$)|([0-9a-f]\.){31}[0-9a-f](\.|$)")


@dataclass(frozen=True)
class Thresholds:
    """Keys of ``rules/hunts/dns_tunnel.yaml``. Lengths in characters of what stands before the registered domain."""

    names: Steps
    long_length: float
    long_entropy: float
    long_change: float
    odd_share: float
    odd_change: float
    numeric_share: float
    numeric_change: float
    no_direct_change: float


@dataclass(frozen=True)
class Look:
    """What a sample of names looks like: mean length, Shannon entropy (bits a character), share that begin with an
    address written backwards, as block lists are asked."""

    length: float
    entropy: float
    numeric: float


class DnsTunnel(OneRule):
    kinds: tuple[str, ...] = ("dns",)

    def __init__(self, file: RuleFile, networks: Networks) -> None:
        super().__init__(file, networks)
        self._t = into(Thresholds, file.thresholds)

    def _least(self) -> dict[str, Any]:
        return {"least": int(self._t.names.base), "second": list(SECOND_LEVEL)}

    def _conclude(self, query: Query, scope: Scope, found: list[list[Conclusion]]) -> None:
        values = self._least()
        sources = scope.ask(query, "dns_tunnel_sources", values).to_pylist()
        if not sources:
            return
        values |= {"src": [ip_text(r["src"]) for r in sources], "domain": [r["domain"] for r in sources],
                   "odd": list(ODD_TYPES)}  # fmt: skip
        rows = scope.ask(query, "dns_tunnel", values).to_pylist()
        if not rows:
            return
        pairs = sorted({(ip_text(r["src"]), r["domain"]) for r in rows})
        both = {"src": [src for src, _ in pairs], "domain": [domain for _, domain in pairs]}
        answers = Answers(query, scope, scope.ask(query, "dns_tunnel_facts", both))
        for row in rows:
            conclusion = self._tell(row, answers, scope.windows[row["at"]])
            if conclusion.severity > 1:
                found[row["at"]].append(conclusion)

    def _tell(self, row: Mapping[str, Any], answers: Answers, window: Window) -> Conclusion:
        src, domain = ip_text(row["src"]), row["domain"]
        size, direct = answers.of(row["src"], domain, window)
        seen = look(name for _, name in (v.values() if isinstance(v, dict) else v for v in row["sample"]))
        changes = changes_of(seen, row["odd"] / row["queries"], direct, self._t)
        threat = total(self._t.names.threat(row["names"]), changes)
        numbers = {"src": src, "domain": domain, "names": row["names"], "queries": row["queries"]}
        facts = answers.behind.of((row["src"], domain), window)
        return Conclusion(
            subject=host(row["src"]), severity=severity(threat),
            confidence=min(90, round(50 + seen.length)), arguments=numbers,
            explanation={**numbers, "threat": threat, "modifiers": {k: v for k, v in changes.items() if v},
                         "mean_length": round(seen.length, 1), "entropy": round(seen.entropy, 2), "odd": row["odd"],
                         "answer_bytes": size, "direct_connections": direct},
            related=(f"domain:{domain}",), group=f"{host(row['src'])} domain:{domain}",
            filter={"kind": "dns", "where": {"src_ip": src, "query": f"*.{domain}"}}, **facts.shown(),
        )  # fmt: skip


class Answers:
    """What names below a domain were answered with, by source, domain and hour; and connections to those addresses."""

    def __init__(self, query: Query, scope: Scope, table: pa.Table) -> None:
        self.behind = Behind(table, ("src", "domain"))
        self._rows: dict[tuple[bytes, str], list[tuple[int, int, set[str]]]] = {}
        for r in table.select(["src", "domain", "hour", "answered", "resolved"]).to_pylist():
            resolved = {a for a in r["resolved"] if _is_address(a)}
            self._rows.setdefault((r["src"], r["domain"]), []).append((r["hour"], r["answered"], resolved))
        every = sorted({a for rows in self._rows.values() for _, _, resolved in rows for a in resolved})
        flows = scope.ask(query, "dns_tunnel_direct", {"dst": every}).to_pylist() if every else []
        self._flows: dict[bytes, list[tuple[int, int]]] = {}
        for f in flows:
            self._flows.setdefault(f["dst"], []).append((f["hour"], f["connections"]))

    def of(self, src: bytes, domain: str, window: Window) -> tuple[int, int]:
        """Bytes of answers, and connections to the addresses answered, both within the window."""
        rows = [r for r in self._rows[src, domain] if window.start <= r[0] < window.end]
        addresses = {_packed(a) for _, _, resolved in rows for a in resolved} if self._flows else set()
        direct = sum(n for a in addresses & self._flows.keys() for hour, n in self._flows[a]
                     if window.start <= hour < window.end)  # fmt: skip
        return sum(size for _, size, _ in rows), direct


def look(names: Iterable[str]) -> Look:
    """Of the parts before the registered domain; dots are not counted."""
    whole = list(names)
    plain = [n.replace(".", "") for n in whole]
    counts = Counter("".join(plain))
    every = counts.total()
    if not every:
        return Look(0.0, 0.0, 0.0)
    entropy = -sum(n / every * math.log2(n / every) for n in counts.values())
    return Look(every / len(plain), entropy, sum(bool(_REVERSED.match(n)) for n in whole) / len(whole))


def changes_of(seen: Look, odd_share: float, direct: int, t: Thresholds) -> dict[str, float]:
    """Changes of the threat: what names, types and connections say beside the number of names."""
    long = seen.length >= t.long_length and seen.entropy >= t.long_entropy
    return {
        "long_names": t.long_change if long else 0.0,
        "odd_types": t.odd_change if odd_share >= t.odd_share else 0.0,
        "addresses": t.numeric_change if seen.numeric >= t.numeric_share else 0.0,
        "no_direct_connection": 0.0 if direct else t.no_direct_change,
    }


def _packed(text: str) -> bytes:
    a = ip_address(text)
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


def _is_address(text: str) -> bool:
    """Whether the store can read it as an address: those of a link (``%``) it cannot."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
