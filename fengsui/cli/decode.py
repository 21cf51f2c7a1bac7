"""``fengsui decode``: events as JSON lines; nothing is stored."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import BinaryIO

from collectors.network.sources import sources_of
from fengsui.batch import Identity
from fengsui.blobs import Blobs
from fengsui.cli.console import progress, say
from fengsui.cli.text import text
from fengsui.config import load
from fengsui.errors import BadInput, UsageError
from fengsui.jsonform import lines
from fengsui.schema import EVENTS


class NoBlobs(Blobs):
    """Carved files are described and not kept."""

    def put(self, sha256: str, content: bytes) -> None:
        """Keep nothing."""

    def put_file(self, sha256: str, path: Path) -> None:
        """Keep nothing."""

    def get(self, sha256: str) -> bytes | None:
        return None

    def open(self, sha256: str) -> BinaryIO | None:
        return None

    def delete(self, sha256: str) -> None:
        pass

    def within(self, name: str) -> Blobs:
        return self


def run(args: argparse.Namespace) -> int:
    """0; 2 if some input could not be read (what was read before the fault is printed)."""
    settings = load(args.config, os.environ)
    unknown = set(args.kind or ()) - set(EVENTS)
    if unknown:
        raise UsageError(f"--kind {', '.join(sorted(unknown))}: there are {', '.join(EVENTS)}")
    faults = 0
    with progress(text("reading", args.lang)) as report:
        sources = [s for path in args.paths for s in sources_of(path, settings, NoBlobs(), report)]
        for source in sources:
            try:
                identity = Identity(settings.org, settings.network, settings.sensor, source.origin(), source.kind)
                for piece in source.pieces(identity, None):
                    for batch in piece.batches:
                        if not args.kind or batch.kind in args.kind:
                            sys.stdout.buffer.write(lines(batch))
                    for bad in piece.bad:
                        say(text("fault", args.lang, fault=bad))
                    faults += len(piece.bad)
            except BadInput as e:
                say(text("fault", args.lang, fault=e))
                faults += 1
    sys.stdout.buffer.flush()
    return 2 if faults else 0
