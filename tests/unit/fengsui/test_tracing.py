"""Traces through the bus: real spans, collected in memory."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fengsui import tracing
from fengsui.bus.protocol import Assignment, Commit, Message, Output, Place
from fengsui.bus.sqlite import SqliteBus
from fengsui.bus.topics import Topic
from fengsui.pipeline import Worker, drain

A, B = "a", "b"


class Pass:
    """A role that sends on what it reads."""

    def __init__(self, name: str, to: str = "") -> None:
        self.name, self._to, self.headers = name, to, []

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        return {}

    def work(self, messages, now):
        self.headers += [dict(m.headers) for m in messages]
        outputs = [Output(self._to, "k", m.value, {"mine": "1"}) for m in messages] if self._to else []
        return Commit(outputs, {m.place: m.offset + 1 for m in messages}) if messages else None


class Feed:
    name = "feed"

    def __init__(self) -> None:
        self.left = 1

    def assigned(self, assignment: Assignment) -> dict[Place, int]:
        return {}

    def work(self, messages, now):
        self.left -= 1
        return Commit([Output(A, "k", b"x", {"mine": "1"})]) if self.left >= 0 else None


@pytest.fixture
def bus(tmp_path):
    bus = SqliteBus(tmp_path / "bus.db", [Topic(A), Topic(B)])
    yield bus
    bus.close()


@pytest.fixture
def spans():
    memory = InMemorySpanExporter()
    tracing.configure("http://nowhere", "test", "0", exporter=memory)

    def told():
        tracing._Tracing.provider.force_flush()
        return {s.name: s for s in memory.get_finished_spans()}

    yield told
    tracing.end()


def walk(bus) -> tuple[Pass, Pass]:
    """One message from a feed through two roles."""
    first, second = Pass("first", B), Pass("second")
    workers = [Worker(Feed(), bus.source("s")), Worker(first, bus.member("1", [A])),
               Worker(second, bus.member("2", [B]))]  # fmt: skip
    drain(workers, lambda: 0.0)
    for w in workers:
        w.close()
    return first, second


def test_one_trace_from_the_source_to_the_last_role(bus, spans):
    walk(bus)
    found = spans()
    assert set(found) == {"feed", "first", "second"}
    assert len({s.context.trace_id for s in found.values()}) == 1
    assert found["first"].parent.span_id == found["feed"].context.span_id
    assert found["second"].parent.span_id == found["first"].context.span_id
    assert found["first"].attributes["messaging.batch.message_count"] == 1


def test_a_commit_on_several_messages_is_linked_to_the_others(spans):
    ids = [f"00-{i:032x}-{i:016x}-01" for i in (1, 2, 3)]
    trace = tracing.Trace("role")
    trace.read([Message(Place(A, 0), i, {tracing.HEADER: h}, b"") for i, h in enumerate([*ids, ids[0]])])
    span, commit = trace.span(Commit([Output(B, "k", b"", {"mine": "1"})]))
    with span:
        assert tracing.current() == f"{1:032x}"
    (only,) = spans().values()
    assert only.context.trace_id == 1
    assert [link.context.trace_id for link in only.links] == [2, 3]
    assert commit.outputs[0].headers == {"mine": "1", tracing.HEADER: f"00-{1:032x}-{only.context.span_id:016x}-01"}


def test_without_an_address_nothing_is_added(bus):
    first, second = walk(bus)
    assert first.headers == second.headers == [{"mine": "1"}]
    assert tracing.current() == ""


def test_a_broken_header_begins_a_trace_of_its_own(spans):
    trace = tracing.Trace("role")
    trace.read([Message(Place(A, 0), 0, {tracing.HEADER: "nonsense"}, b"")])
    span, _ = trace.span(Commit())
    with span:
        pass
    assert spans()["role"].context.trace_id != 0
