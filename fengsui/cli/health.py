"""How the roles of a running platform are: when each last took a step, and what keeps it from the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fengsui.errors import FengsuiError, NewerSchema, Retry

STUCK = 300.0
"""Seconds without a step that went through after which a role makes no progress; the longest hunt over 3 million rows
takes less."""
_PATIENT = 5
"""Refusals in a row before one that may pass is shown as a problem."""


@dataclass
class _Role:
    last: float
    good: float
    error: BaseException | None = None
    refusals: int = 0


class Health:
    """Told by the lanes (see ``pipeline.keep_going``), asked by the API. ``monotonic`` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._roles: dict[str, _Role] = {}
        self._ended: dict[str, BaseException] = {}

    def expect(self, name: str) -> None:
        with self._lock:
            now = self._monotonic()
            self._roles[name] = _Role(now, now)

    def __call__(self, name: str, error: BaseException | None) -> None:
        with self._lock:
            now = self._monotonic()
            role = self._roles.setdefault(name, _Role(now, now))
            role.last, role.error = now, error
            if error is None or isinstance(error, NewerSchema):  # it goes on with all but what it cannot read
                role.good = now
            role.refusals = role.refusals + 1 if error is not None else 0

    def end(self, name: str, error: BaseException) -> None:
        """A lane has ended with this."""
        with self._lock:
            self._ended[name] = error

    def roles(self) -> list[dict[str, Any]]:
        """As :class:`api.models.platform.RoleState` says."""
        now = self._monotonic()
        with self._lock:
            return [{"name": n, "alive": now - r.good < STUCK and n not in self._ended,
                     "idle_s": round(max(0.0, now - r.last), 1), "problem": _problem(r, self._ended.get(n))}
                    for n, r in sorted(self._roles.items())]  # fmt: skip

    def stuck(self) -> bool:
        return any(not r["alive"] for r in self.roles())


def _problem(role: _Role, ended: BaseException | None) -> dict[str, str] | None:
    error = ended or role.error
    if error is None or (isinstance(error, Retry) and role.refusals < _PATIENT):
        return None
    what = str(error) or type(error).__name__
    if isinstance(error, NewerSchema):
        return {"en": f"waits until it is upgraded: {what}", "zh": f"等待升级后继续：{what}"}
    if isinstance(error, FengsuiError):
        return {"en": what, "zh": f"出现问题：{what}"}
    return {"en": f"fails ({type(error).__name__}: {what}) and is tried again",
            "zh": f"出错（{type(error).__name__}：{what}），正在重试"}  # fmt: skip
