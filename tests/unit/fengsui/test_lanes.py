from __future__ import annotations

from fengsui.cli.lanes import LONGEST_REST, Sharing


class Step:
    name, trouble = "hunt.x", ValueError("x")

    def __init__(self, busy: bool, took: float, clock: list[float]) -> None:
        self._busy, self._took, self._clock = busy, took, clock

    def step(self, now: float) -> bool:
        self._clock[0] += self._took
        return self._busy


def rests(busy: bool, took: float, monkeypatch) -> list[float]:
    clock, rested = [100.0], []
    monkeypatch.setattr("fengsui.cli.lanes.time.monotonic", lambda: clock[0])
    shared = Sharing(Step(busy, took, clock), rested.append)
    assert shared.step(0.0) is busy
    assert (shared.name, str(shared.trouble)) == ("hunt.x", "x")
    return rested


def test_what_shares_rests_as_long_as_its_work_took_and_not_for_ever(monkeypatch):
    assert rests(True, 0.5, monkeypatch) == [0.5]
    assert rests(True, 60.0, monkeypatch) == [LONGEST_REST]


def test_without_work_there_is_no_rest(monkeypatch):
    assert rests(False, 0.5, monkeypatch) == []
