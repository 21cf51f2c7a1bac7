"""What GuardDog says of the same packages: a peer's row in the table of ``evals.scan``.

It is a program of its own (``pip install guarddog`` in another environment) and reads files, so each package lies in a
temporary folder while it is looked at. It unpacks and greps, and runs nothing of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evals.packages import Package

SECONDS = 300


@dataclass(frozen=True)
class Said:
    """``score`` as it gives it, 0 to 10; ``findings`` beside it; ``label`` its verdict; what it could not do is
    ``failed``."""

    score: float
    findings: int
    label: str
    seconds: float
    failed: bool = False


def ask(executable: str, package: Package) -> Said:
    """One package, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, package.open() as source:
        path = Path(folder) / package.file
        with path.open("wb") as out:
            shutil.copyfileobj(source, out)
        began = time.monotonic()
        command = [executable, "pypi", "scan", str(path), "--output-format", "json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
            found = json.loads(done.stdout)
            risk = found.get("risk_score") or {}
            failed = bool(found.get("errors")) and not found.get("results")
        except (subprocess.TimeoutExpired, ValueError):
            return Said(0.0, 0, "failed", time.monotonic() - began, failed=True)
        return Said(float(risk.get("score", 0.0)), int(found.get("issues", 0)), str(risk.get("label", "")),
                    time.monotonic() - began, failed)  # fmt: skip


def all_of(executable: str, packages: Sequence[Package], jobs: int) -> dict[Package, Said]:
    """Every answer by its package."""
    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(packages, pool.map(lambda p: ask(executable, p), packages), strict=True))
