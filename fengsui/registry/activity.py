"""The record of what happened to alerts, warnings and the situation: written in the transaction that did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from fengsui.registry.models import activity

ALERT, WARNING, SITUATION, ORGANISATION, LETTER = "alert", "warning", "situation", "organisation", "letter"
SUBMISSION = "submission"


def record(db: Connection, at: int, org: str, thing: tuple[str, str], actor: str, act: str,
           body: Mapping[str, Any]) -> int:  # fmt: skip
    """Write one act upon ``thing`` (what it is, its id) at ``at`` (microseconds); its place in the sequence."""
    values = {"at": at, "org": org, "object": thing[0], "object_id": thing[1], "actor": actor, "act": act}
    done = db.execute(insert(activity).values(body=msgspec.json.encode(body).decode(), **values))
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])
