"""
Classify a folder with the local engine, and escalate the documents with a low confidence to a paid API.

The API is the connection ``classify_api``. In the output, ``answered_by`` is the connection that gave the answer.
"""

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_classify.operators.batch import ClassifyBatchOperator

with DAG("classify_with_cascade", schedule=None, params={"folder": "incoming"}) as dag:
    classify = ClassifyBatchOperator(
        task_id="classify",
        documents="{{ params.folder }}",
        categories=["invoice", "receipt", "contract", "letter"],
        output="{{ params.folder.rstrip('/') }}-cascade.jsonl",
        escalate_to="classify_api",
        escalate_below=0.9,
        deferrable=True,
    )

    @task
    def report(manifest):
        print(f"{manifest['escalated']} of {manifest['documents']} documents went to the API.")

    report(classify.output)
