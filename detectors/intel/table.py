"""Indicators in the store: the rows of table.sql, and which lists there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from detectors.base import Query
from detectors.intel.parse import Indicator

TABLE = "indicator"


@dataclass(frozen=True)
class IndicatorList:
    """The version of a list that counts. ``prefixes`` are the lengths of its networks among IPv6 addresses."""

    name: str
    version: int
    domains: int
    networks: int
    prefixes: tuple[int, ...]


def rows(name: str, version: int, indicators: Sequence[Indicator], loaded_at: int) -> pa.Table:
    """Rows to load into the table; ``loaded_at`` in microseconds."""
    n = len(indicators)
    return pa.table({
        "list": pa.repeat(pa.scalar(name), n),
        "version": pa.repeat(pa.scalar(version, pa.uint64()), n),
        "type": pa.array([i.type for i in indicators], pa.string()),
        "low": pa.array([i.low for i in indicators], pa.binary(16)),
        "prefix": pa.array([i.prefix for i in indicators], pa.uint8()),
        "value": pa.array([i.value for i in indicators], pa.string()),
        "line": pa.array([i.line for i in indicators], pa.uint32()),
        "loaded_at": pa.repeat(pa.scalar(loaded_at, pa.timestamp("us", tz="UTC")), n),
    })  # fmt: skip


_LISTS = f"""SELECT list, version, countIf(type = 'domain') AS domains, countIf(type = 'network') AS networks,
arraySort(groupUniqArrayIf(prefix, type = 'network')) AS prefixes
FROM {TABLE} GROUP BY list, version ORDER BY list, version DESC LIMIT 1 BY list"""  # noqa: S608 a constant


def lists(query: Query) -> list[IndicatorList]:
    """The lists in the store, by name."""
    return [
        IndicatorList(r["list"], r["version"], r["domains"], r["networks"], tuple(r["prefixes"]))
        for r in query(_LISTS, {}).to_pylist()
    ]
