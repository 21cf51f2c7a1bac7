"""Flows and parsers' rows into Batches: identities, addresses and community ids as whole columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.network import endings, summary
from collectors.network.community import community_ids
from collectors.network.layout import HISTORY, TUNNELS
from fengsui import ids, schema
from fengsui.batch import Batch, Identity, build

Array = NDArray[Any]

PROTOCOLS = {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp", 132: "sctp"}
PROTOCOL_NAMES = pa.array([PROTOCOLS.get(i, str(i)) for i in range(256)], pa.string())
STATE_NAMES = pa.array(endings.CONN_STATES, pa.string())
TUNNEL_NAMES = pa.array(TUNNELS, pa.string())


def addresses(high: Array, low: Array) -> Array:
    """Two columns of words as (n, 16) uint8 in network order."""
    return np.stack([high, low], axis=1).astype(">u8").view(np.uint8)


def uids(who: Array, identity: Identity) -> Array:
    """uid of each record (FLOW or IDENT); (n, 16) uint8. The first packet's direction counts, whoever originated."""
    n = len(who)
    prefix = np.frombuffer(ids.text_id(identity.org, identity.network, identity.sensor), np.uint8)
    flipped = who["flipped"].astype(bool)
    src, dst = addresses(who["src_hi"], who["src_lo"]), addresses(who["dst_hi"], who["dst_lo"])
    src, dst = np.where(flipped[:, None], dst, src), np.where(flipped[:, None], src, dst)
    sport = np.where(flipped, who["dst_port"], who["src_port"]).astype("<u2")
    dport = np.where(flipped, who["src_port"], who["dst_port"]).astype("<u2")
    rows = ids.stack(np.broadcast_to(prefix, (n, 16)), src, dst, sport, dport, who["proto"],
                     who["vlan"].astype("<u2"), who["start"].astype("<i8"), who["ordinal"].astype("<u4"))  # fmt: skip
    result: Array = ids.hash_matrix(rows)
    return result


def network_columns(who: Array, uid: Array) -> dict[str, Any]:
    """The columns that every network row shares."""
    return {
        "uid": uid,
        "src_ip": addresses(who["src_hi"], who["src_lo"]), "src_port": who["src_port"].astype(np.uint16),
        "dst_ip": addresses(who["dst_hi"], who["dst_lo"]), "dst_port": who["dst_port"].astype(np.uint16),
        "proto": PROTOCOL_NAMES.take(pa.array(who["proto"].astype(np.int64))), "community_id": community_ids(who),
        "vlan": who["vlan"].astype(np.uint16),
    }  # fmt: skip


def flow_batch(flows: Array, ends: Array, history: Array, apps: pa.Array, identity: Identity) -> Batch:
    """Finished and reported flows as a Batch. ``flows`` FLOW (n,), ``ends`` END (2 n,), ``apps`` their labels."""
    n = len(flows)
    sizes, states = np.zeros((n, 2), np.int64), np.zeros(n, np.int64)
    offsets, text = np.zeros(n + 1, np.int32), np.zeros(n * HISTORY, np.uint8)
    summary.summarise(flows, ends, history, sizes, states, offsets, text)
    uid = uids(flows, identity)
    took = (flows["last"] - flows["start"]) / 1e6
    orig, resp = ends[0::2], ends[1::2]
    columns = network_columns(flows, uid) | {
        "event_id": ids.event_ids(uid, "flow", flows["reports"].astype(np.uint32)),
        "ts": flows["start"],
        "duration": pa.array(took, pa.float64(), mask=took <= 0),
        "app": apps, "conn_state": STATE_NAMES.take(pa.array(states)),
        "history": pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text[: offsets[n]].tobytes())),
        "orig_bytes": sizes[:, 0].astype(np.uint64), "resp_bytes": sizes[:, 1].astype(np.uint64),
        "orig_pkts": orig["packets"].astype(np.uint64), "resp_pkts": resp["packets"].astype(np.uint64),
        "orig_ip_bytes": orig["ip_bytes"].astype(np.uint64), "resp_ip_bytes": resp["ip_bytes"].astype(np.uint64),
        "missed_bytes": flows["missed"].astype(np.uint64),
        "tunnel": TUNNEL_NAMES.take(pa.array(flows["tunnel"].astype(np.int64))), "open": flows["open"].astype(bool),
    }  # fmt: skip
    return build(schema.FLOW, identity, columns, n)


