"""``fengsui warm``: compile once what is compiled, so that later starts are fast."""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

from collectors.made.province import make_province
from fengsui.batch import Identity
from fengsui.cli.console import say
from fengsui.cli.decode import NoBlobs
from fengsui.cli.text import text
from fengsui.config import Settings


def run(args: argparse.Namespace) -> int:
    """Decode a small made capture and its logs: everything that numba compiles is then in its cache on disk."""
    from collectors.network.sources import sources_of

    say(text("warming", args.lang))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        make_province(Path(folder), day=date(2024, 1, 1), organisations=1, scale=0.1)
        for source in sources_of(Path(folder), Settings(), NoBlobs()):
            for _ in source.pieces(Identity(origin=source.origin()), None):
                pass
    say(text("warmed", args.lang, seconds=time.monotonic() - began))
    return 0
