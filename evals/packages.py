"""Known packages, malicious or benign: where they lie, which of them are looked at, and their facts."""

from __future__ import annotations

import hashlib
import os
import queue
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from detectors.software.budget import PROFILES
from detectors.software.facts import Facts
from detectors.software.worker import Scanner

SIDES = {"train": "012345678", "test": "9ab", "rest": "9abcdef", "all": "0123456789abcdef"}
"""By the first hexadecimal digit of the SHA-256 of a package's name in lower case. ``c`` to ``f`` of the collection
that the model was trained on are for a blind test; of a folder of one's own they are on the test side."""
BATCH = 200
_NAME = re.compile(r"^(.+?)-\d")


@dataclass(frozen=True)
class Package:
    """``place`` is a path, or an object of a git repository."""

    name: str
    file: str
    place: str
    repository: str = ""

    def open(self) -> BinaryIO:
        if not self.repository:
            return Path(self.place).open("rb")
        out = tempfile.TemporaryFile()  # noqa: SIM115 without a name, and closed by who asked for it
        command = ["git", "-C", self.repository, "cat-file", "blob", self.place]
        subprocess.run(command, stdout=out, check=True)
        out.seek(0)
        return out

    @property
    def digit(self) -> str:
        return hashlib.sha256(self.name.lower().encode()).hexdigest()[0]


@dataclass(frozen=True)
class Result:
    package: Package
    facts: Facts
    seconds: float


def packages(folder: Path, side: str) -> list[Package]:
    """Of a side, in the order of their names. Raises SystemExit if there are none: no table is made of nothing."""
    repository = (folder / "objects").is_dir()
    if repository and side == "all":
        raise SystemExit(f"{folder}: part of this collection is for a blind test; name a side")
    found = _of_git(folder) if repository else _of_folder(folder)
    digits = SIDES["test" if repository else "rest"] if side == "test" else SIDES[side]
    mine = sorted((p for p in found if p.digit in digits), key=lambda p: (p.name, p.file))
    if not mine:
        raise SystemExit(f"{folder}: no packages")
    return mine


def _of_folder(folder: Path) -> Iterator[Package]:
    for path in folder.rglob("*"):
        if path.is_file():
            found = _NAME.match(path.name)
            yield Package(found[1].replace("_", "-") if found else path.name, path.name, str(path))


def _of_git(folder: Path) -> Iterator[Package]:
    listed = subprocess.run(["git", "-C", str(folder), "ls-tree", "-r", "-z", "HEAD"], capture_output=True, check=True)
    found = []
    for line in listed.stdout.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = line.partition("\t")
        parts = path.split("/")
        if len(parts) == 3:
            found.append(Package(parts[0], parts[2], head.split()[2], str(folder)))
    here = _held(folder, [p.place for p in found])
    if len(here) < len(found):
        print(f"{folder}: {len(found) - len(here)} of {len(found)} files are listed and not held", file=sys.stderr)
    yield from (p for p in found if p.place in here)


def _held(folder: Path, objects: Sequence[str]) -> set[str]:
    """A snapshot may list files that it does not hold: those that it does."""
    command = ["git", "-C", str(folder), "cat-file", "--batch-check=%(objectname) %(objecttype)"]
    asked = subprocess.run(command, input="\n".join(objects), capture_output=True, check=True, text=True,
                           env=os.environ | {"GIT_NO_LAZY_FETCH": "1"})  # fmt: skip
    return {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" blob")}


def chosen(found: Sequence[Package], most: int, seed: int = 1) -> list[Package]:
    """At most so many, by a seed; of a repository one of each name, for many hold one thing in dozens of versions."""
    once = list({p.name.lower() if p.repository else p.place: p for p in found}.values())
    random.Random(seed).shuffle(once)
    return once[:most] if most else once


def scan(found: Sequence[Package], rules: Path, jobs: int) -> list[Result]:
    todo: queue.SimpleQueue[Package | None] = queue.SimpleQueue()
    out: list[Result] = []
    faults: list[BaseException] = []
    for p in [*found, *[None] * jobs]:
        todo.put(p)
    scanners = [Scanner(rules) for _ in range(jobs)]
    for s in scanners:
        s.start()

    def work(scanner: Scanner) -> None:
        while (p := todo.get()) is not None:
            try:
                with p.open() as f:
                    began = time.perf_counter()
                    facts = scanner.scan(f, p.file, PROFILES["package"])
                out.append(Result(p, facts, time.perf_counter() - began))
            except (OSError, subprocess.CalledProcessError) as e:
                faults.append(e)

    threads = [threading.Thread(target=work, args=(s,)) for s in scanners]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for s in scanners:
        s.close()
    if faults:
        raise SystemExit(f"{len(faults)} packages could not be read, the first: {faults[0]}")
    return out


def results(found: Sequence[Package], rules: Path, jobs: int, keep: Path | None = None) -> list[Result]:
    """Facts of packages in their order, with the seconds that each took; kept in a folder if one is given, so that a
    second run does not scan again. Of what is kept the seconds are those of the worker."""
    if keep is None:
        return sorted(scan(found, rules, jobs), key=lambda r: found.index(r.package))
    keep.mkdir(parents=True, exist_ok=True)
    paths = {p: keep / f"{p.name.lower()}--{p.file}.json".replace("/", "_") for p in found}
    missing = [p for p in found if not paths[p].exists()]
    for i in range(0, len(missing), BATCH):
        for r in scan(missing[i : i + BATCH], rules, jobs):
            paths[r.package].write_bytes(msgspec.json.encode(r.facts))
        print(f"scanned {min(i + BATCH, len(missing)):,} of {len(missing):,}", flush=True)
    facts = {p: msgspec.json.decode(paths[p].read_bytes(), type=Facts) for p in found}
    return [Result(p, f, f.seconds) for p, f in facts.items()]
