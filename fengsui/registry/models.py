"""Tables of the registry: what people own and change in transactions. Times are microseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, SmallInteger, String, Table, Text

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

# SQLite numbers rows by itself only in an INTEGER primary key.
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

fold_position = Table(
    "fold_position", metadata,
    Column("topic", String(200), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next", BigInteger, nullable=False),
)  # fmt: skip

# One row a hunt's window: which version of its result the findings below belong to. Empty results have a row too.
result = Table(
    "result", metadata,
    Column("rule", String(200), primary_key=True),
    Column("org", String(200), primary_key=True),
    Column("network", String(200), primary_key=True),
    Column("window_start", BigInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("rule_version", String(200), nullable=False),
)  # fmt: skip

# The findings that hold today: those of the newest results, and the added ones. The store keeps the history.
finding = Table(
    "finding", metadata,
    Column("finding_id", String(32), primary_key=True),
    Column("alert_id", String(32), nullable=False, index=True),
    Column("form", String(10), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("detector", String(200), nullable=False),
    Column("org", String(200), nullable=False),
    Column("network", String(200), nullable=False),
    Column("window_start", BigInteger),
    Column("origin", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_finding_result", "rule", "org", "network", "window_start"),
    Index("ix_finding_origin", "detector", "org", "network", "origin"),
)  # fmt: skip

alert = Table(
    "alert", metadata,
    Column("id", String(32), primary_key=True),
    Column("org", String(200), nullable=False),
    Column("network", String(200), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("subject", String(1024), nullable=False),
    Column("related", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("confidence", SmallInteger, nullable=False),
    Column("queued", Boolean, nullable=False),
    Column("category", String(64), nullable=False),
    Column("domain", String(32), nullable=False),
    Column("techniques", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("assignee", String(200), nullable=False),
    Column("touched", Boolean, nullable=False),
    Column("changed_seq", BigInteger, nullable=False),
    Index("ix_alert_queue", "queued", "state", "severity", "last_seen"),
    Index("ix_alert_org", "org", "last_seen"),
)  # fmt: skip

# What happened to alerts, in the order of seq; never overwritten. The relay sends it to the bus in this order.
activity = Table(
    "activity", metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("org", String(200), nullable=False),
    Column("alert_id", String(32), nullable=False, index=True),
    Column("actor", String(200), nullable=False),
    Column("act", String(40), nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip
