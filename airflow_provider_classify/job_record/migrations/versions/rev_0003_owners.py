"""Add the owner and the trace of a job, the quotas of owners, and the webhooks that must be sent."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, Integer, String, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("classify_jobs", Column("owner", String(64), nullable=False, server_default=""))
    op.add_column("classify_jobs", Column("traceparent", String(64)))
    op.create_table(
        "classify_quotas",
        Column("owner", String(64), primary_key=True),
        Column("month", String(7), primary_key=True),
        Column("used", Integer, nullable=False),
    )
    op.create_table(
        "classify_webhooks",
        Column("job_id", String(36), primary_key=True),
        Column("owner", String(64), nullable=False),
        Column("url", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("due_at", DateTime, nullable=False),
    )
    op.create_index("ix_classify_webhooks_due_at", "classify_webhooks", ["due_at"])
