"""``fengsui bench``: the speed table, from the programs under ``evals/`` (a source checkout has them)."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys

from fengsui.errors import UsageError


def run(args: argparse.Namespace) -> int:
    """Runs each measuring program in a process of its own; the first exit code that is not 0."""
    if importlib.util.find_spec("evals") is None:
        raise UsageError("the measuring programs are in the source repository, not in the installed package")
    more = ["--json"] if args.json else []
    worst = 0
    for program in (["evals.bench_network", "--packets", str(args.packets)], ["evals.bench_sink"]):
        worst = worst or subprocess.run([sys.executable, "-m", *program, *more], check=False).returncode  # noqa: S603 ours
    return worst
