"""What travels on the bus beside batches: announcements, deletions, dead letters; how a Batch becomes a message."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import pyarrow as pa

from fengsui.batch import MAX_BYTES, Batch, cut, decode
from fengsui.bus import topics
from fengsui.bus.protocol import Message, Output, Place
from fengsui.errors import BadInput
from fengsui.finding import HOUR_US, RESULT, Finding, to_batch
from fengsui.schema import FINDING, KINDS

INSERT, DELETE = "insert", "delete"
MAX_RESULT = 5_000
"""Findings of one result: it must travel in one message. The most severe are kept."""


class Stored(msgspec.Struct, frozen=True):
    """What has become visible (or was deleted) of one kind of one organisation's network.

    ``hours`` (microseconds) are the hours of event time touched, rows with a clock ahead left out; ``least`` and
    ``greatest`` the event times of all rows.
    """

    org: str
    network: str
    kind: str
    topic: str
    partition: int
    offsets: tuple[int, ...]
    rows: int
    hours: tuple[int, ...]
    least: int
    greatest: int
    origin: str = ""
    deleted: bool = False


class Deletion(msgspec.Struct, frozen=True):
    """Delete the rows of an origin that were sent before this message. ``hours`` as in :class:`Stored`."""

    org: str
    network: str
    origin: str
    hours: tuple[int, ...]


class DeadLetter(msgspec.Struct, frozen=True):
    """Input that could not be read, whole, with the reason. ``at``: byte or line in ``place``, -1 if unknown.

    ``topic`` and ``headers`` are those of a message of the bus, empty for what a collector could not read.
    """

    raw: bytes
    reason: str
    place: str
    at: int
    org: str = ""
    network: str = ""
    origin: str = ""
    topic: str = ""
    headers: dict[str, str] = {}


def event_outputs(batch: Batch, key: str, topic: str | None = None) -> Iterator[Output]:
    """A batch as messages, cut by rows and encoded size. Each gets a random ``batch_id``."""
    for part, raw in cut(batch):
        yield Output(topic or topics.events(part.kind), key, raw, _headers(part.kind, INSERT))


def deletion_output(kind: str, key: str, deletion: Deletion, topic: str | None = None) -> Output:
    return Output(topic or topics.events(kind), key, msgspec.json.encode(deletion), _headers(kind, DELETE))


def _headers(kind: str, op: str) -> dict[str, str]:
    return {"kind": kind, "version": str(KINDS[kind].version), "batch_id": secrets.token_hex(16), "op": op}


def read_message(message: Message) -> Batch | Deletion:
    """Raises BadInput for what does not decode, NewerSchema for what a newer version wrote."""
    try:
        kind, version, op = message.headers["kind"], int(message.headers["version"]), message.headers["op"]
    except (KeyError, ValueError) as e:
        raise BadInput(f"message without the header {e}", raw=message.value) from e
    if op == DELETE:
        try:
            return msgspec.json.decode(message.value, type=Deletion)
        except msgspec.MsgspecError as e:
            raise BadInput(f"not a deletion: {e}", raw=message.value) from e
    return decode(kind, version, message.value)


def unit(message: Message) -> str:
    """The name of a message in the findings that rest on it: the same in every repeat, and on no other bus."""
    return message.headers.get("batch_id", "") or _where(message)


def _where(message: Message) -> str:
    return f"{message.place.topic}/{message.place.partition}/{message.offset}"


def at(place: Place, bus_id: str) -> Place:
    """A place as the store knows it: with the bus's identity, for offsets begin anew when a topic is made anew."""
    return Place(f"{place.topic}@{bus_id}", place.partition)


def token(place: Place, message: Message) -> str:
    """The deduplication token of a message's block at a place as the store knows it."""
    return f"{place.topic}/{place.partition}/{message.offset}/{message.headers.get('batch_id', '')}"


def dead_letter(message: Message, error: BadInput) -> Output:
    letter = DeadLetter(message.value, str(error), _where(message), message.offset, topic=message.place.topic,
                        headers=dict(message.headers))  # fmt: skip
    return Output(topics.DEAD, _where(message), msgspec.msgpack.encode(letter))


