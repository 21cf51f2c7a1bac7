"""Lanes: steppers that take turns on one thread, until they are told to stop; and how they are."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from fengsui.bus.protocol import Bus
from fengsui.cli.health import Health
from fengsui.pipeline import Stepper, keep_going

log = logging.getLogger("fengsui.lanes")

IDLE = 0.2
"""Seconds that a lane without work waits for news at most."""
BEHIND = {"slices": 10, "windows": 10, "detect": 5, "scan": 5}
"""Lanes that give way when there is more to do than cores: first what people wait for and what comes in, then hunts."""
SHARES = {"windows"}
"""Lanes that rest as long as each step took: what nobody waits for by the second leaves half of the store to others."""
LONGEST_REST = 5.0
JOIN = 30.0
"""Seconds that stopping waits for a step to end; what it had in hand is done again at the next start."""


class Sharing:
    """A stepper that rests after work for as long as it took, LONGEST_REST seconds at most."""

    def __init__(self, stepper: Stepper, rest: Callable[[float], object]) -> None:
        self._stepper, self._rest = stepper, rest

    @property
    def name(self) -> str:
        return self._stepper.name

    @property
    def trouble(self) -> BaseException | None:
        found: BaseException | None = getattr(self._stepper, "trouble", None)
        return found

    def step(self, now: float) -> bool:
        began = time.monotonic()
        busy = self._stepper.step(now)
        if busy:
            self._rest(min(LONGEST_REST, time.monotonic() - began))
        return busy


class Lanes:
    """``stopping`` ends them; ``health`` is told of every step; ``on_failure`` when a lane cannot go on."""

    def __init__(self, bus: Bus, clock: Callable[[], float], stopping: threading.Event) -> None:
        self._bus, self._clock, self.stopping = bus, clock, stopping
        self.health = Health(time.monotonic)
        self._threads: list[threading.Thread] = []
        self.failed: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None

    def start(self, lanes: Mapping[str, Sequence[Stepper]]) -> None:
        for name, steppers in lanes.items():
            for s in steppers:
                self.health.expect(s.name)
            thread = threading.Thread(target=self._lane, args=(name, steppers), name=f"fengsui-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _lane(self, name: str, steppers: Sequence[Stepper]) -> None:
        try:
            _give_way(BEHIND.get(name, 0))
            mine = [Sharing(s, self.stopping.wait) for s in steppers] if name in SHARES else steppers
            keep_going(mine, self._clock, time.monotonic, self.stopping.is_set, self._idle, self.health)
        except BaseException as e:  # noqa: BLE001 told to all and raised by who runs them: a lane must not end in silence
            log.error("%s: %s", name, e)
            for s in steppers:
                self.health.end(s.name, e)
            self.failed = self.failed or e
            self.on_failure()

    def _idle(self) -> None:
        if not self.stopping.is_set():
            self._bus.wait(IDLE)

    def stop(self) -> None:
        """End after the steps that are being taken. What was not committed is read again at the next start."""
        self.stopping.set()
        self._bus.announce()
        for thread in self._threads:
            thread.join(JOIN)
            if thread.is_alive():
                log.warning(
                    "%s is still at work after %.0f s; it is left, and its work is done again", thread.name, JOIN
                )


def _give_way(by: int) -> None:
    """Have this thread give way to others, as ``nice`` does for a process; only Linux counts it by thread."""
    if by and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), by)
