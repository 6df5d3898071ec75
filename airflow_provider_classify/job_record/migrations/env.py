"""Run the migrations on the connection that :mod:`airflow_provider_classify.job_record.schema` has opened."""

from __future__ import annotations

from alembic import context

from airflow_provider_classify.job_record.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
