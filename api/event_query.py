"""Events from the store: pages newest first, those behind an alert, and the columns of its chart.

Column names come from the schema, values are bound by the server: nothing that a person wrote is part of the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pyarrow as pa

from api import cursor
from api.context import Query
from api.models.events import EventQuery
from api.problems import ProblemError
from fengsui.batch import Batch
from fengsui.finding import Evidence, microseconds
from fengsui.jsonform import objects
from fengsui.schema import EVENTS, KINDS, Type
from fengsui.store.protocol import Limits

LIMITS = Limits(seconds=10.0, memory=2_000_000_000, selective=True)
POINTS = Limits(seconds=10.0, memory=2_000_000_000)
MAIN_TEXT = {"flow": ("app",), "dns": ("query",), "http": ("host", "uri", "user_agent"), "tls": ("sni", "subject"),
             "file": ("filename", "mime", "sha256")}  # fmt: skip
_BOUND = {Type.IP: "IPv6", Type.U8: "UInt8", Type.U16: "UInt16", Type.U32: "UInt32", Type.U64: "UInt64"}
_NEWEST = "ORDER BY ts DESC, event_id DESC"
_AFTER = "(toUnixTimestamp64Micro(ts), hex(event_id)) < ({after_ts:Int64}, {after_id:String})"

Where = tuple[list[str], dict[str, Any]]
"""Conditions in SQL, and the values that they bind."""


def event_objects(kind: str, table: pa.Table) -> list[dict[str, Any]]:
    """Rows of a kind's table as JSON objects."""
    schema = KINDS[kind].arrow
    batches = table.select(schema.names).cast(schema).combine_chunks().to_batches()
    return [o for b in batches for o in objects(Batch(kind, b))]


def page(query: Query, kind: str, where: Where, asked: Any, text: str,
         limit: int) -> tuple[list[dict[str, Any]], str | None]:  # fmt: skip
    """Rows of a kind, newest first. ``asked`` names the query for its cursor ``text``."""
    conditions, values = list(where[0]), dict(where[1])
    if text:
        values["after_ts"], values["after_id"] = cursor.decode(asked, text, (int, str))
        conditions += ["ts <= fromUnixTimestamp64Micro({after_ts:Int64}, 'UTC')", _AFTER]
    columns = ", ".join(f"`{c.name}`" for c in EVENTS[kind].columns)
    sql = (f"SELECT {columns} FROM {kind} {'WHERE' if conditions else ''} {' AND '.join(conditions)} "  # noqa: S608 names of the schema
           f"{_NEWEST} LIMIT {limit + 1}")  # fmt: skip
    rows = query(sql, values, LIMITS)
    more = rows.num_rows > limit
    rows = rows.slice(0, limit)
    if not more:
        return event_objects(kind, rows), None
    last_ts = rows.column("ts").cast(pa.int64())[limit - 1].as_py()
    last_id = rows.column("event_id")[limit - 1].as_py().hex().upper()
    return event_objects(kind, rows), cursor.encode(asked, [last_ts, last_id])


def asked_for(kind: str, asked: EventQuery) -> Where:
    """What a person asks for. Raises a 422 problem for an address that is none."""
    conditions: list[str] = []
    values: dict[str, Any] = {}

    def bind(condition: str, **bound: Any) -> None:
        conditions.append(condition)
        values.update(bound)

    for name in ("org", "network"):
        if getattr(asked, name):
            bind(f"{name} = {{{name}:String}}", **{name: getattr(asked, name)})
    for name in ("src_ip", "dst_ip"):
        if getattr(asked, name):
            bind(f"{name} = {{{name}:IPv6}}", **{name: address(name, getattr(asked, name))})
    if asked.host:
        bind("(src_ip = {host:IPv6} OR dst_ip = {host:IPv6})", host=address("host", asked.host))
    if asked.port is not None:
        bind("dst_port = {port:UInt16}", port=asked.port)
    if asked.uid:
        bind("uid = {uid:FixedString(16)}", uid=bytes.fromhex(asked.uid))
    if asked.q:
        texts = " OR ".join(f"positionCaseInsensitiveUTF8(`{c}`, {{q:String}}) > 0" for c in MAIN_TEXT[kind])
        bind(f"({texts})", q=asked.q)
    if asked.from_ is not None:
        bind("ts >= fromUnixTimestamp64Micro({from_ts:Int64}, 'UTC')", from_ts=stored_time("from", asked.from_))
    if asked.to is not None:
        bind("ts < fromUnixTimestamp64Micro({to_ts:Int64}, 'UTC')", to_ts=stored_time("to", asked.to))
    return conditions, values


