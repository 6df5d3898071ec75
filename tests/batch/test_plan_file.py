"""The plan of a batch in its file, and the claim of an output."""

from __future__ import annotations

import pytest

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.plan_file import PlanFile
from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import BatchRecordLost, BatchRecordNotReadable, OutputInUse

TASK = TaskAddress("dag", "t", "scheduled__2026-11-23T00:00:00+00:00")
OTHER = TaskAddress("other_dag", "classify", "manual__1", 3)
A, B, C = (Item(f"{name}.pdf", f"fingerprint-{name}") for name in "abc")


@pytest.fixture(params=["path", "URI"])
def folder(request, tmp_path):
    prefix = "" if request.param == "path" else "file://"
    return f"{prefix}{tmp_path}/batch/out.jsonl.parts"


def plan_file(folder, task=TASK):
    return PlanFile(StoragePath(str(folder)), task)


class TestThePlan:
    def test_the_last_try_says_what_the_batch_is_about(self, folder):
        plan_file(folder).write([A, B])
        plan_file(folder).write([B, C])
        assert plan_file(folder).read_items() == [B, C]

    def test_one_that_is_not_there_says_what_to_do(self, folder):
        with pytest.raises(BatchRecordLost, match="give the task an output"):
            plan_file(folder).read_items()

    @pytest.mark.parametrize("content", ['{"version": 2, "ta', "[]", '{"version": 3}', '{"version": 2, "task": {}}'])
    def test_one_that_is_damaged_says_what_to_do(self, tmp_path, content):
        (tmp_path / f"{TASK.safe_name}.json").write_text(content)
        with pytest.raises(BatchRecordNotReadable, match="delete the file"):
            plan_file(tmp_path).read_items()


class TestTwoTasks:
    def test_another_that_may_still_run_is_named(self, folder):
        plan_file(folder, OTHER).write([A])
        with pytest.raises(
            OutputInUse, match=r"classify of the DAG other_dag \(run manual__1, map index 3\)"
        ) as raised:
            plan_file(folder).require_sole_use(lambda task: False)
        assert "task t of the DAG dag" in str(raised.value)

    def test_one_that_has_ended_is_none(self, folder):
        plan_file(folder, OTHER).write([A])
        asked = []
        plan_file(folder).require_sole_use(lambda task: not asked.append(task))
        assert asked == [OTHER]

    def test_two_that_start_in_the_same_moment_do_not_both_go_on_and_the_refused_one_is_not_in_the_way(self, folder):
        plan_file(folder, OTHER).write([A])
        with pytest.raises(OutputInUse):
            plan_file(folder).claim([A], lambda task: False)
        plan_file(folder, OTHER).claim([A], lambda task: False)

    def test_its_own_is_none(self, folder):
        plan_file(folder).write([A])
        plan_file(folder).require_sole_use(lambda task: False)

    @pytest.mark.parametrize("name", ["plan.json", "00000000000000000001-ab.jsonl"])
    def test_a_record_of_an_earlier_version_says_what_to_do(self, tmp_path, name):
        (tmp_path / name).write_text("[]")
        with pytest.raises(BatchRecordNotReadable, match="another version"):
            plan_file(tmp_path).require_sole_use(lambda task: False)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (TaskAddress("d", "t", "r"), TaskAddress("d", "t", "r", 0)),
            (TaskAddress("d", "t", "r", 0), TaskAddress("d", "t", "r", 1)),
            (TaskAddress("d", "t", "a/b"), TaskAddress("d", "t", "a b")),
            (TaskAddress("d" * 300, "t", "r"), TaskAddress("d" * 300, "t2", "r")),
            (TaskAddress("d.t", "r", "x"), TaskAddress("d", "t.r", "x")),
        ],
    )
    def test_addresses_have_names_of_their_own_that_any_storage_takes(self, one, other):
        names = {one.safe_name, other.safe_name}
        assert len(names) == 2
        for name in names:
            assert len(name) < 120
            assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
