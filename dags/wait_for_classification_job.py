"""
Submit a document to a classify API in one task and wait for its job in another.

The first task ends after the submit, with the job id in XCom. The sensor waits in the triggerer, without a worker. It
can be retried or cleared without a second submit. The connection ``classify_api`` has the API's URL and key.
"""

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.sensors.classify import ClassifySensor

with DAG("wait_for_classification_job", schedule=None, params={"document": Param(type="string")}) as dag:
    submit = ClassifyOperator(
        task_id="submit",
        document="{{ params.document }}",
        categories={"invoice": "A seller asks for payment", "receipt": "A purchase was paid", "contract": None},
        classify_conn_id="classify_api",
        wait_for_completion=False,
    )
    wait = ClassifySensor(task_id="wait", job_id=submit.output, classify_conn_id="classify_api", deferrable=True)

    @task
    def use(result):
        print(f"Job {result['job_id']}: {result['classification']}, with the confidence {result['confidence']}.")

    use(wait.output)
