"""Indicators in the store: the rows of table.sql, and lists from files to the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pyarrow as pa

from detectors.base import Query
from detectors.intel.parse import DOMAIN, NETWORK, Indicator, Parsed, parse
from fengsui.errors import BadSetting

TABLE = "indicator"
_ROWS = 200_000  # in one block


@dataclass(frozen=True)
class IndicatorList:
    """One version of a list. ``prefixes`` are the lengths of its networks among IPv6 addresses."""

    name: str
    version: int
    domains: int
    networks: int
    prefixes: tuple[int, ...]


@dataclass(frozen=True)
class IndicatorFile:
    """A list as read from its file; ``parsed`` also has the lines that were not taken, and why."""

    path: Path
    listed: IndicatorList
    parsed: Parsed


def ddl() -> str:
    """The statement that makes the table."""
    return (resources.files(__package__) / "table.sql").read_text(encoding="utf-8")


def read(path: Path) -> IndicatorFile:
    """Read a list: its name is the file's, its version a digest of the content. Raises BadSetting if it cannot."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise BadSetting(f"{path}: {e.strerror}") from e
    parsed = parse(raw.decode("utf-8", errors="replace").splitlines())
    version = int.from_bytes(hashlib.sha256(raw).digest()[:7])
    return IndicatorFile(path, described(path.stem, version, parsed.indicators), parsed)


def described(name: str, version: int, indicators: Iterable[Indicator]) -> IndicatorList:
    types = {DOMAIN: 0, NETWORK: 0}
    prefixes = set()
    for i in indicators:
        types[i.type] += 1
        if i.type == NETWORK:
            prefixes.add(i.prefix)
    return IndicatorList(name, version, types[DOMAIN], types[NETWORK], tuple(sorted(prefixes)))


def rows(listed: IndicatorList, indicators: Sequence[Indicator], loaded_at: int) -> pa.Table:
    """Rows to load into the table; ``loaded_at`` in microseconds."""
    n = len(indicators)
    return pa.table({
        "list": pa.repeat(pa.scalar(listed.name), n),
        "version": pa.repeat(pa.scalar(listed.version, pa.uint64()), n),
        "type": pa.array([i.type for i in indicators], pa.string()),
        "low": pa.array([i.low for i in indicators], pa.binary(16)),
        "prefix": pa.array([i.prefix for i in indicators], pa.uint8()),
        "value": pa.array([i.value for i in indicators], pa.string()),
        "line": pa.array([i.line for i in indicators], pa.uint32()),
        "loaded_at": pa.repeat(pa.scalar(loaded_at, pa.timestamp("us", tz="UTC")), n),
    })  # fmt: skip


_COUNT = f"SELECT count() AS n FROM {TABLE} WHERE list = {{list:String}} AND version = {{version:UInt64}}"  # noqa: S608


def load(files: Iterable[IndicatorFile], query: Query, put: Callable[[str, pa.Table], None], loaded_at: int) -> None:
    """Put the lists that the store lacks into it, by ``put(table, rows)``. A list there in part is put again: a row
    that stands twice matches once.
    """
    for f in files:
        indicators = f.parsed.indicators
        there = query(_COUNT, {"list": f.listed.name, "version": f.listed.version}).column("n")[0].as_py()
        if there < len(indicators):
            for start in range(0, len(indicators), _ROWS):
                put(TABLE, rows(f.listed, indicators[start : start + _ROWS], loaded_at))
