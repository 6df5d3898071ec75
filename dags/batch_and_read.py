"""
Classify all documents of a folder in one task, and read the results in the next.

The param ``folder`` is a path, or a URI such as ``s3://conn_id@bucket/incoming``. The results are in a CSV file beside
the folder; name it ``.jsonl`` or ``.parquet`` to keep the results of pages too. A document that cannot be read has a
row with its error.
"""

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.results import read_results

IN, OUT, KINDS = "{{ params.folder }}", "{{ params.folder.rstrip('/') }}.csv", ["invoice", "contract", "letter"]
with DAG("batch_and_read", schedule=None, params={"folder": "incoming"}, tags=["classify", "example"]) as dag:
    batch = ClassifyBatchOperator(task_id="batch", documents=IN, categories=KINDS, output=OUT, on_unreadable="result")

    @task
    def sure(manifest):
        return [row for row in read_results(manifest["output"]) if (row.get("confidence") or 0) >= 0.8]

    sure(batch.output)
