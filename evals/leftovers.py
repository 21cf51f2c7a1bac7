"""What a package tells without a line of its code being read: what build tools and registries leave in it, how many
files it has and how large they are. Rows of ``evals.scan`` that ours must beat: a scanner that is no better has learned
when and how packages were built.
"""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from detectors.software.facts import Facts
from evals.packages import Package

MEMBERS = 3_000
LEAST = 8
_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error, struct.error,
               IndexError)  # fmt: skip
_METADATA = ("PKG-INFO", "METADATA", "WHEEL")
Rows = Sequence[Mapping[str, float]]


class Known(msgspec.Struct):
    """A package of the train side."""

    malicious: bool
    left: dict[str, float]
    sizes: dict[str, float]


@cache
def read(package: Package) -> dict[str, float]:
    """Leftovers by name: words as 1, and the year of the newest member."""
    with package.open() as f:
        try:
            words, times = _zip(f) if zipfile.is_zipfile(f) else _tar(f)
        except _UNREADABLE as e:
            words, times = [f"damaged {type(e).__name__}"], []
    years = [datetime.fromtimestamp(t, UTC).year for t in times if 0 < t < 2**33]
    return dict.fromkeys(words, 1.0) | {"year": float(max(years, default=0))}


def newest(package: Package) -> float:
    """The year of a package's newest member; 0 if it has no time."""
    return read(package)["year"]


def sizes(facts: Facts) -> dict[str, float]:
    inner = [f.size for f in facts.files if f.depth]
    return {"files": float(len(inner)), "bytes": float(sum(inner)), "whole": float(facts.size)}


def _tar(f: BinaryIO) -> tuple[list[str], list[float]]:
    f.seek(0)
    head = f.read(10)
    words = [f"gzip {head[:2].hex()} flags {head[3]} xfl {head[8]} os {head[9]}", f"gzip time {head[4:8] != bytes(4)}"]
    f.seek(0)
    times: list[float] = []
    with tarfile.open(fileobj=f) as t:
        for n, member in enumerate(t):
            if n >= MEMBERS:
                break
            times.append(float(member.mtime))
            if n < 5:
                words += [f"owner {member.uname}", f"group {member.gname}", f"ids {member.uid} {member.gid}",
                          f"mode {member.mode:o}", f"pax {sorted(member.pax_headers)}"]  # fmt: skip
            if member.isfile() and member.name.rsplit("/", 1)[-1] in _METADATA:
                body = t.extractfile(member)
                words += _metadata(body.read(1 << 16)) if body is not None else []
    return words, times


def _zip(f: BinaryIO) -> tuple[list[str], list[float]]:
    words: list[str] = []
    times: list[float] = []
    with zipfile.ZipFile(f) as z:
        for n, info in enumerate(z.infolist()[:MEMBERS]):
            if 1980 < info.date_time[0] < 2100:
                times.append(datetime(info.date_time[0], 6, 1, tzinfo=UTC).timestamp())
            if n < 5:
                words += [f"system {info.create_system} {info.create_version} {info.extract_version}",
                          f"attributes {info.external_attr >> 16:o}", f"flags {info.flag_bits}"]  # fmt: skip
            if info.filename.rsplit("/", 1)[-1] in _METADATA and info.file_size < 1 << 20:
                words += _metadata(z.read(info)[: 1 << 16])
    return words, times


def _metadata(text: bytes) -> Iterator[str]:
    for line in text.decode("utf-8", "replace").split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        if key in ("Metadata-Version", "Generator", "Wheel-Version", "Tag"):
            yield f"{key} {value.strip()}"
        elif key and not key.startswith(" "):
            yield f"{key} {'UNKNOWN' if value.strip() == 'UNKNOWN' else 'given'}"


class Leftovers:
    """Three models that read no code, trained on what ``evals.train`` kept."""

    def __init__(self, folder: Path) -> None:
        self.facts = [msgspec.json.decode(p.read_bytes(), type=Facts) for p in sorted(folder.glob("*/*.json"))]
        self._known = msgspec.json.decode((folder / "leftovers.json").read_bytes(), type=list[Known])

    def rows(self) -> dict[str, Callable[[Any], float]]:
        """By name: the score of a judged package."""
        y = np.array([k.malicious for k in self._known])
        left, size = [k.left for k in self._known], [k.sizes for k in self._known]
        both = [a | b for a, b in zip(left, size, strict=True)]
        return {
            "no code: leftovers": _trained(left, y, lambda j: read(j.package)),
            "no code: files, sizes": _trained(size, y, lambda j: sizes(j.facts)),
            "no code: both": _trained(both, y, lambda j: read(j.package) | sizes(j.facts)),
        }


def _trained(rows: Rows, y: np.ndarray, of: Callable[[Any], Mapping[str, float]]) -> Callable[[Any], float]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    counts = Counter(name for r in rows for name in r)
    names = sorted(n for n, count in counts.items() if count >= LEAST)
    table = np.array([[r.get(n, 0.0) for n in names] for r in rows])
    model = HistGradientBoostingClassifier(max_iter=150, random_state=1).fit(table, y)

    def score(judged: Any) -> float:
        mine = of(judged)
        return float(model.decision_function(np.array([[mine.get(n, 0.0) for n in names]]))[0])

    return score
