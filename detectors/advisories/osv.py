"""Advisories in the OSV form: who is affected by what, and from which event that follows.

The meaning of events is the specification's (OSV 1.7, "Evaluation"): a version is affected if it is listed, or if the
last event at or before it in a range's order is ``introduced``. Names are compared as their ecosystem compares them.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from detectors.advisories.versions import key
from fengsui.errors import BadInput

MOST = 16 << 20
"""Bytes of one advisory: what is larger is none."""
INTRODUCED, FIXED, LAST, LIMIT = "introduced", "fixed", "last_affected", "limit"
_DASHES = re.compile(r"[-_.]+")


@dataclass(frozen=True)
class Range:
    """Events in their order, each with the key of its version; ``b""`` is the beginning of everything."""

    events: tuple[tuple[bytes, str, str], ...]
    limits: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Package:
    """What of one package is affected. ``unordered``: events whose versions have no order here."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...]
    versions: frozenset[str]
    unordered: tuple[str, ...] = ()

    @cached_property
    def listed(self) -> dict[bytes, str]:
        """Listed versions by their key, for those that are written otherwise."""
        return {k: v for v in sorted(self.versions) if (k := key(self.ecosystem, v)) is not None}


@dataclass(frozen=True)
class Advisory:
    """``modified`` and ``withdrawn`` as the source writes them; ``severity``: its CVSS vectors and words."""

    id: str
    modified: str
    withdrawn: str
    aliases: tuple[str, ...]
    summary: str
    severity: tuple[str, ...]
    packages: tuple[Package, ...]
    source: str = ""
    malicious: bool = field(default=False)


@dataclass(frozen=True)
class Answer:
    """``status``: affected, not_affected or unordered; ``why``: a word of
    :data:`detectors.advisories.wording.REASONS`, said
    of version ``of``; ``fixed``: versions that are no more affected."""

    status: str
    why: str
    of: str = ""
    fixed: tuple[str, ...] = ()


def name_of(ecosystem: str, name: str) -> str:
    """A name as its ecosystem compares it."""
    kind = ecosystem.split(":", 1)[0]
    if kind == "PyPI":
        return _DASHES.sub("-", name).lower()
    return name.lower() if kind in ("NuGet", "Packagist", "crates.io", "Hex", "Pub") else name


