"""which package a submission is"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("submission", sa.Column("package", sa.String(200), nullable=False, server_default=""))
    op.create_index("ix_submission_package", "submission", ["org", "package", "created_at"])
