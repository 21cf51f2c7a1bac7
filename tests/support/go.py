"""Programs and files of Go modules for tests, had once by the Go client and kept in a cache."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.support import engines


def program(name: str, module: str) -> str:
    """A program, built from ``module`` (path@version) if it is not in the cache yet."""
    folder = engines.cache() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / name
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            _go_is_there(name)
            where = os.environ | {"GOBIN": str(folder)}
            ran = subprocess.run(["go", "install", module], env=where, capture_output=True, text=True, check=False)
            if ran.returncode:
                engines.lack(name, f"it could not be built: {ran.stderr[-300:]}")
    return str(built)


def source(name: str, module: str) -> Path:
    """The folder of a module's source."""
    _go_is_there(name)
    ran = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, check=False)
    if ran.returncode:
        engines.lack(name, f"it could not be had: {(ran.stderr or ran.stdout)[-300:]}")
    return Path(json.loads(ran.stdout)["Dir"])


def _go_is_there(name: str) -> None:
    if shutil.which("go") is None:
        engines.lack(name, "go is not on the path")
