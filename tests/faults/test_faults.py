"""
300 documents through a whole Airflow, while its parts and the service fail.

Whatever happens, the service's own record shows one completed job for each document, and each task has its result.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import proxy as faults
from tests.faults.table import NONE
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

on_local = pytest.mark.parametrize("cluster", ["LocalExecutor"], indirect=True)
on_celery = pytest.mark.parametrize("cluster", ["CeleryExecutor"], indirect=True)


def assert_nothing_is_lost_or_doubled(run, note):
    state = run.wait()
    found = run.outcome()
    note(run, len(found.lost), found.doubled)
    assert (found.lost, found.doubled, found.wrong) == ((), 0, ())
    assert not [job for job in run.jobs().values() if job.is_cancelled]
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
    time.sleep(2)
    cluster.start(busiest)
    assert_nothing_is_lost_or_doubled(run, note)


def test_the_scheduler_restarts(deferred, service, cluster, note):
    """It is killed, and with LocalExecutor all tasks that resume at this moment."""
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
        wait_until(lambda: proxy.withheld > 16, pause=0.1)  # so many are the batch's
        cluster.kill_running_tasks()
    service.let_go()
    assert_nothing_is_lost_or_doubled(run, note)


@on_celery
def test_a_worker_is_killed_in_the_middle_of_its_submits(start, service, cluster, proxy, note):
    with proxy.withholding():
        run = start("worker killed mid-submit")
        wait_until(lambda: proxy.withheld > 16, pause=0.1)
        cluster.kill("worker-1")
    service.let_go()
    cluster.start("worker-1")
    assert_nothing_is_lost_or_doubled(run, note)


def test_the_service_is_killed_and_restarted(deferred, service, note):
    """While it works, and its clients look; before, its queue is full of what is not begun."""
    run = deferred("service killed")
    service.let_go()
    wait_until(lambda: any(job.status == "completed" for job in run.jobs().values()), pause=0.01)
    service.kill()
    assert not all(job.status == "completed" for job in run.jobs().values())
    time.sleep(3)
    service.start()
    assert_nothing_is_lost_or_doubled(run, note)


@on_local
def test_the_service_is_killed_while_documents_are_submitted(start, service, note):
    run = start("service killed while submits come")
    wait_until(lambda: len(run.jobs()) > 100, pause=0.01)
    service.kill()
    time.sleep(3)
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


def test_users_interfere_with_tasks_that_wait(deferred, service, cluster, note):
    """Each of the three does so with a third of the mapped tasks; the batch is cleared."""
    run = deferred("tasks cleared, marked failed, marked success")
    mapped = sorted(instance for instance in run.states() if instance[0] != "batch")
    cleared, failed, succeeded = [("batch", -1), *mapped[::3]], mapped[1::3], mapped[2::3]
    before = run.jobs()
    with ThreadPoolExecutor(4) as users:
        list(users.map(lambda instance: run.mark(*instance, "failed"), failed))
        list(users.map(lambda instance: run.mark(*instance, "success"), succeeded))
    run.clear(cleared)
    run.wait_until_deferred(len(cleared))
    given_up = {path for task, index in failed + succeeded for path in [run.document(task, index)]}
    wait_until(lambda: sum(job.is_cancelled for job in run.jobs().values()) >= len(given_up), 60, pause=0.5)
    service.let_go()
    run.wait()
    found = run.outcome(without=given_up)
    note(run, len(found.lost), found.doubled)
    assert (found.lost, found.doubled, found.wrong) == ((), 0, ())
    assert run.jobs().keys() == before.keys()
    assert sum(job.is_cancelled for job in run.jobs().values()) == len(given_up)
    assert {run.states()[instance] for instance in failed} == {"failed"}
    assert {run.states()[instance] for instance in cleared + succeeded} == {"success"}
