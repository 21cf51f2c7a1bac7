"""The roll of processes: each writes how it is as a mark on the bus, and whoever asks reads them all."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from fengsui import __version__
from fengsui.bus.protocol import Bus, Commit, Session

PREFIX = "process/"
EVERY = 5.0
"""Seconds between two entries of a process."""
GONE = 30.0
"""Seconds after its last entry that a process counts as gone; its entry stays until somebody strikes it off."""
FORGET = 86_400.0
"""Seconds after which the entry of a process that is gone is struck off."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it was at ``at`` (microseconds). ``roles`` as of :meth:`fengsui.cli.health.Health.roles`;
    ``facts`` what else it says of itself: what protects it, when a hunt last ran, how old its data is."""

    role: str
    instance: str
    version: str
    host: str
    pid: int
    started: int
    at: int
    roles: list[dict[str, Any]]
    facts: dict[str, Any]


class Roll:
    """Steps on a lane of its own. ``look`` gives the roles and the facts."""

    name = "roll"

    def __init__(self, bus: Bus, role: str, instance: str, clock: Callable[[], float],
                 look: Callable[[], tuple[list[dict[str, Any]], dict[str, Any]]]) -> None:  # fmt: skip
        self._bus, self._role, self._look = bus, role, look
        self._instance = instance or f"{platform.node()}-{os.getpid()}-{secrets.token_hex(2)}"
        self._key = f"{PREFIX}{role}/{self._instance}"
        self._started = int(clock() * 1_000_000)
        self._session: Session | None = None
        self._due = 0.0

    def step(self, now: float) -> bool:
        if now < self._due:
            return False
        self._due = now + EVERY
        self._write(self._entry(now))
        return False

    def _entry(self, now: float) -> bytes:
        roles, facts = self._look()
        return msgspec.json.encode(
            Entry(role=self._role, instance=self._instance, version=__version__, host=platform.node(), pid=os.getpid(),
                  started=self._started, at=int(now * 1_000_000), roles=roles, facts=facts))  # fmt: skip

    def _write(self, entry: bytes | None) -> None:
        if self._session is None:
            self._session = self._bus.source(f"roll/{self._role}/{self._instance}")
        self._session.commit(Commit(marks={self._key: entry}))

    def leave(self) -> None:
        """Strike this process off: it ends as it was told to."""
        self._write(None)
        if self._session is not None:
            self._session.close()


def read(bus: Bus, now: float) -> list[tuple[Entry, bool]]:
    """Every process on the roll, and whether it is there: by role and instance. ``now`` in seconds."""
    found = [msgspec.json.decode(raw, type=Entry) for raw in bus.marks(PREFIX).values()]
    ordered = sorted(found, key=lambda e: (e.role, e.instance))
    return [(e, now - e.at / 1e6 < GONE) for e in ordered if now - e.at / 1e6 < FORGET]