def address(field: str, text: str) -> str:
    """An IP address in its IPv6 form. Raises a 422 problem that names the field."""
    try:
        found = ip_address(text)
    except ValueError as e:
        wrong = (field, f"{text!r} is no IP address", f"{text!r} 不是 IP 地址")
        raise ProblemError(422, "invalid", errors=[wrong]) from e
    return f"::ffff:{found}" if found.version == 4 else str(found)


def stored_time(field: str, moment: datetime) -> int:
    """Microseconds since 1970, within what the store keeps (1900 to 2299)."""
    whole = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 1900 < whole.year < 2299:
        raise ProblemError(422, "invalid", errors=[(field, "is out of range", "超出范围")])
    return microseconds(whole)


def behind(found: Mapping[str, Any], org: str, network: str, first: int, last: int) -> tuple[str, Where] | None:
    """Kind and conditions of a finding's ``filter`` in [first, last] (microseconds); None if it names no columns."""
    kind, wanted = found.get("kind"), found.get("where")
    if kind not in EVENTS or not isinstance(wanted, Mapping):
        return None
    conditions = ["org = {org:String}", "network = {network:String}",
                  "ts >= fromUnixTimestamp64Micro({first:Int64}, 'UTC')",
                  "ts <= fromUnixTimestamp64Micro({last:Int64}, 'UTC')"]  # fmt: skip
    values: dict[str, Any] = {"org": org, "network": network, "first": first, "last": last}
    types = {c.name: c.type for c in EVENTS[kind].columns}
    for i, (name, value) in enumerate(wanted.items()):
        if name not in types:
            return None
        key = f"w{i}"
        text = str(value)
        if types[name] is Type.TEXT and text.startswith("*."):
            conditions.append(f"(`{name}` = {{{key}:String}} OR endsWith(`{name}`, concat('.', {{{key}:String}})))")
            values[key] = text[2:]
            continue
        conditions.append(f"`{name}` = {{{key}:{_BOUND.get(types[name], 'String')}}}")
        values[key] = address(name, text) if types[name] is Type.IP else value
    return kind, (conditions, values)


def evidence(query: Query, org: str, network: str, items: Sequence[str]) -> list[dict[str, Any]]:
    """The events that a finding names, oldest first; those no longer stored are left out."""
    by_kind: dict[str, list[Evidence]] = {}
    for e in map(Evidence.parse, items):
        by_kind.setdefault(e.kind, []).append(e)
    out: list[dict[str, Any]] = []
    for kind, wanted in by_kind.items():
        if kind not in EVENTS:
            continue
        columns = ", ".join(f"`{c.name}`" for c in EVENTS[kind].columns)
        # Each time by itself: the sort key then finds the few granules that hold them, however far apart they lie.
        times = {f"t{i}": ts for i, ts in enumerate(sorted({e.ts for e in wanted}))}
        moments = ", ".join(f"fromUnixTimestamp64Micro({{{t}:Int64}}, 'UTC')" for t in times)
        sql = (
            f"SELECT {columns} FROM {kind} WHERE org = {{org:String}} AND network = {{network:String}} "  # noqa: S608 names of the schema
            f"AND ts IN ({moments}) AND event_id IN {{ids:Array(FixedString(16))}} ORDER BY ts, event_id"
        )
        values = {"org": org, "network": network, "ids": [e.event_id for e in wanted], **times}
        out += event_objects(kind, query(sql, values, POINTS))
    seen: set[str] = set()
    unique = [o for o in out if o["event_id"] not in seen and not seen.add(o["event_id"])]  # type: ignore[func-returns-value]
    return sorted(unique, key=lambda o: (o["ts"], o["event_id"]))
