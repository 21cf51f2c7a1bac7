"""Tables from the declarations of ``fengsui.schema``; what a migration file must say."""

from __future__ import annotations

from fengsui.schema import KINDS, Kind

WINDOW = 10_000
"""Blocks whose tokens a table remembers. Older repeats are caught by asking the store (``Store.offsets``)."""
WIDE = 100_000_000
"""Bytes from which a part has a file for each column. A message's part has one: synced once, not forty times, which
halves the time of an insert (measured); merges make wide parts of many."""


def table(kind: Kind) -> str:
    """CREATE TABLE of a kind: kept by the day of ``read_at``, sorted for reading by organisation and event time."""
    columns = ",\n".join(f"    `{c.name}` {c.clickhouse} COMMENT '{_quoted(c.doc)}'" for c in kind.stored)
    return f"""CREATE TABLE IF NOT EXISTS {kind.name} (
{columns},
    INDEX by_offset `offset` TYPE minmax GRANULARITY 1,
    INDEX by_ts ts TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(read_at)
ORDER BY (org, network, ts)
SETTINGS non_replicated_deduplication_window = {WINDOW}, fsync_after_insert = 1, fsync_part_directory = 1,
    min_bytes_for_wide_part = {WIDE}"""


def initial() -> str:
    """All tables as they are declared today."""
    return ";\n\n".join(table(k) for k in KINDS.values()) + ";\n"


def columns_of(kind: Kind) -> dict[str, str]:
    """Column names and types that the table of a kind must have."""
    return {c.name: c.clickhouse for c in kind.stored}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
