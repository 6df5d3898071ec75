"""
Classify a large folder on several workers.

Each of four shards is a task, so an executor with several workers (Celery, Kubernetes) classifies on all of them. The
group ends with one output and one manifest. A folder without documents skips the tasks.
"""

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.operators.sharded_batch import classify_batch
from airflow_provider_classify.results import read_results

with DAG("batch_in_shards", schedule=None, params={"folder": "incoming"}, tags=["classify", "example"]) as dag:
    batch = classify_batch(
        task_id="batch",
        documents="{{ params.folder }}",
        pattern="**/*",
        categories=["invoice", "receipt", "contract", "letter", "resume", "bank_statement"],
        output="{{ params.folder.rstrip('/') }}.jsonl",
        shards=4,
        on_empty="skip",
        max_failed_share=0.05,
    )

    @task
    def doubtful(manifest):
        rows = read_results(manifest["output"])
        return [row["document"] for row in rows if row.get("confidence", 0.0) < 0.6]

    doubtful(batch.output)
