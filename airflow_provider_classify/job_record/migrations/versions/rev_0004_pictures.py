"""Add the pictures of first pages, and the indexes by which recent and unfinished jobs are found."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, String

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = "classify_pictures"


def upgrade() -> None:
    """Create the table and the indexes."""
    job = ForeignKey("classify_jobs.job_id", ondelete="CASCADE")
    op.create_table(
        _TABLE,
        Column("job_id", String(36), job, primary_key=True),
        Column("jpeg", LargeBinary, nullable=False),
        Column("created_at", DateTime, nullable=False),
    )
    op.create_index("ix_classify_pictures_created_at", _TABLE, ["created_at"])
    for column in ("created_at", "status"):
        op.create_index(f"ix_classify_jobs_{column}", "classify_jobs", [column])
