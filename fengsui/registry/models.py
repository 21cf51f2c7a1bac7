"""Tables of the registry: what people own and change in transactions. Times are microseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s",
                                       "uq": "uq_%(table_name)s_%(column_0_N_name)s"})

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

_FILTERED = ("state", "severity", "org", "rule", "domain", "assignee", "network")

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
    # A page of the queue is read along one of these (api/alert_query.py): in order, and what filters ask for stands in
    # the index too, so that no row is read that is not shown.
    Index("ix_alert_queue", "queued", "severity", "last_seen", "id", *_FILTERED[:1], *_FILTERED[2:]),
    Index("ix_alert_last_seen", "queued", "last_seen", "id", *_FILTERED),
    Index("ix_alert_first_seen", "queued", "first_seen", "id", *_FILTERED),
    Index("ix_alert_count", "queued", "count", "id", *_FILTERED),
    Index("ix_alert_org", "org", "last_seen"),
    Index("ix_alert_network", "network", "queued", "severity", "last_seen", "id"),
    Index("ix_alert_subject", "queued", "subject", "state", "severity"),
    # What is counted by facet, in the order in which it is grouped: no row is read, nothing is sorted.
    Index("ix_alert_facets", "queued", "org", "rule", "state", "severity", "domain"),
)  # fmt: skip

# What happened to alerts, warnings and the situation (``object`` says which), in the order of seq; never overwritten.
# The live stream resumes by seq, and the relay sends it to the bus in this order.
activity = Table(
    "activity", metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("org", String(200), nullable=False),
    Column("object", String(20), nullable=False),
    Column("object_id", String(200), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("act", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_activity_object", "object_id", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip

# Who is watched. An organisation that is not here has alerts, but no name, no city and no place in the index.
organisation = Table(
    "organisation", metadata,
    Column("id", String(200), primary_key=True),
    Column("zh", String(200), nullable=False),
    Column("en", String(200), nullable=False),
    Column("city", String(40), nullable=False),
    Column("sector", String(40), nullable=False),
    Column("size", String(20), nullable=False),
    Column("protection_level", SmallInteger, nullable=False),
    Column("critical", Boolean, nullable=False),
)  # fmt: skip

# Hours of event time for which rows of an organisation became visible: what coverage is counted from.
presence = Table(
    "presence", metadata,
    Column("org", String(200), primary_key=True),
    Column("hour", BigInteger, primary_key=True),
)  # fmt: skip

# Files that somebody handed in to be analysed; ``body`` is the JSON of what became of each.
analysis = Table(
    "analysis", metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("org", String(200), nullable=False),
    Column("network", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("body", Text, nullable=False),
)  # fmt: skip

# The index of an organisation, city or the province at a full hour, or (``at`` as it was asked) now, with what it is
# made of. ``index`` is null where there is too little data; ``at_least`` is then what is known all the same.
situation = Table(
    "situation", metadata,
    Column("scope", String(20), primary_key=True),
    Column("scope_id", String(200), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("index", Float),
    Column("at_least", Float),
    Column("band", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("weights", String(40), nullable=False),
    Column("computed_at", BigInteger, nullable=False),
    Index("ix_situation_at", "at"),
)  # fmt: skip

# How far the assessment has read the activity: one row, its fence.
assessment = Table(
    "assessment", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)  # fmt: skip

# Warnings (预警). ``key`` is what it was drafted for: one draft a key. ``body``: basis, matrix and notice.
warning = Table(
    "warning", metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(500), nullable=False, unique=True),
    Column("trigger", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("level", String(20), nullable=False),
    Column("subject", String(1024), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("issued_at", BigInteger),
    Column("changed_seq", BigInteger, nullable=False),
)  # fmt: skip

# What could not be read, whole: in ``raw``, or in the blob store under ``sha256``. ``topic`` and ``headers`` are those
# of a message of the bus; what a collector could not read has none.
dead_letter = Table(
    "dead_letter", metadata,
    Column("id", String(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("org", String(200), nullable=False),
    Column("network", String(200), nullable=False),
    Column("origin", String(128), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("headers", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("decided_at", BigInteger),
    Index("ix_dead_letter_queue", "state", "at", "id"),
    Index("ix_dead_letter_at", "at", "id"),
)  # fmt: skip

# Software that somebody handed in to be scanned. Its content lies in the blob store of its organisation under
# ``sha256``, what is known of it under ``facts``. A deleted one stays as a tombstone: its hash, when, by whom.
submission = Table(
    "submission", metadata,
    Column("id", String(32), primary_key=True),
    Column("org", String(200), nullable=False),
    Column("name", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("profile", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("probability", Float),
    Column("facts", String(64), nullable=False),
    Column("analysis", String(32), nullable=False),
    Column("problem", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("package", String(200), nullable=False, server_default=""),
    Index("ix_submission_list", "org", "created_at", "id"),
    Index("ix_submission_package", "org", "package", "created_at"),
    Index("ix_submission_sha256", "sha256"),
)  # fmt: skip

# What is to be scanned. Whoever takes a job has it until ``lease_until``; a job that is done is no longer here.
scan_job = Table(
    "scan_job", metadata,
    Column("submission", String(32), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("secrets", Text, nullable=False),
    Column("lease_by", String(200), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Index("ix_scan_job_next", "lane", "created_at"),
)  # fmt: skip

# Facts of content that an organisation handed in, by the analysis that found them: never computed twice.
scan_facts = Table(
    "scan_facts", metadata,
    Column("org", String(200), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("analysis", String(32), primary_key=True),
    Column("profile", String(20), primary_key=True),
    Column("facts", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)  # fmt: skip

# Who disagrees with a verdict, and what came of it.
appeal = Table(
    "appeal", metadata,
    Column("id", String(32), primary_key=True),
    Column("submission", String(32), nullable=False, index=True),
    Column("org", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", String(200), nullable=False),
    Column("answered_at", BigInteger),
    Index("ix_appeal_list", "state", "deadline"),
)  # fmt: skip

# Content that an organisation accepts whatever is found in it, until a day.
scan_exception = Table(
    "scan_exception", metadata,
    Column("id", String(32), primary_key=True),
    Column("org", String(200), nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)  # fmt: skip
