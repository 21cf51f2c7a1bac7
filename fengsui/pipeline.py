"""The only loops: read, work, commit. Every role does this same step; a role differs in ``work`` alone."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from fengsui import measures
from fengsui.bus.protocol import Assignment, Commit, Message, Place, Session
from fengsui.errors import Fenced, Retry, Stopped
from fengsui.tracing import Trace

log = logging.getLogger("fengsui.pipeline")

PATIENCE = 60.0
"""Seconds that one-shot work waits for what may pass (a full disk, a busy engine) before it ends with the reason."""


class Role(Protocol):
    """What a role does with what it read.

    ``assigned`` is called with every new assignment, before any of its messages: drop the work in hand, and return
    where to read from if not from the committed positions. ``work`` gets messages (none when the bus is quiet) and the
    time in seconds; it returns what to commit, or None to go on collecting. A role that lives with something it cannot
    overcome says so in ``trouble``, an error (see :class:`fengsui.sink.Sink`).
    """

    name: str

    def assigned(self, assignment: Assignment) -> dict[Place, int]: ...

    def work(self, messages: Sequence[Message], now: float) -> Commit | None: ...


class Stepper(Protocol):
    """What is stepped again and again: a role on its session, or work that reads something else than the bus.

    ``step`` does what there is to do at ``now`` (seconds) and returns True if there was anything. It must not wait.
    """

    @property
    def name(self) -> str: ...

    def step(self, now: float) -> bool: ...


class Worker:
    """A role on its session."""

    def __init__(self, role: Role, session: Session, *, limit: int = 16) -> None:
        self.role, self.session, self.limit = role, session, limit
        self._held: Assignment | None = None
        self._refused: Commit | None = None
        self._trace = Trace(role.name)
        self._messages = measures.MESSAGES.labels(role.name)
        self._working, self._committing = measures.WORK.labels(role.name), measures.COMMIT.labels(role.name)
        self._begun = measures.REASSIGNED.labels(role.name)

    @property
    def name(self) -> str:
        return self.role.name

    @property
    def trouble(self) -> BaseException | None:
        found: BaseException | None = getattr(self.role, "trouble", None)
        return found

    def step(self, now: float, timeout: float = 0.0) -> bool:
        """Read, work, commit. True if there was something to do.

        Raises Fenced for a source that was replaced; a member of a group that lost its partitions begins anew from what
        is committed. Raises Retry when nothing could be done now; the same step may be taken again.
        """
        if self._refused is not None:
            self._commit(self._refused)
            return True
        messages = self.session.read(self.limit, timeout)
        if self.session.assignment is not self._held:
            self._begin()
            return True
        self._messages.inc(len(messages))
        self._trace.read(messages)
        began = time.perf_counter()
        try:
            commit = self.role.work(messages, now)
        except Fenced as e:  # the role has a fence of its own, and another is ahead of it
            if not self.session.assignment.generation:
                raise
            log.warning("%s: %s", self.role.name, e)
            self._held = None
            return True
        except BaseException:
            self._held = None  # what it had in hand is unknown: the next step begins from what is committed
            raise
        if messages or commit is not None:
            self._working.observe(time.perf_counter() - began)
        if commit is None:
            return bool(messages)
        self._commit(commit)
        return True

    def finish(self, now: float) -> None:
        """Before it is closed: commit what is done, read nothing more. Raises as :meth:`step`."""
        if self._refused is None and self._held is not None and self.session.assignment is self._held:
            self._refused = self.role.work((), now)
        if self._refused is not None:
            self._commit(self._refused)

    def _commit(self, commit: Commit) -> None:
        self._refused = None
        began = time.perf_counter()
        span, traced = self._trace.span(commit)
        try:
            with span:
                self.session.commit(traced)
        except Retry:
            self._refused = commit  # nothing was done: the same commit again, before anything else is read
            raise
        except Fenced:
            if not self.session.assignment.generation:
                raise
            log.warning("%s: lost its partitions; the work in hand is dropped", self.role.name)
            self._held = None
        except BaseException:
            self._held = None
            raise
        finally:
            self._committing.observe(time.perf_counter() - began)

    def _begin(self) -> None:
        """Start from what is committed (what was just read belongs to nobody: it is read again)."""
        self._held = self.session.assignment
        self._trace.drop()
        self._begun.inc()
        self.session.seek(self._held.positions)
        self.session.seek(self.role.assigned(self._held))

    def close(self) -> None:
        self.session.close()


def run(worker: Worker, clock: Callable[[], float], stopped: Callable[[], bool], wait: Callable[[float], object],
        timeout: float = 0.2, give_up: float = float("inf")) -> None:  # fmt: skip
    """Step until ``stopped`` and there is nothing more to do.

    Retry waits longer each time (``wait``), up to 5 s, and is raised after ``give_up`` seconds without a step that went
    through; everything else ends the loop at once, loudly.
    """
    patience, waited = 0.05, 0.0
    while True:
        try:
            if not worker.step(clock(), timeout) and stopped():
                return
            patience, waited = 0.05, 0.0
        except Retry as e:
            if waited >= give_up:
                raise
            log.warning("%s: %s; again in %.2f s", worker.role.name, e, patience)
            wait(patience)
            waited += patience
            patience = min(5.0, patience * 2)


def drain(workers: Sequence[Worker], clock: Callable[[], float]) -> None:
    """Step all of them in turn until none has anything to do: the same order every time."""
    busy = True
    while busy:
        busy = False
        for w in workers:
            busy = w.step(clock()) or busy


def together(ahead: Sequence[Worker], behind: Sequence[Worker], clock: Callable[[], float]) -> None:
    """Run workers until all is done, each of ``behind`` in a thread of its own while those ``ahead`` feed them.

    The first error of any of them stops the others and is raised.
    """
    fed, failed = threading.Event(), threading.Event()

    def while_well() -> float:
        if failed.is_set():
            raise _OtherFailed
        return clock()

    def follow(worker: Worker) -> None:
        try:
            run(worker, clock, lambda: fed.is_set() or failed.is_set(), failed.wait, timeout=0.02, give_up=PATIENCE)
        except BaseException:
            failed.set()
            raise

    threads = len(behind) if ahead else min(len(behind), os.cpu_count() or 1)  # without a feeder they may take turns
    with ThreadPoolExecutor(max(1, threads)) as pool:
        followers = [pool.submit(follow, w) for w in behind]
        try:
            for worker in ahead:
                run(worker, while_well, lambda: True, failed.wait, give_up=PATIENCE)
        except _OtherFailed:
            log.debug("stopped: a worker behind failed")
        except BaseException:
            failed.set()
            raise
        finally:
            fed.set()
        for f in followers:
            f.result()


class _OtherFailed(Exception):
    """Leaves the feeding loop, so that the error of the one that failed is raised instead."""


class Paced:
    """A stepper that is not stepped again before ``rest`` seconds are over, nor before four times as long as its last
    step took: what holds a lock while it works leaves it to others most of the time."""

    def __init__(self, stepper: Stepper, monotonic: Callable[[], float], rest: float) -> None:
        self._stepper, self._monotonic, self._rest = stepper, monotonic, rest
        self._due = 0.0

    @property
    def name(self) -> str:
        return self._stepper.name

    def step(self, now: float) -> bool:
        began = self._monotonic()
        if began < self._due:
            return False
        try:
            return self._stepper.step(now)
        finally:
            took = self._monotonic() - began
            self._due = began + took + max(self._rest, 4 * took)


class Watch(Protocol):
    """Told how the steps of each stepper went. ``error`` is what it ended with or lives with, None if all is well."""

    def __call__(self, name: str, error: BaseException | None) -> None: ...


LONGEST_PAUSE = 60.0
"""Seconds between two tries of what fails again and again."""


def keep_going(steppers: Sequence[Stepper], clock: Callable[[], float], monotonic: Callable[[], float],
               stopped: Callable[[], bool], idle: Callable[[], object], watch: Watch) -> None:  # fmt: skip
    """Step all of them in turn, in this thread, until ``stopped``; ``idle`` waits when none had anything to do.

    One that fails is told to ``watch``, pauses (0.05 s, doubled up to a minute) and begins again from what is
    committed;
    the others go on. Fenced and Stopped are raised: another has its place, or an invariant does not hold.
    """
    paused: dict[str, tuple[float, float]] = {}  # until when, and for how long
    while not stopped():
        busy = False
        for s in steppers:
            until, pause = paused.get(s.name, (0.0, 0.025))
            if stopped() or monotonic() < until:
                continue
            try:
                busy = s.step(clock()) or busy
            except (Fenced, Stopped) as e:
                watch(s.name, e)
                raise
            except Exception as e:  # whatever it is, it is told, shown and tried again: nothing is skipped
                log.warning("%s: %s: %s", s.name, type(e).__name__, e, exc_info=not isinstance(e, Retry))
                measures.RETRIES.labels(s.name).inc()
                pause = min(LONGEST_PAUSE if not isinstance(e, Retry) else 5.0, pause * 2)
                paused[s.name] = (monotonic() + pause, pause)
                watch(s.name, e)
            else:
                paused.pop(s.name, None)
                watch(s.name, getattr(s, "trouble", None))
        if not busy:
            idle()
