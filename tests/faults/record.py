"""Find out from the service's record which documents were lost or done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.job_table import RecordedJob


def read_jobs(database: Path) -> dict[str, RecordedJob]:
    """Return all jobs of a service by their ids."""
    with closing(JobStore(f"sqlite:///{database}")) as store:
        return {job.job_id: job for job in store.jobs()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The outcome of a run.

    :param lost: documents without a result of a completed job, each with what they have instead.
    :param doubled: the number of jobs and results in excess of one for each document.
    :param wrong: documents whose result has another category than expected.
    """

    lost: tuple[str, ...]
    doubled: int
    wrong: tuple[str, ...]


def outcome(drawn: Mapping[str, str], results: Iterable[Mapping[str, Any]], jobs: Mapping[str, RecordedJob]) -> Outcome:
    """
    Compare the expected categories with the results.

    :param drawn: the category of each document that must have a result.
    :param results: the results of all tasks.
    :param jobs: the jobs of this run, without those of documents that need no result.
    """
    given = list(results)
    completed = {job.job_id for job in jobs.values() if job.status == "completed"}
    good = {result["document"]: result for result in given if result.get("job_id") in completed}
    results_of = Counter(result["document"] for result in given)
    users_of = Counter(result["job_id"] for result in good.values())
    shared = sum(users - 1 for users in users_of.values())
    return Outcome(
        lost=tuple(f"{document}: {_instead(document, given, jobs)}" for document in drawn if document not in good),
        doubled=max(0, len(jobs) - len(drawn)) + sum(number - 1 for number in results_of.values()) + shared,
        wrong=tuple(path for path, one in good.items() if one["classification"] != drawn.get(path)),
    )


def _instead(document: str, given: Iterable[Mapping[str, Any]], jobs: Mapping[str, RecordedJob]) -> str:
    found = []
    for result in given:
        if result["document"] == document:
            job = jobs.get(result.get("job_id", ""))
            found.append(f"result of {job or 'a job that is not in the record'}: {dict(result)}")
    return "; ".join(found) or "no result"
