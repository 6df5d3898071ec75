"""Add the columns of the queue that the processes of a service share."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, Integer, String

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLE = "classify_jobs"


def upgrade() -> None:
    """Add the columns and the index by which workers find jobs."""
    op.add_column(_TABLE, Column("document_bytes", BigInteger))
    op.add_column(_TABLE, Column("free_at", DateTime))
    op.add_column(_TABLE, Column("lease", String(36)))
    op.add_column(_TABLE, Column("crashes", Integer, nullable=False, server_default="0"))
    op.add_column(_TABLE, Column("losses", Integer, nullable=False, server_default="0"))
    op.create_index("ix_classify_jobs_free_at", _TABLE, ["free_at"])
