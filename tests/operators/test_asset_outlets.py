"""The asset events of operators, recorded in Airflow's own accessors."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, TaskDeferred

from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.scripted_server import Answer, scripted_server

accessors = pytest.importorskip("airflow.sdk.execution_time.context", reason="the accessors of Airflow 3")

CATEGORIES = ["letter", "invoice", "contract"]
ALL = Asset("all")
BY_CATEGORY = {"letter": Asset("letters"), "invoice": Asset("invoices")}
LETTER = "Dear Mrs. Brown,\n\nthank you for your letter of 3 May.\n\nYours sincerely\nJohn Smith\n"


@pytest.fixture
def letter(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text(LETTER)
    return str(path)


def run(task):
    """Run a task and return its result, the extra of ``ALL``, and the events by category: the asset and its extra."""
    events = accessors.OutletEventAccessors()
    value = task.execute({**context(), "outlet_events": events})
    by_category = []
    for outlet in task.outlets:
        if isinstance(outlet, AssetAlias):
            by_category += [(event.dest_asset_key.name, event.extra) for event in events[outlet].asset_alias_events]
    return value, events[ALL].extra, by_category


def test_an_event_names_document_category_and_confidence(letter):
    task = ClassifyOperator(
        task_id="t", document=letter, categories=CATEGORIES, outlets=[ALL], outlet_by_category=BY_CATEGORY
    )
    result, extra, by_category = run(task)
    assert extra == {"document": letter, "category": "letter", "confidence": result["confidence"]}
    assert by_category == [("letters", extra)]


def test_a_document_of_another_category_has_no_event_by_category(letter):
    task = ClassifyOperator(
        task_id="t", document=letter, categories=CATEGORIES, outlet_by_category={"invoice": BY_CATEGORY["invoice"]}
    )
    assert run(task)[2] == []


def test_a_blank_document_has_no_category(tmp_path):
    pymupdf = pytest.importorskip("pymupdf")
    with pymupdf.open() as pdf:
        pdf.new_page()
        pdf.save(tmp_path / "blank.pdf")
    task = ClassifyOperator(
        task_id="t",
        document=tmp_path / "blank.pdf",
        categories=CATEGORIES,
        outlets=[ALL],
        outlet_by_category=BY_CATEGORY,
    )
    _, extra, by_category = run(task)
    assert extra["category"] is None
    assert by_category == []


@pytest.mark.parametrize("output", [None, "out.jsonl"])
def test_a_batch_sends_an_event_for_each_category_that_was_found(tmp_path, output):
    documents = []
    for number in range(3):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"{LETTER}{number}")
        documents.append(str(path))
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects\n" * 20)
    output = output and str(tmp_path / "out" / output)
    task = ClassifyBatchOperator(
        task_id="t",
        documents=[*documents, str(tmp_path / "damaged.pdf")],
        categories=CATEGORIES,
        output=output,
        max_failed=1,
        outlets=[ALL],
        outlet_by_category=BY_CATEGORY,
    )
    _, extra, by_category = run(task)
    assert [document["document"] for document in extra["documents"]] == documents
    assert {key: extra[key] for key in ("category", "count", "output")} == {
        "category": None,
        "count": 3,
        "output": output,
    }
    assert by_category == [("letters", {**extra, "category": "letter"})]


def test_a_task_with_outlets_resumes_on_a_worker(monkeypatch):
    """Airflow 3.3 records no asset events of a task that its trigger ends."""
    job = {"job_id": "1", "status": "processing"}
    with scripted_server(Answer(202, job), Answer(200, job)) as server:
        monkeypatch.setenv("AIRFLOW_CONN_SERVER", json.dumps({"conn_type": "classify", "host": server.url}))
        task = ClassifyOperator(
            task_id="t",
            document="https://x.org/letter.txt",
            categories=CATEGORIES,
            classify_conn_id="server",
            deferrable=True,
            end_from_trigger=True,
            outlet_by_category=BY_CATEGORY,
        )
        with pytest.raises(TaskDeferred) as deferred:
            task.execute(context())
    assert deferred.value.trigger.end_with_document is None


def test_a_task_without_assets_has_no_outlets(letter):
    assert ClassifyOperator(task_id="t", document=letter, categories=CATEGORIES).outlets == []


def test_an_asset_belongs_to_a_category_of_the_task(letter):
    with pytest.raises(InvalidCategories, match="outlet_by_category of 't' names 'letters', which is not one of its"):
        ClassifyOperator(
            task_id="t", document=letter, categories=CATEGORIES, outlet_by_category={"letters": BY_CATEGORY["letter"]}
        )


def test_an_outlet_is_an_asset(letter):
    with pytest.raises(ValueError, match=r"outlet_by_category of 't' has 'letters' for 'letter'; give an Asset"):
        ClassifyOperator(task_id="t", document=letter, categories=CATEGORIES, outlet_by_category={"letter": "letters"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timeout": "10 minutes"}, "The timeout of 't' is '10 minutes'; give a number of seconds above 0"),
        ({"timeout": True}, "The timeout of 't' is True"),
        ({"poll_interval": "1s"}, "The poll_interval of 't' is '1s'; give at least 1 seconds"),
        ({"poll_interval": 0.5}, "The poll_interval of 't' is 0.5; give at least 1 seconds"),
    ],
)
def test_seconds_are_numbers(letter, arguments, message):
    with pytest.raises(ValueError, match=message):
        ClassifyOperator(task_id="t", document=letter, categories=CATEGORIES, **arguments)


def test_an_event_by_category_needs_the_result(letter):
    with pytest.raises(ValueError, match="'t' has outlet_by_category and does not wait"):
        ClassifyOperator(
            task_id="t",
            document=letter,
            categories=CATEGORIES,
            outlet_by_category=BY_CATEGORY,
            wait_for_completion=False,
        )


def test_a_mapped_task_can_be_serialized():
    serialized_objects = pytest.importorskip("airflow.serialization.serialized_objects")
    # Airflow 3.3 has this name.
    serialization = getattr(serialized_objects, "DagSerialization", serialized_objects.SerializedDAG)
    with DAG("mapped", schedule=None) as dag:
        ClassifyOperator.partial(task_id="t", categories=CATEGORIES, outlet_by_category=BY_CATEGORY).expand(
            document=["a.pdf"]
        )
    assert serialization.from_dict(serialization.to_dict(dag)).get_task("t")
