"""The activity that the service's page shows, on PostgreSQL."""

from __future__ import annotations

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.service.dashboard.activity import read_activity


def test_ends_are_counted_by_the_minute(postgres_url):
    store = JobStore(postgres_url)
    for _ in range(2):
        store.fail(store.add("a.pdf", (Category("invoice"),)).job_id, "It is damaged.")
    store.add("b.pdf", (Category("invoice"),))
    activity = read_activity(store)
    # The minute may end between the end of a job and the request.
    assert sum(activity.failed) == sum(activity.failed[-2:]) == 2
    assert (sum(activity.completed), activity.backlog.queued, len(activity.jobs)) == (0, 1, 3)
    store.close()
