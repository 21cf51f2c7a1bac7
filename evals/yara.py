"""YARA as we call it beside the bare engine and beside YARA-X, over the same files with the same rules.

``python -m evals.yara DIR [--rules DIR] [--most BYTES] [--rounds N]``. Files below DIR are read into memory first.
Each engine
goes over all of them in turn, ROUNDS times; the best round counts. Prints megabytes a second, the ratio to the bare
engine,
matches, and what a process of its own needs to load the rules. YARA-X is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yara

from detectors.batch.yara_rules import YaraSet, read_folder
from detectors.catalogue import rules_folder

SECONDS = 10
_LOAD = {
    "yara": "import yara; r = yara.compile(sources=s, includes=False)",
    "yara-x": "import yara_x\nc = yara_x.Compiler()\nfor t in s.values(): c.add_source(t)\nr = c.build()",
}


def files(folder: Path, most: int) -> list[bytes]:
    """Contents, ``most`` bytes together."""
    out, left = [], most
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and 0 < (size := path.stat().st_size) <= left:
            out.append(path.read_bytes())
            left -= size
    if not out:
        raise SystemExit(f"{folder}: no files")
    return out


def timed(scan: Callable[[bytes], int], contents: Sequence[bytes], rounds: int) -> tuple[float, int]:
    """Seconds of the best round, and matches."""
    best, matches = float("inf"), 0
    for _ in range(rounds):
        began = time.perf_counter()
        matches = sum(scan(c) for c in contents)
        best = min(best, time.perf_counter() - began)
    return best, matches


def loaded(engine: str, sources: dict[str, str]) -> dict[str, float]:
    """Seconds and megabytes of a process that loads the rules and does nothing else."""
    code = f"""import json, sys, time
s = json.load(sys.stdin)
began = time.perf_counter()
{_LOAD[engine]}
taken = time.perf_counter() - began
held = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(json.dumps({{"seconds": taken, "MB": int(held.split()[1]) / 1024}}))"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=json.dumps(sources), capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--most", type=int, default=300_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    contents = files(options.folder, options.most)
    size = sum(map(len, contents))
    read = read_folder((rules_folder(options.rules)) / "yara")
    sources = {s.name: s.text for s in read}
    ours = YaraSet(read)
    bare = yara.compile(sources=sources, includes=False)
    engines: dict[str, Callable[[bytes], int]] = {
        "yara-python": lambda c: len(bare.match(data=c, timeout=SECONDS)),
        "ours": lambda c: len(ours.scan(c, 2 * SECONDS, time.monotonic).matches),
    }
    try:
        import yara_x
    except ImportError:
        print("yara_x is not installed: left out", file=sys.stderr)
    else:
        compiler = yara_x.Compiler()
        for name, text in sources.items():
            compiler.new_namespace(name)
            compiler.add_source(text)
        scanner = yara_x.Scanner(compiler.build())
        scanner.set_timeout(SECONDS)
        engines["yara-x"] = lambda c: len(scanner.scan(c).matching_rules)
    print(f"{len(contents):,} files, {size / 1e6:,.0f} MB, {len(ours.rules)} rules")
    base = 0.0
    for name, scan in engines.items():
        seconds, matches = timed(scan, contents, options.rounds)
        base = base or seconds
        load = loaded("yara-x" if name == "yara-x" else "yara", sources) if name != "ours" else {}
        told = f", loads in {load['seconds']:.2f} s and {load['MB']:.0f} MB" if load else ""
        print(f"{name:12} {size / seconds / 1e6:8.0f} MB/s  {base / seconds:5.2f} of the bare engine  {matches} "
              f"matches{told}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
