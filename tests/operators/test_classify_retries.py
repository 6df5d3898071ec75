"""The tries of one task: which of them submits, and which takes an earlier one's job up."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.exceptions import JobTimedOut, TaskStateUnavailable
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.dags import durable_cases
from tests.support.context import context
from tests.support.dags import run_dag
from tests.support.documents import write_corrupt_pdf, write_pdf
from tests.support.service import running_service
from tests.support.task_state import TaskState, UnreadableTaskState

CATEGORIES = ["invoice", "letter"]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The service, with a process of its engine started, and connections to it."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, workers=1) as service, pytest.MonkeyPatch.context() as patch:
        for name in ("SERVICE", "SAME_SERVICE"):
            patch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "classify", "host": service.url}))
        attempt(TaskState(), write_pdf(folder / "first.pdf"))
        yield service


@pytest.fixture
def document(tmp_path):
    return write_pdf(tmp_path / "invoice.pdf")


@pytest.fixture(autouse=True)
def submitted(service):
    """Give the jobs that were submitted during the test, which ends when they have."""
    before = set(service.jobs())

    def jobs():
        return [job_id for job_id in service.jobs() if job_id not in before]

    yield jobs
    for job_id in jobs():  # an engine that is busy would be joined by a second one, which no freezing stops
        ClassifyHook("service").fetch(job_id)


def attempt(store, document, categories=CATEGORIES, connection="service", try_number=1, **arguments):
    """One try of the task: a new process would make the operator anew, and find only the store."""
    operator = ClassifyOperator(
        task_id="t", document=str(document), categories=categories, classify_conn_id=connection, **arguments
    )
    return operator.execute(context(try_number) | ({} if store is None else {"task_state_store": store}))


def test_a_job_that_runs_is_waited_for_again(service, document, submitted):
    store = TaskState()
    with service.frozen_engine(), pytest.raises(JobTimedOut):
        attempt(store, document, timeout=1.5)
    result = attempt(store, document)
    assert result["classification"] == "invoice"
    assert submitted() == [result["job_id"]]


def test_a_deferral_takes_up_the_job_of_an_earlier_one(service, document, submitted):
    store = TaskState()
    job_ids = []
    with service.frozen_engine():
        for _ in range(2):
            with pytest.raises(TaskDeferred) as deferred:
                attempt(store, document, deferrable=True)
            job_ids.append(deferred.value.trigger.job_id)
    assert submitted() == job_ids[:1] == job_ids[1:]


def test_a_completed_job_gives_its_result_again(document, submitted):
    store = TaskState()
    first = attempt(store, document)
    assert attempt(store, document) == first
    assert submitted() == [first["job_id"]]


def test_after_a_failed_job_the_document_is_submitted_again(tmp_path, submitted):
    store = TaskState()
    damaged = write_corrupt_pdf(tmp_path / "damaged.pdf")
    keys = []
    for _ in range(2):
        with pytest.raises(AirflowFailException, match=r"DocumentCorrupt.*damaged\.pdf"):
            attempt(store, damaged)
        keys.append(store["classify_job"]["idempotency_key"])
    assert len(set(submitted())) == 2
    assert len(set(keys)) == 2


def test_a_failed_job_is_no_obstacle_to_a_better_document(tmp_path, document, submitted):
    store = TaskState()
    path = write_corrupt_pdf(tmp_path / "scan.pdf")
    with pytest.raises(AirflowFailException):
        attempt(store, path)
    path.write_bytes(document.read_bytes())
    assert attempt(store, path)["classification"] == "invoice"
    assert len(submitted()) == 2


@pytest.mark.parametrize(
    "changed",
    [{"categories": ["invoice", "receipt"]}, {"connection": "same_service"}],
)
def test_a_job_about_something_else_is_not_taken_up(document, submitted, changed):
    store = TaskState()
    jobs = [attempt(store, document)["job_id"], attempt(store, document, **changed)["job_id"]]
    assert submitted() == jobs
    assert jobs[0] != jobs[1]


def test_a_job_that_the_server_forgot_is_submitted_again(document, submitted):
    store = TaskState()
    attempt(store, document)
    store["classify_job"]["job_id"] = "00000000-0000-4000-8000-000000000000"
    assert attempt(store, document)["classification"] == "invoice"
    assert len(submitted()) == 2


def test_a_worker_that_died_in_its_submit_is_followed_by_one_with_the_same_key(service, document, submitted):
    """The second write is that of the job id: a worker that dies before it has only recorded the attempt."""
    store = TaskState()
    store.writes = 1
    with service.frozen_engine(), pytest.raises(TaskStateUnavailable):
        attempt(store, document)
    assert store["classify_job"]["job_id"] is None
    store.writes = 1000
    assert submitted() == [attempt(store, document)["job_id"]]


@pytest.mark.parametrize("broken", ["unreadable", "unwritable"])
def test_without_its_state_a_task_submits_nothing(document, submitted, broken):
    store = UnreadableTaskState() if broken == "unreadable" else TaskState()
    store.writes = 0
    with pytest.raises(TaskStateUnavailable, match="task t cannot be"):
        attempt(store, document)
    assert submitted() == []


@pytest.mark.parametrize("broken", ["unreadable", "unwritable"])
def test_the_local_engine_charges_nothing_and_goes_on_without_its_state(document, broken, monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW_CONN_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    store = UnreadableTaskState() if broken == "unreadable" else TaskState()
    store.writes = 0
    assert attempt(store, document, connection="engine")["classification"] == "invoice"


def test_an_airflow_without_the_store_submits_each_time_with_the_same_key(document, submitted):
    jobs = [attempt(None, document)["job_id"] for _ in range(2)]
    assert submitted() == jobs[:1], "the service honours keys"
    assert jobs[0] == jobs[1]


def test_nor_is_its_next_try_given_the_job_that_failed(tmp_path, submitted):
    damaged = write_corrupt_pdf(tmp_path / "damaged.pdf")
    for try_number in (1, 2, 3):
        with pytest.raises(AirflowFailException, match="DocumentCorrupt"):
            attempt(None, damaged, try_number=try_number)
    assert len(set(submitted())) == 3


def test_the_local_engine_gives_its_result_again(document, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_ENGINE", json.dumps({"conn_type": "classify", "extra": {"backend": "local"}}))
    store = TaskState()
    first = attempt(store, document, connection="engine")
    assert attempt(store, document, connection="engine") == first


def test_a_kill_that_nobody_explains_leaves_the_job(service, document, submitted, capfd, caplog):
    """Outside of a run there is no Airflow to ask for the task's state."""
    operator = ClassifyOperator(
        task_id="t", document=str(document), categories=CATEGORIES, classify_conn_id="service", timeout=1.5
    )
    operator.on_kill()
    with service.frozen_engine():
        with pytest.raises(JobTimedOut):
            operator.execute(context())
        operator.on_kill()
        [job_id] = submitted()
        assert operator.hook.get(job_id).status == "processing"
    assert "The jobs are not cancelled" in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("task_id", ["waiting", "deferring"])
def test_the_tries_of_a_task_in_a_run_have_one_job(service, document, submitted, task_id):
    """With the store that Airflow gives the task."""
    with service.frozen_engine():
        run = run_dag(durable_cases.dag.partial_subset(task_id), connection="service", document=str(document))
    assert run.task_states[task_id, -1] == "failed"
    assert len(submitted()) == 1
