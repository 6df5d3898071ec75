"""Add how many services have escalated the document of a job."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("classify_jobs", Column("escalations", Integer, nullable=False, server_default="0"))
