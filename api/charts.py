"""What an alert looks like: the calls of a beacon, the targets of a scan, or its events by hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from api.context import Query
from api.event_query import LIMITS, Where
from fengsui.finding import Finding
from fengsui.jsonform import ip_text, time_text

MOST_TIMES, MOST_TARGETS = 5_000, 2_000
CHARTS = {"beacon": "intervals", "strobe": "intervals", "scan_horizontal": "targets", "scan_vertical": "targets",
          "guessing": "targets"}  # fmt: skip


def of(query: Query, rule: str, found: tuple[str, Where] | None, findings: Iterable[Finding]) -> dict[str, Any]:
    """The chart that fits the rule; ``found`` is the kind and conditions of the alert's filter."""
    shape = CHARTS.get(rule)
    if found is None or shape is None or (shape == "targets" and found[0] != "flow"):
        return hours(findings)
    return intervals(query, *found) if shape == "intervals" else targets(query, *found)


def intervals(query: Query, kind: str, where: Where) -> dict[str, Any]:
    """Times of the calls, oldest first (the newest 5,000), and the originator's bytes of each where they are known."""
    size = "orig_ip_bytes" if kind == "flow" else "toUInt64(0)"
    sql = (f"SELECT toUnixTimestamp64Micro(ts) AS at, {size} AS size, count() OVER () AS total FROM {kind} "  # noqa: S608 names of the schema
           f"WHERE {' AND '.join(where[0])} ORDER BY ts DESC LIMIT {MOST_TIMES}")  # fmt: skip
    rows = query(sql, where[1], LIMITS)
    times = rows.column("at").to_pylist()[::-1]
    sizes = rows.column("size").to_pylist()[::-1] if kind == "flow" else []
    return {"chart": "intervals", "times": [time_text(t) for t in times], "bytes": sizes, "total": _total(rows)}


def targets(query: Query, kind: str, where: Where) -> dict[str, Any]:
    """Addresses and ports that were tried, the first tried first, with Zeek's state of the connection seen most."""
    sql = (f"SELECT dst_ip, dst_port, count() AS n, topK(1)(conn_state)[1] AS state, "  # noqa: S608 names of the schema
           f"min(toUnixTimestamp64Micro(ts)) AS first_ts, count() OVER () AS total FROM {kind} "
           f"WHERE {' AND '.join(where[0])} GROUP BY dst_ip, dst_port ORDER BY first_ts, dst_ip, dst_port "
           f"LIMIT {MOST_TARGETS}")  # fmt: skip
    rows = query(sql, where[1], LIMITS)
    shown = [{"ip": ip_text(r["dst_ip"]), "port": r["dst_port"], "count": r["n"], "state": r["state"],
              "first": time_text(r["first_ts"])} for r in rows.to_pylist()]  # fmt: skip
    return {"chart": "targets", "targets": shown, "total": _total(rows)}


def hours(findings: Iterable[Finding]) -> dict[str, Any]:
    """Events by hour: of results each hour once, from the newest window that holds it, as an alert's count does."""
    counts: dict[int, int] = {}
    newest: dict[int, int] = {}
    for f in findings:
        for h, n in zip(f.hours, f.hour_counts, strict=True):
            if f.window_start is None:
                counts[h] = counts.get(h, 0) + n
            elif f.window_start >= newest.get(h, -(1 << 63)):
                newest[h], counts[h] = f.window_start, n
    order = sorted(counts)
    return {"chart": "hours", "hours": [time_text(h) for h in order], "counts": [counts[h] for h in order],
            "total": sum(counts.values())}  # fmt: skip


def _total(rows: pa.Table) -> int:
    return rows.column("total")[0].as_py() if rows.num_rows else 0
