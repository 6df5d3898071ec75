"""The events that Airflow's OpenLineage provider makes of the operators."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf
from tests.support.table_api import connect_to, table_api

extractors = pytest.importorskip("airflow.providers.openlineage.extractors.base", reason="the OpenLineage provider")

CATEGORIES = ["letter", "invoice"]


def started(operator):
    return as_json(extractors.DefaultExtractor(operator).extract())


def ended(operator):
    return as_json(extractors.DefaultExtractor(operator).extract_on_complete(None))


def as_json(lineage):
    """Return a lineage as an event has it."""
    from openlineage.client.serde import Serde

    return {
        "inputs": [json.loads(Serde.to_json(dataset)) for dataset in lineage.inputs],
        "outputs": [json.loads(Serde.to_json(dataset)) for dataset in lineage.outputs],
        "run": {name: json.loads(Serde.to_json(facet)) for name, facet in lineage.run_facets.items()},
    }


def test_a_classification(document):
    operator = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES)
    assert [dataset["name"] for dataset in started(operator)["inputs"]] == [document]
    result = operator.execute(context())
    event = ended(operator)
    [dataset] = event["inputs"]
    assert (dataset["namespace"], dataset["name"]) == ("file", document)
    for facet in (dataset["facets"]["classify_answer"], event["run"]["classify_answer"]):
        assert facet["classification"] == "letter"
        assert facet["confidence"] == result["confidence"]
        assert facet["job_id"] == result["job_id"]
        assert facet["_producer"]
        assert "error_kind" not in facet
    assert event["outputs"] == []


def test_after_a_failure_only_the_document_is_known(tmp_path):
    write_corrupt_pdf(tmp_path / "damaged.pdf")
    operator = ClassifyOperator(task_id="t", document=tmp_path / "damaged.pdf", categories=CATEGORIES)
    with pytest.raises(AirflowFailException):
        operator.execute(context())
    event = as_json(extractors.DefaultExtractor(operator).extract_on_failure(None))
    assert [dataset["name"] for dataset in event["inputs"]] == [str(tmp_path / "damaged.pdf")]
    assert event["run"] == {}


def test_a_function_has_no_document_before_it_ran(document):
    from airflow.providers.common.compat.sdk import DAG, task

    with DAG("lineage", schedule=None):

        @task.classify(categories=CATEGORIES)
        def find():
            return document

        operator = find().operator
    assert started(operator)["inputs"] == []
    operator.execute(context())
    assert ended(operator)["run"]["classify_answer"]["classification"] == "letter"


def test_a_deferred_classification(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("a")
    with table_api(tmp_path / "api", {b"a": ("invoice", 0.9)}) as api:
        connect_to(monkeypatch, "api", api)
        api.classifier.gate.clear()

        def operator():
            return ClassifyOperator(
                task_id="t",
                document=str(tmp_path / "a.txt"),
                categories=CATEGORIES,
                classify_conn_id="api",
                deferrable=True,
            )

        with pytest.raises(TaskDeferred) as deferred:
            operator().execute(context())
        api.classifier.gate.set()
        job_id = deferred.value.trigger.job_id
        resumed = operator()
        resumed.execute_complete(context(), {"job_id": job_id, "status": "completed"})
    assert ended(resumed)["run"]["classify_answer"]["classification"] == "invoice"


@pytest.mark.parametrize("output", ["out.jsonl", None])
def test_a_batch(tmp_path, document, output):
    path = str(tmp_path / "o" / output) if output else None
    operator = ClassifyBatchOperator(task_id="t", documents=[document], categories=CATEGORIES, output=path)
    operator.execute(context())
    event = ended(operator)
    assert [dataset["name"] for dataset in event["inputs"]] == [document]
    assert event["run"]["classify_batch"]["documents"] == 1
    if path is None:
        assert event["outputs"] == []
        assert event["inputs"][0]["facets"]["classify_answer"]["classification"] == "letter"
    else:
        assert event["run"]["classify_batch"]["categories"] == {"letter": 1}
        [written] = event["outputs"]
        assert written["name"] == path
        assert written["outputFacets"]["outputStatistics"]["rowCount"] == 1


def test_assets_of_the_task_are_also_in_its_lineage(document):
    from airflow.providers.common.compat.sdk import Asset

    accessors = pytest.importorskip("airflow.sdk.execution_time.context").OutletEventAccessors()
    operator = ClassifyOperator(
        task_id="t",
        document=document,
        categories=CATEGORIES,
        inlets=[Asset("file:///data/rules"), Asset("no-dataset")],
        outlets=[Asset("file:///data/classified")],
        outlet_by_category={"letter": Asset("file:///data/letters"), "invoice": Asset("file:///data/invoices")},
    )
    assert [dataset["name"] for dataset in started(operator)["outputs"]] == ["/data/classified"]
    operator.execute({**context(), "outlet_events": accessors})
    event = ended(operator)
    assert [dataset["name"] for dataset in event["inputs"]] == [document, "/data/rules"]
    assert [dataset["name"] for dataset in event["outputs"]] == ["/data/classified", "/data/letters"]


def test_secrets_of_a_url_are_not_in_an_event():
    operator = ClassifyOperator(
        task_id="t", document="https://user:secret@host/a.pdf?sig=secret", categories=CATEGORIES
    )
    assert "secret" not in json.dumps(started(operator))
