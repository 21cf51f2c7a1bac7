"""Errors, named by what the caller does next."""

from __future__ import annotations

from pathlib import Path


class FengsuiError(Exception):
    """Base of all that Fengsui raises on purpose. ``exit_code`` is what the command line ends with."""

    exit_code = 1


class UsageError(FengsuiError):
    """Tell the person what to change; exit code 3."""

    exit_code = 3


class Retry(FengsuiError):
    """Try again later: nothing was done (a full bus, a busy engine)."""


class Fenced(FengsuiError):
    """Another took over: drop the work in hand and begin from what is committed, or stop."""


class Stopped(FengsuiError):
    """An invariant does not hold: stop loudly, never skip."""


class NewerSchema(FengsuiError):
    """A message of a newer version: pause its partition until this role is upgraded."""


class BadInput(FengsuiError):
    """Input that cannot be read: keep it as a dead letter and go on.

    ``place`` names the file, and ``at`` the offset (bytes) or line in it.
    """

    def __init__(self, reason: str, place: str = "", at: int | None = None, raw: bytes = b"") -> None:
        self.reason, self.place, self.at, self.raw = reason, place, at, raw
        where = f"{place}: " if at is None else f"{place} at {at}: "
        super().__init__(f"{where if place else ''}{reason}")


class BadRule(UsageError):
    """A rule that cannot be used: refuse to start, naming file, line or key."""

    def __init__(self, path: Path | str, reason: str, line: int | None = None) -> None:
        self.path, self.line, self.reason = Path(path), line, reason
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {reason}")


class BadSetting(UsageError):
    """A setting that is unknown or out of range: refuse to start, naming it and where it came from."""
