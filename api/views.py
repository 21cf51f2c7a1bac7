"""Rows of the registry as the JSON of the API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from api.names import Names
from fengsui.finding import Finding, Rule
from fengsui.jsonform import time_text
from fengsui.wording import summary, title

_ENCODER = msgspec.json.Encoder()


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer, encoded once and sent as it is."""
    return Response(_ENCODER.encode(value), status, media_type="application/json", headers=headers)


def page(items: list[Any], after: str | None) -> dict[str, Any]:
    return {"items": items, "next": after}


def moment(us: int | None) -> str | None:
    return None if us is None else time_text(us)


def alert(row: Any, rules: Mapping[str, Rule], names: Names) -> dict[str, Any]:
    """A line of the queue; ``row`` has the columns of the table ``alert``."""
    whose = names.organisation(row.org)
    return {
        "id": row.id, "org": row.org, "org_name": whose["name"], "city": whose["city"], "network": row.network,
        "rule": row.rule, "title": title(rules, row.rule), "subject": row.subject,
        "related": msgspec.json.decode(row.related), "severity": row.severity, "confidence": row.confidence,
        "queued": bool(row.queued), "category": row.category, "category_name": names.category(row.category),
        "domain": row.domain, "techniques": msgspec.json.decode(row.techniques), "summary": summary(rules, row.summary),
        "first_seen": time_text(row.first_seen), "last_seen": time_text(row.last_seen), "count": row.count,
        "state": row.state, "assignee": row.assignee, "changed": row.changed_seq,
    }  # fmt: skip


class Lines:
    """Lines of the queue as encoded JSON, remembered by the alert's last change: the head of the queue is read again
    and again. Thread-safe: at worst a line is made twice."""

    def __init__(self, rules: Mapping[str, Rule], names: Names, most: int = 20_000) -> None:
        self._rules, self._names, self._most = rules, names, most
        self._of: OrderedDict[tuple[str, int, int], msgspec.Raw] = OrderedDict()

    def of(self, row: Any) -> msgspec.Raw:
        key = (row.id, row.changed_seq, self._names.version())
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = msgspec.Raw(_ENCODER.encode(alert(row, self._rules, self._names)))
            while len(self._of) > self._most:
                self._of.popitem(last=False)
        return found


def finding(f: Finding, rules: Mapping[str, Rule]) -> dict[str, Any]:
    span = None if f.window_start is None else {"start": time_text(f.window_start), "end": moment(f.window_end)}
    return {
        "id": f.finding_id.hex(), "form": f.form, "rule": f.rule, "severity": f.severity, "confidence": f.confidence,
        "subject": f.subject, "summary": summary(rules, f.summary), "explanation": numbers(f.explanation),
        "first_seen": time_text(f.first_seen), "last_seen": time_text(f.last_seen), "count": sum(f.hour_counts),
        "window": span, "origin": f.origin,
    }  # fmt: skip


def activity(row: Any) -> dict[str, Any]:
    return {"seq": row.seq, "at": time_text(row.at), "object": row.object, "object_id": row.object_id, "org": row.org,
            "actor": row.actor, "act": row.act, "body": numbers(row.body)}  # fmt: skip


def numbers(raw: str) -> dict[str, Any]:
    """JSON that should be an object; anything else is shown as its value."""
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        value = raw
    return value if isinstance(value, dict) else {"value": value}