def announce(place: Place, offset: int, batch: Batch) -> list[Stored]:
    """What a stored message announces, at a place as the store knows it: an entry for each organisation's network."""
    rows = batch.rows.select(["org", "network", "ts", "clock_ahead"])
    keys = rows.column("org").dictionary_encode(), rows.column("network").dictionary_encode()
    code = keys[0].indices.to_numpy().astype(np.int64) * len(keys[1].dictionary) + keys[1].indices.to_numpy()
    ts = rows.column("ts").cast(pa.int64()).to_numpy()
    ahead = rows.column("clock_ahead").to_numpy(zero_copy_only=False)
    out = []
    for c in np.unique(code):
        mine = code == c
        hours = np.unique(ts[mine & ~ahead] // HOUR_US) * HOUR_US
        out.append(Stored(
            org=keys[0].dictionary[int(c) // len(keys[1].dictionary)].as_py(),
            network=keys[1].dictionary[int(c) % len(keys[1].dictionary)].as_py(),
            kind=batch.kind, topic=place.topic, partition=place.partition, offsets=(offset,),
            rows=int(mine.sum()), hours=tuple(hours.tolist()), least=int(ts[mine].min()), greatest=int(ts[mine].max()),
        ))  # fmt: skip
    return out


def announce_deletion(place: Place, offset: int, kind: str, d: Deletion) -> Stored:
    first, last = (d.hours[0], d.hours[-1] + HOUR_US) if d.hours else (0, 0)
    return Stored(d.org, d.network, kind, place.topic, place.partition, (offset,), 0, d.hours, first, last, d.origin,
                  deleted=True)  # fmt: skip


def merge(entries: Iterable[Stored]) -> list[Stored]:
    """Join neighbouring announcements of the same place, so that a second of many small messages is one entry."""
    out: list[Stored] = []
    last: dict[tuple[str, str, str, str, int], int] = {}
    for e in entries:
        key = (e.org, e.network, e.kind, e.topic, e.partition)
        if e.deleted or key not in last:
            last.pop(key, None)
            if not e.deleted:
                last[key] = len(out)
            out.append(e)
            continue
        a = out[last[key]]
        out[last[key]] = Stored(a.org, a.network, a.kind, a.topic, a.partition, a.offsets + e.offsets, a.rows + e.rows,
                                tuple(sorted({*a.hours, *e.hours})), min(a.least, e.least),
                                max(a.greatest, e.greatest))  # fmt: skip
    return out


def stored_outputs(entries: list[Stored], partitions: int) -> list[Output]:
    """One message for each partition of the topic; an organisation always goes to the same."""
    by_partition: dict[int, list[Stored]] = {}
    for e in entries:
        by_partition.setdefault(topics.partition_of(e.org, partitions), []).append(e)
    return [Output(topics.STORED, group[0].org, msgspec.json.encode(group)) for group in by_partition.values()]


def read_stored(message: Message) -> list[Stored]:
    try:
        return msgspec.json.decode(message.value, type=list[Stored])
    except msgspec.MsgspecError as e:
        raise BadInput(f"not an announcement: {e}", raw=message.value) from e


def finding_outputs(findings: list[Finding], partitions: int) -> list[Output]:
    """Findings as messages, in order; a result is never divided between two."""
    packs: dict[int, list[list[Finding]]] = {}
    sizes: dict[int, int] = {}
    for group in _units(findings):
        p = topics.partition_of(group[0].org, partitions)
        size = sum(_size(f) for f in group)
        if p not in packs or sizes[p] + size > MAX_BYTES // 2:
            packs.setdefault(p, []).append([])
            sizes[p] = 0
        packs[p][-1] += group
        sizes[p] += size
    return [_one_message(pack) for of_partition in packs.values() for pack in of_partition]


def _one_message(pack: list[Finding]) -> Output:
    """A pack as a message. One too large is a single result: its most severe findings are kept."""
    while True:
        parts = list(cut(to_batch(pack)))
        if len(parts) == 1:
            return Output(topics.FINDINGS, pack[0].org, parts[0][1], _headers(FINDING.name, INSERT))
        pack = _most_severe(pack, len(pack) // 2)


def _units(findings: list[Finding]) -> Iterator[list[Finding]]:
    """Findings that must stay together: those of one result; each other one alone."""
    pending: list[Finding] = []
    for f in findings:
        same = pending and f.form == RESULT and _window(f) == _window(pending[0])
        if pending and not same:
            yield _most_severe(pending)
            pending = []
        pending.append(f)
        if f.form != RESULT:
            yield pending
            pending = []
    if pending:
        yield _most_severe(pending)


def _window(f: Finding) -> tuple[object, ...]:
    return f.form, f.rule, f.org, f.network, f.window_start


def _most_severe(result: list[Finding], most: int = MAX_RESULT) -> list[Finding]:
    return result if len(result) <= most else sorted(result, key=lambda f: -f.severity)[:most]


def _size(f: Finding) -> int:
    """Bytes of a finding, not less than what it takes encoded: text of one character may be four bytes."""
    texts = (f.explanation, f.summary, f.filter, f.subject, f.group, *f.related, *f.evidence, *f.techniques)
    return 400 + sum(4 + len(t if t.isascii() else t.encode()) for t in texts) + 16 * len(f.hours)
