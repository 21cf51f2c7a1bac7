"""organisations, presence, analyses, situation, warnings; activity of more than alerts"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_FILTERED = ["state", "severity", "org", "rule", "domain", "assignee", "network"]
_QUEUES = {
    "ix_alert_queue": ["queued", "severity", "last_seen", "id", "state", *_FILTERED[2:]],
    "ix_alert_last_seen": ["queued", "last_seen", "id", *_FILTERED],
    "ix_alert_first_seen": ["queued", "first_seen", "id", *_FILTERED],
    "ix_alert_count": ["queued", "count", "id", *_FILTERED],
    "ix_alert_network": ["network", "queued", "severity", "last_seen", "id"],
    "ix_alert_subject": ["queued", "subject", "state", "severity"],
    "ix_alert_facets": ["queued", "org", "rule", "state", "severity", "domain"],
}


def upgrade() -> None:
    op.drop_index("ix_alert_queue", "alert")
    for name, columns in _QUEUES.items():
        op.create_index(name, "alert", columns)
    op.drop_index("ix_activity_alert_id", "activity")
    with op.batch_alter_table("activity", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("alert_id", new_column_name="object_id", type_=sa.String(200))
        table.add_column(sa.Column("object", sa.String(20), nullable=False, server_default="alert"))
    with op.batch_alter_table("activity", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("object", server_default=None)
    op.create_index("ix_activity_object", "activity", ["object_id", "seq"])
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("zh", sa.String(200), nullable=False),
        sa.Column("en", sa.String(200), nullable=False),
        sa.Column("city", sa.String(40), nullable=False),
        sa.Column("sector", sa.String(40), nullable=False),
        sa.Column("size", sa.String(20), nullable=False),
        sa.Column("protection_level", sa.SmallInteger(), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
    )
    op.create_table(
        "presence",
        sa.Column("org", sa.String(200), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org", "hour", name="pk_presence"),
    )
    op.create_table(
        "analysis",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("org", sa.String(200), nullable=False),
        sa.Column("network", sa.String(200), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_analysis"),
    )
    op.create_index("ix_analysis_created_at", "analysis", ["created_at"])
    op.create_table(
        "situation",
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("scope_id", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Float()),
        sa.Column("at_least", sa.Float()),
        sa.Column("band", sa.String(20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("weights", sa.String(40), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "scope_id", "at", name="pk_situation"),
    )
    op.create_index("ix_situation_at", "situation", ["at"])
    op.create_table(
        "assessment",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assessment"),
    )
    op.create_table(
        "warning",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(500), nullable=False),
        sa.Column("trigger", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(1024), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger()),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_warning"),
        sa.UniqueConstraint("key", name="uq_warning_key"),
    )
    op.create_index("ix_warning_created_at", "warning", ["created_at"])


def downgrade() -> None:
    for name in ("warning", "assessment", "situation", "analysis", "presence", "organisation"):
        op.drop_table(name)
    op.drop_index("ix_activity_object", "activity")
    op.execute("DELETE FROM activity WHERE object <> 'alert'")
    with op.batch_alter_table("activity", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("object")
        table.alter_column("object_id", new_column_name="alert_id", type_=sa.String(32))
    op.create_index("ix_activity_alert_id", "activity", ["alert_id"])
    for name in _QUEUES:
        op.drop_index(name, "alert")
    op.create_index("ix_alert_queue", "alert", ["queued", "state", "severity", "last_seen"])
