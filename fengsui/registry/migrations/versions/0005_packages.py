"""which package a submission is, and the facts of the release before it"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("submission", sa.Column("package", sa.String(200), nullable=False, server_default=""))
    op.add_column("submission", sa.Column("previous", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_submission_package", "submission", ["org", "package", "created_at"])
