"""What became of documents, by the service's own record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_classify.local.job_store import JobStore, RecordedJob


def read_jobs(database: Path) -> dict[str, RecordedJob]:
    """All jobs of a service by their ids."""
    with closing(JobStore(f"sqlite:///{database}")) as store:
        return {job.job_id: job for job in store.jobs()}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    ``lost``: documents without a result, or with one that is none of a completed job's. ``doubled``: jobs
    beyond one for each document, and results beyond. ``wrong``: documents of another category than drawn.
    """

    lost: tuple[str, ...]
    doubled: int
    wrong: tuple[str, ...]


def outcome(drawn: Mapping[str, str], results: Iterable[Mapping[str, Any]], jobs: Mapping[str, RecordedJob]) -> Outcome:
    """
    Compare what was drawn with what came out.

    :param drawn: the category of each document that a result is expected of.
    :param results: of all tasks.
    :param jobs: of this run, and of no other, without those of documents that no result is expected of.
    """
    given = list(results)
    completed = {job.job_id for job in jobs.values() if job.status == "completed"}
    good = {result["document"]: result for result in given if result.get("job_id") in completed}
    results_of = Counter(result["document"] for result in given)
    users_of = Counter(result["job_id"] for result in good.values())
    shared = sum(users - 1 for users in users_of.values())
    return Outcome(
        lost=tuple(document for document in drawn if document not in good),
        doubled=max(0, len(jobs) - len(drawn)) + sum(number - 1 for number in results_of.values()) + shared,
        wrong=tuple(path for path, one in good.items() if one["classification"] != drawn.get(path)),
    )
