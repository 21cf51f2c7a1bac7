"""What slice hunts share: the restriction to the announced rows, and rows grouped to what a conclusion needs.

Grouping is done by the engine, by subject, origin and message, so that an answer stays small whatever matches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detectors.base import Query, Slice
from fengsui.finding import MAX_EVIDENCE, Evidence

MAX_SAMPLES = 8
MAX_SUBJECTS = 1000  # of one message

SLICE = """org IN {orgs:Array(String)} AND topic = {topic:String}
AND `partition` = {partition:UInt32} AND `offset` IN {offsets:Array(UInt64)}
AND concat(toString(`offset`), '/', org, '/', network) IN {places:Array(String)}
AND ts >= fromUnixTimestamp64Micro({least:Int64}, 'UTC') AND ts <= fromUnixTimestamp64Micro({greatest:Int64}, 'UTC')"""

HOST = "concat('host:', replaceRegexpOne(IPv6NumToString({ip}), '^::ffff:', ''))"
SOURCE, DESTINATION = HOST.format(ip="src_ip"), HOST.format(ip="dst_ip")


def parameters(part: Slice) -> dict[str, Any]:
    """What ``SLICE`` binds."""
    return {
        "orgs": list(part.orgs), "topic": part.topic, "partition": part.partition, "offsets": list(part.offsets),
        "places": [f"{offset}/{org}/{network}" for org, network, offset in part.places],
        "least": part.least, "greatest": part.greatest,
    }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Matching rows of one subject in one message of one origin. Times in microseconds."""

    org: str
    network: str
    subject: str
    origin: str
    unit: str
    count: int
    first: int
    last: int
    hours: Mapping[int, int]
    evidence: tuple[Evidence, ...]
    samples: Mapping[str, tuple[str, ...]]


def grouped(query: Query, part: Slice, rows: str, bound: Mapping[str, Any], samples: Sequence[str] = ()) -> list[Group]:
    """Group what ``rows`` selects: org, network, subject, origin, offset, ts, event_id and text columns ``samples``.

    Up to 20 earliest events are kept as evidence, and up to 8 distinct values of each of ``samples``. A message with
    more than 1,000 subjects keeps those with most rows, and all of it becomes one more group about the organisation.
    """
    found = _ask(query, part, rows, bound, samples)
    subjects = Counter(_message(g) for g in found)
    over = {message for message, n in subjects.items() if n > MAX_SUBJECTS}
    if not over:
        return found
    whole = f"SELECT concat('org:', org) AS subject, * EXCEPT (subject) FROM ({rows})"  # noqa: S608 ours
    return found + [g for g in _ask(query, part, whole, bound, samples) if _message(g) in over]


def _message(g: Group) -> tuple[str, str, str, str]:
    """An organisation's share of a message, by origin."""
    return g.org, g.network, g.unit, g.origin


def _ask(query: Query, part: Slice, rows: str, bound: Mapping[str, Any], samples: Sequence[str]) -> list[Group]:
    names = [f"arraySort(groupUniqArrayIf({MAX_SAMPLES})({s}, notEmpty({s}))) AS {s}_seen" for s in samples]
    micro = "toUnixTimestamp64Micro(ts)"
    hour = "toInt64(toUnixTimestamp(toStartOfHour(ts))) * 1000000"
    sql = f"""SELECT org, network, subject, origin, `offset`, count() AS n,
min({micro}) AS first_ts, max({micro}) AS last_ts,
sumMap([{hour}], [toUInt64(1)]) AS by_hour, by_hour.1 AS hours, by_hour.2 AS counts,
groupArraySorted({MAX_EVIDENCE})(({micro}, hex(event_id))) AS events, events.1 AS event_ts, events.2 AS event_ids
{"".join(f", {n}" for n in names)} FROM ({rows}) GROUP BY org, network, subject, origin, `offset`
ORDER BY n DESC, subject, origin, `offset`, org, network
LIMIT {MAX_SUBJECTS + 1} BY org, network, origin, `offset`"""  # noqa: S608 columns are ours, values are bound
    return [_group(part, row, samples) for row in query(sql, {**parameters(part), **bound}).to_pylist()]


def _group(part: Slice, row: Mapping[str, Any], samples: Sequence[str]) -> Group:
    events = zip(row["event_ts"], row["event_ids"], strict=True)
    return Group(
        org=row["org"], network=row["network"], subject=row["subject"], origin=row["origin"],
        unit=f"{part.topic}/{part.partition}/{row['offset']}",
        count=row["n"], first=row["first_ts"], last=row["last_ts"],
        hours=dict(zip(row["hours"], row["counts"], strict=True)),
        evidence=tuple(Evidence(part.kind, ts, bytes.fromhex(i)) for ts, i in events),
        samples={s: tuple(row[f"{s}_seen"]) for s in samples},
    )  # fmt: skip
