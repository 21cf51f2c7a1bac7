"""Presence: which hours of which organisation became visible."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine, select

from fengsui.bus.protocol import Assignment, Message, Place
from fengsui.registry import models as m
from fengsui.wire import Stored
from situation.presence import Presence
from tests.conftest import DAY, HOUR

PLACE = Place("stored", 0)


def message(offset: int, *entries: Stored, raw: bytes | None = None) -> Message:
    return Message(PLACE, offset, {}, raw or msgspec.json.encode(entries))


def stored(org: str, *hours: int, kind: str = "flow", deleted: bool = False) -> Stored:
    return Stored(org, "net", kind, "events.flow@x", 0, (1,), 5, hours, DAY, DAY, deleted=deleted)


def rows(registry: Engine) -> list[tuple[str, int]]:
    with registry.connect() as db:
        return [(r.org, r.hour) for r in db.execute(select(m.presence).order_by(m.presence.c.org, m.presence.c.hour))]


def test_hours_of_events_are_written_once_whatever_is_repeated(registry):
    role = Presence(registry)
    role.assigned(Assignment(1, {PLACE: 0}))
    read = [message(0, stored("a", DAY, DAY + HOUR), stored("b", DAY)), message(3, stored("a", DAY, kind="dns"))]
    commit = role.work(read, 1.0)
    assert commit is not None and commit.positions == {PLACE: 4} and not commit.outputs
    again = Presence(registry)
    assert again.work(read, 2.0) is not None
    assert rows(registry) == [("a", DAY), ("a", DAY + HOUR), ("b", DAY)]


def test_findings_and_deletions_are_nobodys_presence(registry):
    Presence(registry).work([message(0, stored("a", DAY, kind="finding"), stored("b", DAY, deleted=True))], 1.0)
    assert rows(registry) == []


def test_what_is_no_announcement_is_passed_over(registry):
    commit = Presence(registry).work([message(0, raw=b"{"), message(1, stored("a", DAY))], 1.0)
    assert commit is not None and commit.positions == {PLACE: 2} and rows(registry) == [("a", DAY)]


def test_nothing_read_is_nothing_to_commit(registry):
    assert Presence(registry).work([], 1.0) is None
