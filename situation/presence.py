"""The hours for which an organisation's events became visible: what coverage is counted from."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import postgresql, sqlite

from fengsui import wire
from fengsui.bus.protocol import Assignment, Commit, Message, Place
from fengsui.errors import BadInput
from fengsui.registry.models import presence
from fengsui.schema import EVENTS

log = logging.getLogger("fengsui.presence")
_CHUNK, _REMEMBERED = 500, 200_000


class Presence:
    """Role of the group ``presence`` over ``stored``. A repeat writes the same rows again, which changes nothing.

    A deletion takes no hour back: that something was received then stays true.
    """

    name = "presence"

    def __init__(self, registry: Engine) -> None:
        self._registry = registry
        self._known: set[tuple[str, int]] = set()

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        self._known = set()
        return {}

    def work(self, messages: Sequence[Message], now: float) -> Commit | None:
        if not messages:
            return None
        fresh = {pair for m in messages for pair in _hours(m)} - self._known
        if fresh:
            with self._registry.begin() as db:
                add(db, fresh)
            self._known = (self._known if len(self._known) < _REMEMBERED else set()) | fresh
        return Commit((), {m.place: m.offset + 1 for m in messages})


def _hours(message: Message) -> set[tuple[str, int]]:
    try:
        entries = wire.read_stored(message)
    except BadInput as e:
        log.error("%s at %d: %s", message.place, message.offset, e)  # the hunts say so too: it is nobody's events
        return set()
    return {(e.org, h) for e in entries if not e.deleted and e.kind in EVENTS for h in e.hours}


def add(db: Connection, hours: set[tuple[str, int]]) -> None:
    """Write pairs of organisation and hour (microseconds) that are not there yet."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    rows = [{"org": org, "hour": hour} for org, hour in sorted(hours)]
    for start in range(0, len(rows), _CHUNK):
        db.execute(dialect.insert(presence).values(rows[start : start + _CHUNK]).on_conflict_do_nothing())
