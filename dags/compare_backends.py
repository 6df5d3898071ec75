"""
Classify the same folder with three backends, and let a person check the documents on which they do not agree.

The connection ``classify_default`` is the local engine, ``classify_api`` a classify API, and ``classify_model`` a
language model.
"""

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.review import ClassificationReviewOperator
from airflow_provider_classify.results import read_results

CATEGORIES = ["invoice", "receipt", "contract", "letter"]

with DAG("compare_backends", schedule=None, params={"folder": "incoming"}) as dag:

    @task
    def disagreements(manifests):
        answers = {}
        for manifest in manifests:
            print(f"{manifest['output']}: {manifest['categories']}, {manifest.get('usage', 'no tokens')}")
            for row in read_results(manifest["output"]):
                answers.setdefault(row["document"], []).append(row)
        return [rows[-1] for rows in answers.values() if len({row["classification"] for row in rows}) > 1]

    batches = [
        ClassifyBatchOperator(
            task_id=connection.removeprefix("classify_"),
            documents="{{ params.folder }}",
            categories=CATEGORIES,
            output="{{ params.folder.rstrip('/') }}-" + connection + ".jsonl",
            classify_conn_id=connection,
        )
        for connection in ("classify_default", "classify_api", "classify_model")
    ]
    doubtful = disagreements([batch.output for batch in batches])
    ClassificationReviewOperator.partial(task_id="review", categories=CATEGORIES).expand(result=doubtful)
