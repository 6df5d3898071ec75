"""Two DAGs that classify a folder as a batch: ``in_1`` in one shard, and ``in_2`` in two shards."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_classify.operators.sharded_batch import classify_batch

for shards in (1, 2):
    with DAG(f"in_{shards}", schedule=None, params={"folder": "in"}):
        classify_batch(
            task_id="batch",
            documents="{{ params.folder }}",
            categories=["invoice", "receipt", "contract", "letter", "resume", "bank_statement"],
            output="{{ params.folder }}_{{ dag.dag_id }}.jsonl",
            shards=shards,
        )
