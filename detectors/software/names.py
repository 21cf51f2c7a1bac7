"""Names that are taken for another: how near a package's name is to one that everybody knows.

Kinds, the surest first: *confusable* (letters that look alike), *separator* (the same letters, divided differently),
*repeated* (a letter twice), *swapped* (two neighbours), *key* (a neighbouring key), *typo* (one letter more, less or
another), *scope* (a popular name under a scope of somebody else).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEAST = 5
"""Letters of a name: shorter ones are all near each other."""
KNOWN = 2_000
"""Of the list: nobody counts on a name far down being taken for another."""
WEIGHTS = {"confusable": 2.5, "separator": 1.5, "repeated": 2.0, "swapped": 2.0, "key": 2.0, "typo": 1.2, "scope": 0.5}
_LOOKS = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "2": "z", "8": "b", "q": "g"})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_SEPARATORS = re.compile(r"[-_.]+")
_ROWS = ("1234567890-", "qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Near:
    """``rank``: the place of the name in the list of popular ones, from 1."""

    kind: str
    name: str
    rank: int


def plain(name: str) -> str:
    """As registries compare names: lower case, one sort of separator."""
    return _SEPARATORS.sub("-", unicodedata.normalize("NFKC", name)).lower()


def skeleton(name: str) -> str:
    """What a name looks like: accents off, letters that look alike made one."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    seen = bare.lower().translate(_LOOKS)
    for pair, one in _PAIRS:
        seen = seen.replace(pair, one)
    return seen


class Names:
    """The popular names of one registry, the most popular first."""

    def __init__(self, names: list[str]) -> None:
        self._rank = {n: i for i, n in enumerate(names, 1)}
        known = [n for n in names[:KNOWN] if len(n.rpartition("/")[2]) >= LEAST]
        self._skeletons: dict[str, str] = {}
        self._joined: dict[str, str] = {}
        self._shorter: dict[str, list[str]] = {}
        for n in reversed(known):  # the most popular stay
            self._skeletons[skeleton(n)] = n
            self._joined[n.replace("-", "")] = n
        for n in known:
            for d in _without_one(n):
                self._shorter.setdefault(d, []).append(n)

    def rank(self, name: str) -> float:
        """The place of a name, from 1; infinite for one that is not listed."""
        return self._rank.get(plain(name), math.inf)

    def near(self, name: str) -> Near | None:
        """What a name is near to; None for a popular one itself, and for what is near to none."""
        mine = plain(name)
        if mine in self._rank or not mine:
            return None
        scope, _, last = mine.rpartition("/")
        if scope and last in self._rank and self._rank[last] <= KNOWN and len(last) >= LEAST:
            return Near("scope", last, self._rank[last])
        if len(mine) < LEAST or scope:
            return None
        found = self._skeletons.get(skeleton(name))
        if found is not None:
            return Near("confusable", found, self._rank[found])
        found = self._joined.get(mine.replace("-", ""))
        if found is not None:
            return Near("separator", found, self._rank[found])
        return self._one_away(mine)

    def _one_away(self, name: str) -> Near | None:
        near: set[str] = set(self._shorter.get(name, ()))
        for d in _without_one(name):
            if d in self._rank and self._rank[d] <= KNOWN and len(d) >= LEAST:
                near.add(d)
            near.update(self._shorter.get(d, ()))
        kinds = [(k, n) for n in near if (k := how(name, n))]
        order = list(WEIGHTS)
        best = min(kinds, key=lambda x: (order.index(x[0]), self._rank[x[1]]), default=None)
        return None if best is None else Near(*best, self._rank[best[1]])


def _without_one(name: str) -> Iterator[str]:
    return (name[:i] + name[i + 1 :] for i in range(len(name)))


def how(name: str, other: str) -> str:
    """In which way two names are one step apart; "" if they are more."""
    at = next((i for i, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), min(len(name), len(other)))
    if len(name) == len(other):
        if name[at + 1 :] == other[at + 1 :]:
            return "key" if other[at] in _neighbours().get(name[at], "") else "typo"
        swapped = name[at : at + 2] == other[at : at + 2][::-1] and name[at + 2 :] == other[at + 2 :]
        return "swapped" if swapped else ""
    longer, shorter = (name, other) if len(name) > len(other) else (other, name)
    if len(longer) - len(shorter) != 1 or longer[at + 1 :] != shorter[at:]:
        return ""
    return "repeated" if longer is name and at and longer[at] == longer[at - 1] else "typo"


@cache
def _neighbours() -> dict[str, str]:
    out: dict[str, str] = {}
    for y, row in enumerate(_ROWS):
        for x, key in enumerate(row):
            beside = row[max(0, x - 1) : x + 2]
            beside += "".join(_ROWS[z][max(0, x - 1) : x + 2] for z in (y - 1, y + 1) if 0 <= z < len(_ROWS))
            out[key] = beside.replace(key, "")
    return out


def read(path: Path) -> Names:
    """A file of one name a line; lines that begin with # are about it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return Names([plain(line) for line in lines if line and not line.startswith("#")])


@cache
def read_all(folder: Path) -> dict[str, Names]:
    """By ecosystem: every list of a folder."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.txt"))}
