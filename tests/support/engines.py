"""Engines that some tests need and that no package brings: where they are on this machine, or why a test is skipped.

A test that cannot run is not a test that passed: what was skipped for want of an engine is listed at the end of the
run, and where an engine must be there (FENGSUI_REQUIRE_ENGINES, a list with commas) its absence is a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

REQUIRED = "FENGSUI_REQUIRE_ENGINES"
PROGRAMS = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
"""Names that the program of an engine goes by; the first that is found is taken."""

absent: dict[str, str] = {}
"""Engines that tests of this run have asked for in vain, and why."""


def cache() -> Path:
    """Where engines that are fetched or built are kept between runs, outside the project."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fengsui" / "engines"


_TIE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execvp(sys.argv[1], sys.argv[1:])"


def tied(words: list[str]) -> list[str]:
    """The command of an engine that ends when the tests do, however they end (Linux; elsewhere it is ended at exit)."""
    return [sys.executable, "-c", _TIE, *words] if sys.platform == "linux" else words


def engine(name: str) -> str:
    """The path of an engine's program. Skips the test where it is not there, or fails it where it is required."""
    found = next((path for program in PROGRAMS[name] if (path := shutil.which(program))), None)
    if found is None:
        lack(name, f"none of {', '.join(PROGRAMS[name])} is on the path")
    return found


def lack(name: str, reason: str) -> None:
    """An engine cannot be used: note it and end the test."""
    absent[name] = reason
    if name in required():
        pytest.fail(f"{name} is required ({REQUIRED}) and not there: {reason}", pytrace=False)
    pytest.skip(f"{name} is not there: {reason}")


def required() -> frozenset[str]:
    """Engines that must be there."""
    return frozenset(n.strip() for n in os.environ.get(REQUIRED, "").split(",") if n.strip())
