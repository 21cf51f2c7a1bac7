"""``fengsui sbom``: what a folder, an archive or a list is made of, as CycloneDX."""

from __future__ import annotations

import argparse
import json

from detectors.advisories.wording import ELEMENTS, word
from detectors.sbom import make, write
from detectors.sbom.read import read
from fengsui.cli.console import progress, say
from fengsui.cli.text import text
from fengsui.errors import BadInput, UsageError


def run(args: argparse.Namespace) -> int:
    """0 with all lists read; 2 if one could not be, or none was found."""
    if not args.path.exists():
        raise UsageError(f"{args.path}: there is no such file")
    try:
        if args.convert:
            document = read(args.path.read_bytes(), str(args.path))
        else:
            with progress(text("sbom.looking", args.lang)) as report:
                document = make.of(args.path, lambda n, total, _: report(n, total, text("scan.files", args.lang)))
    except BadInput as e:
        say(str(e))
        return 3
    said = json.dumps(write.FORMS[args.form](document), ensure_ascii=False, indent=1) + "\n"
    if args.out is None:
        print(said, end="")
    else:
        args.out.write_text(said, encoding="utf-8")
    for odd in document.odd:
        say(odd)
    say(text("sbom.found", args.lang, n=len(document.components)))
    if gaps := {k: n for k, n in write.lacks(document).items() if n}:
        told = ", ".join(f"{word(ELEMENTS, k, args.lang)} {n}" for k, n in gaps.items())
        say(text("sbom.lacks", args.lang, gaps=told))
    return 2 if document.odd or not document.components else 0
