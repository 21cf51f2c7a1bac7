"""Reports that were handed over: whether they are as they were signed, and by which key."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from fengsui.cli.console import say
from fengsui.cli.text import text
from fengsui.config import Settings, load
from fengsui.errors import UsageError
from fengsui.signing import BadSignature, Signer, verify_bundle


def signing_key(settings: Settings) -> Path:
    """Where the key of this installation's signatures lies."""
    return settings.signing_key or settings.data / "keys" / "signing.pem"


def run(args: argparse.Namespace) -> int:
    """``verify``: 0 if the report is as it was signed (by the key that is given), 1 if not; ``key``: the public half of
    this installation's key."""
    if args.what == "key":
        print(Signer.of(signing_key(load(args.config, os.environ, {"data": args.data}))).public)
        return 0
    if args.file is None:
        raise UsageError(text("report.nofile", args.lang))
    try:
        content = args.file.read_bytes()
    except OSError as e:
        raise UsageError(f"{args.file}: {e.strerror}") from e
    try:
        said = verify_bundle(content, args.key or "")
    except BadSignature as e:
        say(text("report.bad", args.lang, file=args.file, reason=e))
        return 1
    if args.json:
        print(json.dumps(said, ensure_ascii=False, sort_keys=True))
        return 0
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(said["at"]))
    print(text("report.good", args.lang, file=args.file, when=when, public=said["key"], n=len(said["files"])))
    if not args.key:
        say(text("report.anybody", args.lang))
    return 0

