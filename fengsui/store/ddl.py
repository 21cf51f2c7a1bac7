"""Tables from the declarations of ``fengsui.schema``; what a migration file must say."""

from __future__ import annotations

import re

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


def local(name: str) -> str:
    """The table of a node behind a cluster's distributed one."""
    return f"{name}_local"


_ENGINE = re.compile(r"\bENGINE = MergeTree\b(?: *\(\))?")
_CREATE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_ALTER = re.compile(r"ALTER TABLE (\w+)")
_SETTINGS = re.compile(r"\bSETTINGS\b")
SHARED = ("migration", "indicator")
"""Tables that are small and whole on every node: one path in the keeper for all shards."""


def on_cluster(statement: str, cluster: str) -> list[str]:
    """A statement of a migration as a cluster takes it.

    A table becomes a replicated one on each node, and (unless it is whole on every node) a distributed one under its
    name. Raises ValueError for a statement that has no such form: a migration must not do half of its work.
    """
    created, altered = _CREATE.match(statement), _ALTER.match(statement)
    if altered is not None:
        name = altered[1]
        rest = statement[altered.end() :]
        forms = [f"ALTER TABLE {name} ON CLUSTER '{cluster}'{rest}"]
        return forms if name in SHARED else [f"ALTER TABLE {local(name)} ON CLUSTER '{cluster}'{rest}", *forms]
    if created is None or len(_ENGINE.findall(statement)) != 1:
        raise ValueError(f"a migration for a cluster creates MergeTree tables or alters them: {statement[:60]!r}")
    name = created[1]
    whole = name in SHARED
    path = f"/clickhouse/tables/{'all' if whole else '{shard}'}/fengsui/{name}"
    replica = "{shard}-{replica}" if whole else "{replica}"
    mine = name if whole else local(name)
    made = _CREATE.sub(f"CREATE TABLE IF NOT EXISTS {mine} ON CLUSTER '{cluster}'", statement, count=1)
    made = _ENGINE.sub(f"ENGINE = ReplicatedMergeTree('{path}', '{replica}')", made)
    made = made.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
    if "replicated_deduplication_window" in made:
        made = _SETTINGS.sub("SETTINGS replicated_deduplication_window_seconds = 86400,", made, count=1)
    if whole:
        return [made]
    over = f"Distributed('{cluster}', currentDatabase(), '{mine}')"
    return [made, f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER '{cluster}' AS {mine} ENGINE = {over}"]


def columns_of(kind: Kind) -> dict[str, str]:
    """Column names and types that the table of a kind must have."""
    return {c.name: c.clickhouse for c in kind.stored}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
