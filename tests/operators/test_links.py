"""The links of tasks, and the names of mapped tasks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperatorLink, task

from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.lifecycle.links import JOB_LINK_KEY, PAGE_LINK_KEY, page_path
from airflow_provider_classify.lifecycle.map_label import MAP_INDEX_TEMPLATE, MAX_CHARACTERS, map_label
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator
from airflow_provider_classify.operators.links import JOB_LINKS, ClassifyJobLink, ClassifyPageLink
from airflow_provider_classify.operators.review import ClassificationReviewOperator
from airflow_provider_classify.sensors.classify import ClassifySensor
from tests.support.context import context

CATEGORIES = ["letter", "invoice"]
needs_pages = pytest.mark.skipif(not compat.has_pages(), reason="Airflow has pages of plugins from 3.1 on.")


class OtherLink(BaseOperatorLink):
    name = "Other"

    def get_link(self, operator, *, ti_key):
        return "https://example.com/"


@needs_pages
def test_a_task_links_to_its_job_before_it_waits(service, document):
    operator = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="service")
    of_task = context()
    operator.execute(of_task)
    pushed = of_task["ti"].xcom
    url = f"{service.url}/classify/{pushed['job_id']}"
    assert pushed[JOB_LINK_KEY] == url
    assert pushed[PAGE_LINK_KEY].startswith("dags/dag/runs/")
    assert ClassifyJobLink().get_link(operator, ti_key=None) == url


def test_a_resumed_task_links_to_its_job(service, document):
    operator = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="service")
    job_id = operator.hook.submit(document, CATEGORIES).job_id
    operator.hook.fetch(job_id)
    operator.execute_complete(context(), {"job_id": job_id, "status": "completed"})
    assert operator.job_url == f"{service.url}/classify/{job_id}"


def test_airflow_does_not_push_the_links_of_a_task_again(service, document):
    operator = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="service")
    operator.operator_extra_links = (*operator.operator_extra_links, other := OtherLink())
    of_task = context()
    operator.execute(of_task)
    assert list(operator.operator_extra_links) == [other]
    resumed = ClassifyOperator(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="service")
    resumed.execute_complete(context(), {"job_id": of_task["ti"].xcom["job_id"], "status": "completed"})
    assert list(resumed.operator_extra_links) == []


@needs_pages
def test_airflow_pushes_the_link_of_a_task_that_has_submitted_nothing(tmp_path):
    operator = ClassifyOperator(task_id="t", document=tmp_path / "missing.pdf", categories=CATEGORIES)
    with pytest.raises(AirflowFailException, match="DocumentNotFound"):
        operator.execute(context())
    assert {link.xcom_key for link in operator.operator_extra_links} == {JOB_LINK_KEY, PAGE_LINK_KEY}


@needs_pages
def test_airflow_does_not_push_the_links_of_a_decorated_list(service, document):
    @task.classify(task_id="t", categories=CATEGORIES, classify_conn_id="service")
    def listed():
        return [str(document)]

    with DAG("d"):
        operator = listed().operator
    of_task = context()
    operator.execute(of_task)
    assert PAGE_LINK_KEY in of_task["ti"].xcom
    assert list(operator.operator_extra_links) == []


class WithProperty(ClassifyOperator):
    @property
    def operator_extra_links(self):
        return JOB_LINKS


def test_an_operator_may_have_its_links_as_a_property(service, document):
    operator = WithProperty(task_id="t", document=document, categories=CATEGORIES, classify_conn_id="service")
    assert operator.execute(context())["classification"]


def test_a_sensor_links_to_its_job(service):
    assert (
        ClassifySensor(task_id="s", job_id="a/b", classify_conn_id="service").job_url == f"{service.url}/classify/a%2Fb"
    )


def test_a_link_has_no_secret(monkeypatch):
    connection = {"conn_type": "classify", "host": "https://api.example.com/v1", "password": "the-api-key"}
    monkeypatch.setenv("AIRFLOW_CONN_SECRETIVE", json.dumps(connection))
    operator = ClassifyOperator(task_id="t", document="a.pdf", categories=CATEGORIES, classify_conn_id="secretive")
    assert operator.hook.job_url("j") == "https://api.example.com/v1/classify/j"


def test_a_task_with_the_local_engine_has_no_job_to_open():
    operator = ClassifyOperator(task_id="t", document="a.pdf", categories=CATEGORIES)
    assert operator.hook.job_url("j") == operator.job_url == ""


def test_the_page_is_below_the_task():
    key = SimpleNamespace(dag_id="d/1", run_id="manual__1+00:00", task_id="g.t", map_index=3)
    path = "dags/d%2F1/runs/manual__1%2B00%3A00/tasks/g.t/mapped/3/plugin/classified-by-task"
    assert ClassifyPageLink().get_link(None, ti_key=key) == path
    assert "/mapped/" not in page_path("d", "r", "t", -1)


@pytest.mark.parametrize(
    ("reference", "label"),
    [
        ("/in/a b.pdf", "a b.pdf"),
        ("s3://conn@bucket/2026/scan.pdf", "scan.pdf"),
        ("https://me:word@host/a.pdf?sig=secret", "a.pdf"),
        ("/in/a\nb\x1b.pdf", "a b .pdf"),
        (None, ""),
        (7, ""),
        ("x" * 500 + ".pdf", "x" * (MAX_CHARACTERS - 1) + "…"),
    ],
)
def test_the_name_of_a_mapped_task(reference, label):
    assert map_label(reference) == label


def test_operators_are_called_by_their_document():
    assert ClassifyOperator(task_id="t", document="/in/a.pdf", categories=CATEGORIES).map_label == "a.pdf"
    assert ClassifyBatchOperator(task_id="b", documents="/in/monday", categories=CATEGORIES).map_label == "monday"


@pytest.mark.skipif(compat.human_in_the_loop_operator() is None, reason="Airflow has reviews from 3.1 on.")
def test_a_review_is_called_by_its_document():
    review = ClassificationReviewOperator(task_id="r", result="{{ x }}", categories=CATEGORIES)
    assert review.map_label == ""
    review.result = {"document": "/in/a.pdf", "classification": "letter"}
    assert review.map_label == "a.pdf"


def test_a_dag_can_name_its_mapped_tasks_itself():
    with DAG("d"):
        default = ClassifyOperator.partial(task_id="t", categories=CATEGORIES).expand(document=["a", "b"])
        own = ClassifyOperator.partial(task_id="u", categories=CATEGORIES, map_index_template="{{ 1 }}").expand(
            document=["a", "b"]
        )
    assert default.map_index_template == MAP_INDEX_TEMPLATE
    assert own.map_index_template == "{{ 1 }}"