def row_batch(kind: str, who: Array, ts: Array, ordinals: Array, columns: dict[str, Any], identity: Identity) -> Batch:
    """Rows of an application kind as a Batch. ``who`` IDENT (n,), ``ts`` microseconds, ``ordinals`` uint32."""
    uid = uids(who, identity)
    shared = network_columns(who, uid) | {"event_id": ids.event_ids(uid, kind, ordinals), "ts": ts}
    return build(schema.KINDS[kind], identity, shared | columns, len(who))


@dataclass(frozen=True)
class Part:
    """Rows of one application kind that wait to be built: as columns, or as one dict a row.

    ``who`` IDENT (n,), a copy, because the table forgets; ``ts`` microseconds; ``ordinals`` uint32 of each row among
    those of its flow and kind.
    """

    who: Array
    ts: Array
    ordinals: Array
    columns: dict[str, Any] | None
    dicts: list[dict[str, Any]]


@dataclass
class Outbox:
    """Rows of each kind, gathered until they are worth a Batch. Kinds leave in the order of the schema."""

    rows: int
    identity: Identity
    flows: list[tuple[Array, Array, Array, pa.Array]] = field(default_factory=list)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add_flows(self, flows: Array, ends: Array, history: Array, apps: pa.Array) -> None:
        """Take finished flows; the arrays are copied."""
        self.flows.append((flows.copy(), ends.copy(), history.copy(), apps))
        self.counts["flow"] = self.counts.get("flow", 0) + len(flows)

    def add(self, kind: str, part: Part) -> None:
        self.parts.setdefault(kind, []).append(part)
        self.counts[kind] = self.counts.get(kind, 0) + len(part.ts) * (1 if part.columns is not None else LOOSE)

    def take(self, everything: bool = False) -> Iterator[Batch]:
        """Batches of the kinds that have enough rows, or of all."""
        for kind in schema.EVENTS:
            if self.counts.get(kind, 0) >= (1 if everything else self.rows):
                self.counts[kind] = 0
                yield from self._flows() if kind == "flow" else self._parts(kind)

    def _flows(self) -> Iterator[Batch]:
        flows, ends, history, apps = zip(*self.flows, strict=True)
        self.flows = []
        yield flow_batch(np.concatenate(flows), np.concatenate(ends), np.concatenate(history), pa.concat_arrays(apps),
                         self.identity)  # fmt: skip

    def _parts(self, kind: str) -> Iterator[Batch]:
        parts = self.parts.pop(kind)
        for some in ([p for p in parts if p.columns is not None], [p for p in parts if p.columns is None]):
            if some:
                who, ts, ordinals = (np.concatenate([getattr(p, n) for p in some]) for n in ("who", "ts", "ordinals"))
                yield row_batch(kind, who, ts, ordinals, _columns(kind, some), self.identity)


def _columns(kind: str, parts: list[Part]) -> dict[str, Any]:
    """The columns of parts that are all of one form."""
    if parts[0].columns is not None:
        given = [p.columns or {} for p in parts]
        return {name: _join([c[name] for c in given]) for name in given[0]}
    dicts = [d for p in parts for d in p.dicts]
    absent = {name: _absent(kind, name) for name in sorted(set().union(*dicts))}
    rows = zip(*[(absent | d).values() for d in dicts], strict=True)
    return {name: list(column) for name, column in zip(absent, rows, strict=True)}


def _join(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], list):
        return [x for v in values for x in v]
    if isinstance(values[0], (pa.Array, pa.ChunkedArray)):
        return pa.chunked_array([c for v in values for c in (v.chunks if isinstance(v, pa.ChunkedArray) else [v])])
    return np.concatenate(values)


def _absent(kind: str, name: str) -> Any:
    """What a row lacks that does not give this column, by the schema."""
    column = schema.KINDS[kind].column(name)
    return None if column.optional else ABSENT.get(column.type, 0)


LOOSE = 4  # a row that waits as a dict takes that much more memory than in columns, so fewer wait
T = schema.Type
ABSENT: dict[schema.Type, Any] = {
    T.WORD: "", T.TEXT: "", T.TEXTS: [], T.TIMES: [], T.COUNTS: [], T.BOOL: False, T.F64: 0.0, T.ID: bytes(16),
}  # fmt: skip
