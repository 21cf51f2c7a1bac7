"""How many dead letters a partition may have."""

from __future__ import annotations

import pytest

from fengsui.allowance import PERIOD, Allowance
from fengsui.bus.protocol import Place
from fengsui.errors import Stopped

FLOW, DNS = Place("events.flow", 0), Place("events.dns", 3)


def take(allowance: Allowance, n: int, place: Place = FLOW, now: float = 0.0) -> None:
    for _ in range(n):
        allowance.take(place, now)


def test_beyond_the_limit_it_stops_and_says_what_to_do():
    allowance = Allowance("sink", 3)
    take(allowance, 3)
    with pytest.raises(Stopped, match=r"events.flow.*3 messages became dead letters.*fengsui letters list"):
        allowance.take(FLOW, 1.0)
    allowance.take(DNS, 1.0)  # each partition has its own


def test_after_an_hour_it_counts_anew():
    allowance = Allowance("sink", 3)
    take(allowance, 3)
    take(allowance, 3, now=PERIOD)
    with pytest.raises(Stopped):
        allowance.take(FLOW, PERIOD + 1)


def test_a_restart_goes_on_counting():
    first = Allowance("sink", 3)
    take(first, 3)
    marks = {k: v for k, v in first.remembered([FLOW, DNS]).items() if v is not None}
    assert list(marks) == ["letters/sink/events.flow/0"]
    second = Allowance("sink", 3, lambda prefix: {k: v for k, v in marks.items() if k.startswith(prefix)})
    second.begin([FLOW, DNS])
    with pytest.raises(Stopped):
        second.take(FLOW, 1.0)


def test_without_a_limit_nothing_is_counted_or_remembered():
    allowance = Allowance("sink", 0)
    take(allowance, 5000)
    assert allowance.remembered([FLOW]) == {}