def parse(raw: bytes, source: str = "") -> Advisory:
    """Raises BadInput for what is no advisory."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise BadInput(f"no JSON: {e}", place=source) from e
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        raise BadInput("no advisory: it has no id", place=source)
    packages = tuple(p for a in _list(said.get("affected")) if isinstance(a, dict) and (p := _package(a)) is not None)
    return Advisory(
        said["id"], str(said.get("modified") or ""), str(said.get("withdrawn") or ""), _texts(said.get("aliases")),
        str(said.get("summary") or said.get("details") or "")[:500], _severity(said), packages, source,
        said["id"].startswith("MAL-"),
    )  # fmt: skip


def _package(affected: dict[str, Any]) -> Package | None:
    package = affected.get("package")
    if not isinstance(package, dict) or not isinstance(package.get("ecosystem"),
                                                       str) or not isinstance(package.get("name"), str):
        return None  # of a commit of a repository: no package of anybody's
    ecosystem = package["ecosystem"]
    ranges, unordered = [], []
    for r in _list(affected.get("ranges")):
        if not isinstance(r, dict) or r.get("type") == "GIT":
            continue
        order = "SemVer" if r.get("type") == "SEMVER" else ecosystem
        events, limits = [], []
        for event in _list(r.get("events")):
            for kind, version in event.items() if isinstance(event, dict) else ():
                at = b"" if kind == INTRODUCED and version == "0" else _key(order, str(version))
                if kind == LIMIT:
                    if version != "*" and at is not None:
                        limits.append(at)
                elif at is None:
                    unordered.append(f"{kind} {version}")
                elif kind in (INTRODUCED, FIXED, LAST):
                    events.append((at, kind, str(version)))
        events.sort(key=lambda e: (e[0], e[1] != INTRODUCED))
        ranges.append(Range(tuple(events), tuple(limits)))
    name = name_of(ecosystem, package["name"])
    return Package(ecosystem, name, tuple(ranges), frozenset(_texts(affected.get("versions"))), tuple(unordered))


def _key(order: str, version: str) -> bytes | None:
    return key("npm" if order == "SemVer" else order, version)


def answer(package: Package, version: str) -> Answer:
    """Whether a version of this package is affected, and why."""
    if version in package.versions or version.removeprefix("v") in package.versions:
        return Answer("affected", "listed", version, _fixed(package, None))
    mine = key(package.ecosystem, version)
    if mine is None:
        return Answer("unordered", "no_order", version) if package.ranges else Answer("not_affected", "not_listed")
    if (same := package.listed.get(mine)) is not None:
        return Answer("affected", "listed_same", same, _fixed(package, mine))
    found = Answer("not_affected", "no_range" if package.ranges else "not_listed")
    for r in package.ranges:
        last = None
        for event in r.events:
            at, kind, _ = event
            if at < mine or (at == mine and kind != LAST):
                last = event
            elif at > mine:
                break
        if last is None or (r.limits and all(mine >= limit for limit in r.limits)):
            continue
        if last[1] == INTRODUCED:
            return Answer("affected", INTRODUCED, last[2], _fixed(package, mine))
        found = Answer("not_affected", last[1], last[2])
    return found


def _fixed(package: Package, mine: bytes | None) -> tuple[str, ...]:
    """Versions that fix it, in their order; those above ``mine`` where that is known."""
    found = {e[2]: e[0] for r in package.ranges for e in r.events if e[1] == FIXED and (mine is None or e[0] > mine)}
    return tuple(sorted(found, key=lambda v: found[v]))


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in _list(value) if isinstance(v, str))


def _severity(said: dict[str, Any]) -> tuple[str, ...]:
    vectors = [str(s.get("score")) for s in _list(said.get("severity")) if isinstance(s, dict) and s.get("score")]
    specific = said.get("database_specific")
    word = specific.get("severity") if isinstance(specific, dict) else None
    return (*vectors, *([str(word)] if isinstance(word, str) else []))


def read(path: Path) -> Iterator[Advisory]:
    """Every advisory of a ZIP as OSV publishes them, of a folder, or of a file. Raises BadInput naming the member."""
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield parse(file.read_bytes(), str(file))
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            for member in z.infolist():
                if member.filename.endswith(".json"):
                    if member.file_size > MOST:
                        raise BadInput(f"more than {MOST >> 20} MB", place=f"{path}!/{member.filename}")
                    yield parse(z.read(member), f"{path}!/{member.filename}")
    else:
        yield parse(path.read_bytes(), str(path))


class Book:
    """Advisories by package: who is asked for a package and a version answers with all that is known of it."""

    def __init__(self, advisories: Iterator[Advisory] | Sequence[Advisory]) -> None:
        self.ecosystems: set[str] = set()
        self.newest: dict[str, datetime] = {}
        """When an advisory of each ecosystem was last changed."""
        self.count = 0
        self._by: dict[tuple[str, str], list[tuple[Advisory, Package]]] = {}
        for a in advisories:
            self.count += 1
            changed = _moment(a.modified)
            for p in a.packages:
                self.ecosystems.add(p.ecosystem)
                if changed is not None:
                    self.newest[p.ecosystem] = max(changed, self.newest.get(p.ecosystem, changed))
                if not a.withdrawn:
                    self._by.setdefault((p.ecosystem, p.name), []).append((a, p))

    def of(self, ecosystem: str, name: str) -> list[tuple[Advisory, Package]]:
        """What is known of a package."""
        return self._by.get((ecosystem, name_of(ecosystem, name)), [])

    def ask(self, ecosystem: str, name: str, version: str) -> list[tuple[Advisory, Answer]]:
        """Every advisory on it with its answer; of one that names it more than once, the worst."""
        found: dict[str, tuple[Advisory, Answer]] = {}
        for a, p in self.of(ecosystem, name):
            said = answer(p, version)
            if a.id not in found or _worse(said, found[a.id][1]):
                found[a.id] = (a, said)
        return list(found.values())


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _worse(a: Answer, b: Answer) -> bool:
    order = ("not_affected", "unordered", "affected")
    return order.index(a.status) > order.index(b.status)
