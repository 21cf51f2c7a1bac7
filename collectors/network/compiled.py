"""How this folder compiles: numba with a cache on disk that no edit can make stale.

Numba looks only at the file of the function that it cached; what that function calls may lie in another. So the stamp
of every cached function here is that of all modules here that have some.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba as nb

# The modules with compiled functions, and the layouts that these read.
MODULES = (
    "blocks", "community", "endings", "flows", "headers", "layout", "links", "runs", "sides", "summary", "sums",
    "table", "tcp", "tunnels", "walk",
)  # fmt: skip


def _stamp() -> tuple[tuple[str, int, int], ...]:
    files = [Path(__file__).with_name(f"{m}.py") for m in MODULES]
    return tuple((f.name, s.st_mtime_ns, s.st_size) for f in files for s in (f.stat(),))


STAMP = _stamp()


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Decorate a function to be compiled on its first call, and found on disk in later processes."""

    def decorate(function: Any) -> Any:
        dispatcher = nb.njit(cache=True, **options)(function)
        # There is no public way to add to the stamp; without these attributes numba's own stamp holds.
        file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if hasattr(file, "_source_stamp"):
            file._source_stamp = (file._source_stamp, STAMP)
        return dispatcher

    return decorate
