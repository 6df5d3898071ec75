"""Create the table of jobs. A version without migrations may have created it, with or without ``fingerprint``."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, String, Text, inspect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLE = "classify_jobs"


def upgrade() -> None:
    """Create the table, or add the column that it lacks."""
    inspector = inspect(op.get_bind())
    if not inspector.has_table(_TABLE):
        _create_table()
    elif "fingerprint" not in {column["name"] for column in inspector.get_columns(_TABLE)}:
        op.add_column(_TABLE, Column("fingerprint", String(64)))


def _create_table() -> None:
    op.create_table(
        _TABLE,
        Column("job_id", String(36), primary_key=True),
        Column("status", String(16), nullable=False),
        Column("progress", String(64), nullable=False),
        Column("error", Text),
        Column("error_kind", String(64)),
        Column("result", Text),
        Column("document", Text, nullable=False),
        Column("categories", Text, nullable=False),
        Column("file_url", Text),
        Column("idempotency_key", String(255), unique=True),
        Column("fingerprint", String(64)),
        Column("created_at", DateTime, nullable=False),
        Column("started_at", DateTime),
        Column("finished_at", DateTime),
    )
    op.create_index("ix_classify_jobs_finished_at", _TABLE, ["finished_at"])
