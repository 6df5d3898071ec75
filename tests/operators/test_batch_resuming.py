"""A batch that was interrupted, and the task that goes on with it."""

from __future__ import annotations

import json
import shutil
import signal
import threading

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_classify.batch.record import BatchRecord
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    BatchFailed,
    BatchIncomplete,
    JobTimedOut,
    OutputInUse,
)
from airflow_provider_classify.hooks.classify import ClassifyHook
from tests.support.batches import EXPECTED, batch, submitted_to
from tests.support.context import context
from tests.support.waiting import wait_until


class TestResuming:
    def test_a_try_that_timed_out_is_gone_on_with_and_nothing_is_submitted_twice(self, service, folder, tmp_path):
        with service.frozen_engine():
            before = submitted_to(service)
            with pytest.raises(JobTimedOut, match="of 5 documents"):
                batch(folder, tmp_path, timeout=2).execute(context())
        assert submitted_to(service) == before + 5
        manifest = batch(folder, tmp_path).execute(context())
        assert (manifest["classified"], manifest["failed"]) == (4, 1)
        assert submitted_to(service) == before + 5

    def test_what_is_classified_is_kept_and_what_failed_is_asked_again(self, service, folder, tmp_path):
        with pytest.raises(AirflowFailException, match="1 of 5 documents") as failure:
            batch(folder, tmp_path, max_failed=0).execute(context())
        assert isinstance(failure.value.__cause__, BatchFailed)
        before = submitted_to(service)
        with pytest.raises(AirflowFailException):
            batch(folder, tmp_path, max_failed=0).execute(context())
        assert submitted_to(service) == before + 1

    def test_a_wrong_key_ends_it_at_once(self, service, folder, tmp_path):
        with pytest.raises(AirflowFailException) as failure:
            batch(folder, tmp_path, "wrong_key").execute(context())
        assert isinstance(failure.value.__cause__, AuthenticationRejected)

    def test_without_an_output_another_machine_goes_on(self, service, folder, tmp_path, monkeypatch):
        before = submitted_to(service)
        with service.frozen_engine():
            monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "machine"))
            (tmp_path / "documents").mkdir()
            documents = [shutil.copy(path, tmp_path / "documents") for path in folder.iterdir()]
            missing = tmp_path / "documents" / "missing.pdf"
            operator = batch([*documents, str(missing)], tmp_path, output=None, deferrable=True, max_failed=2)
            with pytest.raises(TaskDeferred) as deferred:
                operator.execute(context())
        for job_id in deferred.value.trigger.job_ids:
            ClassifyHook("service").fetch(job_id)
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "another"))
        kwargs = json.loads(json.dumps(deferred.value.kwargs))
        found = operator.execute_complete(context(), {"status": "ended"}, **kwargs)
        kinds = {line["document"].rpartition("/")[2]: line.get("classification") for line in found}
        assert kinds == {**EXPECTED, "damaged.pdf": None, "missing.pdf": None}
        assert submitted_to(service) == before + 5

    def test_a_record_that_the_resumed_task_cannot_reach_says_so(self, service, folder):
        operator = batch(folder, folder, output=None)
        with pytest.raises(AirflowFailException, match="give the task an output"):
            operator.execute_complete(context(), {"status": "ended"})

    def test_a_second_task_with_the_same_output_is_refused_while_the_first_goes_on(self, service, folder, tmp_path):
        ClassifyHook("service").fetch(ClassifyHook("service").submit(f"{folder}/letter.pdf", ["letter"]).job_id)
        first, its_context = batch(folder, tmp_path, timeout=2), context()
        its_context["ti"].dag_id = "first_dag"
        with service.frozen_engine(), pytest.raises(JobTimedOut):
            first.execute(its_context)
        before = submitted_to(service)
        with pytest.raises(AirflowFailException, match="first_dag") as failure:
            batch(folder, tmp_path).execute(context())
        assert isinstance(failure.value.__cause__, OutputInUse)
        assert submitted_to(service) == before
        assert batch(folder, tmp_path).execute(its_context)["documents"] == 5
        assert batch(folder, tmp_path).execute(context())["documents"] == 5

    def test_a_second_task_without_an_output_runs_while_the_first_goes_on(self, service, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
        first, its_context = batch(folder, tmp_path, output=None, timeout=2), context()
        its_context["ti"].run_id = "an_earlier_run"
        with service.frozen_engine(), pytest.raises(JobTimedOut):
            first.execute(its_context)
        assert len(batch(folder, tmp_path, output=None).execute(context())) == 5
        before = submitted_to(service)
        assert len(batch(folder, tmp_path, output=None).execute(its_context)) == 5
        assert submitted_to(service) == before

    def test_a_batch_whose_record_lost_a_document_does_not_end_well(self, service, folder, tmp_path):
        operator, task = batch(folder, tmp_path, deferrable=True), context()
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute(task)
        for job_id in BatchRecord.load(f"{tmp_path}/out.jsonl.parts", TaskAddress.of(task["ti"])).state.job_ids():
            ClassifyHook("service").fetch(job_id)
        *_, part = sorted((tmp_path / "out.jsonl.parts").glob("*/*.jsonl"))
        part.write_bytes(part.read_bytes()[:-10])  # the disk was full
        with pytest.raises(BatchIncomplete, match="1 of 5 documents"):
            operator.execute_complete(task, {"status": "ended"}, **(deferred.value.kwargs or {}))
        assert not (tmp_path / "out.jsonl").exists()
        manifest = batch(folder, tmp_path).execute(task)
        assert (manifest["documents"], manifest["classified"]) == (5, 4)


class Killed(BaseException):
    """Raised by the handler of a signal, as Airflow ends a task."""


@pytest.mark.parametrize(("state", "error_kinds"), [("failed", {"JobCancelled"}), ("running", {None})])
def test_a_kill_cancels_the_jobs_if_the_task_has_ended(service, folder, tmp_path, state, error_kinds):
    operator, task = batch(folder, tmp_path), context(state=state)

    def recorded():
        return BatchRecord.load(f"{tmp_path}/out.jsonl.parts", TaskAddress.of(task["ti"])).state.job_ids()

    def kill_when_all_are_recorded():
        wait_until(lambda: len(recorded()) == 5, pause=0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def kill(*_):
        operator.on_kill()
        raise Killed

    before = signal.signal(signal.SIGUSR1, kill)
    try:
        with service.frozen_engine():
            threading.Thread(target=kill_when_all_are_recorded, daemon=True).start()
            with pytest.raises(Killed):
                operator.execute(task)
            job_ids = recorded()
            assert len(job_ids) == 5
            # A busy machine may need longer for the cancels than a killed worker has.
            wait_until(lambda: {operator.hook.get(job_id).error_kind for job_id in job_ids} == error_kinds)
    finally:
        signal.signal(signal.SIGUSR1, before)
