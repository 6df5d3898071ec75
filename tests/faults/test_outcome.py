"""Check that the fault tests recognise lost and doubled documents."""

from __future__ import annotations

from tests.faults.record import RecordedJob, outcome
from tests.faults.table import Row, table

DRAWN = {"a.txt": "letter", "b.txt": "invoice"}
JOBS = {job_id: RecordedJob(job_id, "completed", None, job_id) for job_id in ("1", "2")}
RESULTS = [
    {"document": "a.txt", "job_id": "1", "classification": "letter"},
    {"document": "b.txt", "job_id": "2", "classification": "invoice"},
]


def found(results=RESULTS, jobs=JOBS):
    result = outcome(DRAWN, results, jobs)
    return tuple(lost.split(":")[0] for lost in result.lost), result.doubled, result.wrong


def test_one_job_and_one_result_for_each_document():
    assert found() == ((), 0, ())


def test_a_document_without_a_result_is_lost():
    assert found(RESULTS[:1]) == (("b.txt",), 0, ())


def test_a_result_of_a_job_that_is_not_completed_counts_for_nothing():
    failed = {**JOBS, "2": RecordedJob("2", "failed", "JobCancelled", "2")}
    assert found(jobs=failed) == (("b.txt",), 0, ())


def test_a_second_job_for_a_document_is_one_too_many():
    assert found(jobs={**JOBS, "3": RecordedJob("3", "completed", None, "3")}) == ((), 1, ())


def test_a_second_result_and_a_shared_job_are_doubled():
    assert found([*RESULTS, RESULTS[0]])[1] == 1
    assert found([RESULTS[0], {**RESULTS[1], "job_id": "1"}])[1] == 1


def test_another_category_than_the_drawn_one_is_wrong():
    assert found([RESULTS[0], {**RESULTS[1], "classification": "letter"}]) == ((), 0, ("b.txt",))


def test_extra_seconds_are_beyond_the_run_without_a_fault():
    rows = [Row("Local", "none", 300, 0, 0, 20.0), Row("Local", "killed", 300, 1, 2, 25.5)]
    assert [line.split()[-1] for line in table(rows)[1:]] == ["20.0", "+5.5"]
