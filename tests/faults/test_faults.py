"""
Run 300 documents through a whole Airflow while its parts or the service fail.

In each case the service's record must have one completed job for each document, and each task must have its result.
"""

from __future__ import annotations

import base64
import time

import pytest

from tests.faults import proxy as faults
from tests.faults.run import BATCH
from tests.faults.table import NONE
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

#: How long a killed process stays away, in seconds.
OUTAGE_SECONDS = 3

on_local = pytest.mark.parametrize("cluster", ["LocalExecutor"], indirect=True)
on_celery = pytest.mark.parametrize("cluster", ["CeleryExecutor"], indirect=True)


def assert_nothing_is_lost_or_doubled(run, note):
    state = run.wait()
    found = run.outcome()
    note(run, len(found.lost), found.doubled)
    assert (found.lost, found.doubled, found.wrong) == ((), 0, ())
    assert not run.cancelled()
    assert state == "success"


def test_nothing_happens(deferred, service, note):
    run = deferred(NONE)
    service.let_go()
    assert_nothing_is_lost_or_doubled(run, note)


def test_a_triggerer_is_killed_and_comes_back(deferred, service, cluster, note):
    run = deferred("triggerer killed")
    busiest = cluster.busiest_triggerer()
    cluster.kill(busiest)
    service.let_go()
    time.sleep(OUTAGE_SECONDS)
    cluster.start(busiest)
    assert_nothing_is_lost_or_doubled(run, note)


def test_the_scheduler_restarts(deferred, service, cluster, note):
    """With LocalExecutor, the kill also ends all tasks that are resuming."""
    run = deferred("scheduler killed")
    service.let_go()
    wait_until(lambda: "running" in run.states().values(), 60, pause=0.05)
    cluster.kill("scheduler")
    cluster.start("scheduler")
    assert_nothing_is_lost_or_doubled(run, note)


@on_local
def test_tasks_are_killed_in_the_middle_of_their_submits(start, service, cluster, proxy, note):
    with proxy.withholding():
        run = start("tasks killed mid-submit")
        wait_until(lambda: proxy.withheld > 16, pause=0.1)  # the batch sends 16 at once
        cluster.kill_running_tasks()
    service.let_go()
    assert_nothing_is_lost_or_doubled(run, note)
    assert run.tries() > 1


@on_celery
def test_a_worker_is_killed_in_the_middle_of_its_submits(start, service, cluster, proxy, note):
    with proxy.withholding():
        run = start("worker killed mid-submit")
        wait_until(lambda: proxy.withheld > 16, pause=0.1)
        cluster.kill("worker-1")
    service.let_go()
    cluster.start("worker-1")
    assert_nothing_is_lost_or_doubled(run, note)
    assert run.tries() > 1


def test_the_service_is_killed_and_restarted(deferred, service, note):
    """The kill comes while it classifies, with jobs in its queue, and while its clients wait."""
    run = deferred("service killed")
    service.let_go()
    wait_until(lambda: any(job.status == "completed" for job in run.jobs().values()), pause=0.01)
    service.kill()
    assert not all(job.status == "completed" for job in run.jobs().values())
    time.sleep(OUTAGE_SECONDS)
    service.start()
    assert_nothing_is_lost_or_doubled(run, note)


@on_local
def test_the_service_is_killed_while_documents_are_submitted(start, service, note):
    run = start("service killed while submits come")
    wait_until(lambda: len(run.jobs()) > 100, pause=0.01)
    service.kill()
    time.sleep(OUTAGE_SECONDS)
    service.start()
    assert_nothing_is_lost_or_doubled(run, note)


SPOILT = {
    "service slow": [faults.slow],
    "service answers 429": [faults.too_many_requests, faults.too_many_requests_in_plain_text],
    "service answers 503, Retry-After": [faults.overloaded],
    "service answers HTML": [faults.html_error, faults.html_success],
    "service answers truncated JSON": [faults.truncated, faults.broken_off],
    "service closes connections": [faults.closed_before, faults.closed_after],
}


@on_local
@pytest.mark.parametrize("fault", SPOILT)
def test_the_service_answers_badly(deferred, service, proxy, note, fault):
    with proxy.spoiling(*SPOILT[fault]):
        run = deferred(fault)
        service.let_go()
        run.wait()
    assert_nothing_is_lost_or_doubled(run, note)


@on_celery
def test_the_service_answers_badly_in_every_way(deferred, service, proxy, note):
    with proxy.spoiling(*(fault for kinds in SPOILT.values() for fault in kinds)):
        run = deferred("service answers badly in every way")
        service.let_go()
        run.wait()
    assert_nothing_is_lost_or_doubled(run, note)


@pytest.mark.parametrize("batch", ["cleared", "marked failed"])
def test_users_interfere_with_tasks_that_wait(deferred, service, cluster, note, batch):
    """One third of the mapped tasks is cleared, one is marked failed, and one is marked success."""
    run = deferred(f"tasks cleared, marked failed, success; batch {batch}")
    mapped = sorted(instance for instance in run.states() if instance != BATCH)
    cleared, failed, succeeded = mapped[::3], mapped[1::3], mapped[2::3]
    (cleared if batch == "cleared" else failed).append(BATCH)
    before = run.jobs()
    for instances, state in ((failed, "failed"), (succeeded, "success")):
        for instance in instances:
            run.mark(*instance, state)
    run.clear(cleared)
    run.wait_until_deferred(len(cleared))
    given_up = run.documents_of(failed + succeeded)
    wait_until(lambda: len(run.cancelled()) >= len(given_up), pause=0.5)
    service.let_go()
    run.wait()
    found = run.outcome(without=given_up)
    note(run, len(found.lost), found.doubled)
    assert (found.lost, found.doubled, found.wrong) == ((), 0, ())
    assert run.jobs().keys() == before.keys()
    assert len(run.cancelled()) == len(given_up)
    assert {run.states()[instance] for instance in failed} == {"failed"}
    assert {run.states()[instance] for instance in cleared + succeeded} == {"success"}


def test_the_key_is_in_no_log_and_not_in_the_database(cluster, service, key):
    """It checks the logs of all earlier tests. The database has the connection too, encrypted."""
    forms = (key, key.encode().hex(), base64.b64encode(key.encode()).decode())
    tables = [name for [name] in cluster.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert {"xcom", "task_instance", "connection", "log"} <= set(tables)
    for form in forms:
        for name in tables:
            query = f'SELECT count(*) FROM "{name}" AS entry WHERE entry::text LIKE :form'
            assert cluster.rows(query, form=f"%{form}%") == [(0,)], f"in the table {name}"
    files = [path for folder in (cluster.home, service.record.parent) for path in folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".log"]) > 20
    contents = {path: path.read_bytes() for path in files}
    assert not [path for path, content in contents.items() if any(form.encode() in content for form in forms)]
