"""Replace the index of the statuses by one that also has the time of the end, for the throughput of the service."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE = "classify_jobs"


def upgrade() -> None:
    """Create the index, and remove the one that it replaces."""
    op.create_index("ix_classify_jobs_ended", _TABLE, ["status", "finished_at"])
    op.drop_index("ix_classify_jobs_status", _TABLE)
