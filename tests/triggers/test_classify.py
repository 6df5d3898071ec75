"""The trigger on a real event loop, against the real service."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.triggers.classify import ClassifyTrigger
from tests.support.context import with_task
from tests.support.service import KEY, running_service
from tests.support.waiting import wait_until


def submit(document):
    return ClassifyHook("service").submit(document, ["letter", "invoice"]).job_id


def trigger(job_id, connection="service", seconds=60.0, **arguments):
    now = time.time()
    return ClassifyTrigger(
        classify_conn_id=connection, job_id=job_id, since=now, deadline=now + seconds, poll_interval=5, **arguments
    )


async def events(trigger):
    return [event.payload async for event in trigger.run()]


async def still_waits(watching):
    """Return whether a trigger waits for 1.5 s, in which it asks once at least."""
    _, waiting = await asyncio.wait([watching], timeout=1.5)
    return bool(waiting)


def test_it_can_be_made_again_from_what_airflow_stores():
    path, arguments = trigger("j").serialize()
    again = import_string(path)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


async def test_one_event_with_the_status_and_the_id_and_no_result(service, document):
    job_id = submit(document)
    assert await events(trigger(job_id)) == [{"job_id": job_id, "status": "completed"}]


async def test_a_failed_job_has_ended_too(service, tmp_path):
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    job_id = submit(str(tmp_path / "damaged.pdf"))
    assert await events(trigger(job_id)) == [{"job_id": job_id, "status": "failed"}]


@pytest.mark.skipif(not hasattr(compat.XCom, "aset"), reason="Airflow 2 cannot end a task from a trigger")
async def test_an_answer_that_was_not_asked_for_is_left_to_the_worker(service, document, caplog, capfd):
    job_id = submit(document)
    ending = with_task(trigger(job_id, end_with_document="letter.txt", categories=["contract"]), "deferred")
    assert await events(ending) == [{"job_id": job_id, "status": "completed"}]
    logged = caplog.text + "".join(capfd.readouterr())
    assert f"Job {job_id} for letter.txt completed as 'letter', which is not one of the categories" in logged


@pytest.fixture
def pushed(monkeypatch):
    """The values that triggers write to XCom. The system tests use Airflow's own XCom."""
    values = []

    async def aset(**arguments):
        values.append(arguments["value"])

    monkeypatch.setattr(compat.XCom, "aset", aset, raising=False)
    return values


def ending(job_id, **arguments):
    categories = ["letter", "invoice"]
    return with_task(trigger(job_id, end_with_document="a.pdf", categories=categories, **arguments), "deferred")


async def test_it_ends_the_task_of_a_document_that_cannot_be_read(service, tmp_path, pushed):
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    job_id = submit(str(tmp_path / "damaged.pdf"))

    [event] = [event async for event in ending(job_id, unreadable_is_result=True).run()]

    assert type(event) is type(compat.task_success_event())
    [value] = pushed
    assert (value["job_id"], value["document"], value["success"]) == (job_id, "a.pdf", False)
    assert (value["classification"], value["error_kind"]) == (None, "DocumentCorrupt")


async def test_else_the_worker_raises_its_error(service, tmp_path, pushed):
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + b"no objects here\n" * 20)
    job_id = submit(str(tmp_path / "damaged.pdf"))
    assert await events(ending(job_id)) == [{"job_id": job_id, "status": "failed"}]
    assert not pushed


@pytest.mark.parametrize("evidence", [True, False])
async def test_it_writes_evidence_only_where_it_may(service, document, pushed, evidence):
    async for _ in ending(submit(document), evidence=evidence).run():
        pass
    [value] = pushed
    assert value["classification"] == "letter"
    assert ("Dear Mrs. Brown" in json.dumps(value)) is evidence


async def test_it_waits_for_an_unfinished_job(service, document):
    ClassifyHook("service").fetch(submit(document))
    with service.frozen_engine():
        job_id = submit(document)
        watching = asyncio.create_task(events(trigger(job_id)))
        assert await still_waits(watching)
    assert await watching == [{"job_id": job_id, "status": "completed"}]


async def test_it_gives_up_at_its_deadline(service, document):
    ClassifyHook("service").fetch(submit(document))
    with service.frozen_engine():
        job_id = submit(document)
        [event] = await events(trigger(job_id, seconds=1.5))
    assert (event["job_id"], event["status"], event["error_kind"]) == (job_id, "gave_up", "JobTimedOut")
    assert job_id in event["message"]


@pytest.mark.parametrize(
    ("connection", "kind"),
    [("wrong_key", "AuthenticationRejected"), ("service", "JobNotFound"), ("undefined", "ConnectionNotUsable")],
)
async def test_it_gives_up_at_once_on_what_waiting_cannot_mend(service, connection, kind):
    [event] = await events(trigger("00000000-0000-4000-8000-000000000000", connection))
    assert (event["status"], event["error_kind"]) == ("gave_up", kind)
    assert KEY not in json.dumps(event)


async def test_it_outlasts_a_restart_of_the_server(tmp_path, document, monkeypatch, unused_tcp_port):
    connection = {"conn_type": "classify", "host": f"http://127.0.0.1:{unused_tcp_port}"}
    monkeypatch.setenv("AIRFLOW_CONN_RESTARTED", json.dumps(connection))
    with running_service(tmp_path, port=unused_tcp_port):
        job_id = ClassifyHook("restarted").submit(document, ["letter", "invoice"]).job_id
        ClassifyHook("restarted").fetch(job_id)
    watching = asyncio.create_task(events(trigger(job_id, "restarted")))
    assert await still_waits(watching)
    with running_service(tmp_path, port=unused_tcp_port):
        assert await watching == [{"job_id": job_id, "status": "completed"}]


async def test_many_triggers_share_a_line_and_leave_none_open(service, document):
    job_ids = [submit(document) for _ in range(5)]
    ended = await asyncio.gather(*(events(trigger(job_id)) for job_id in job_ids))
    assert [event["job_id"] for [event] in ended] == job_ids
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_look_blocks_the_loop(service, document, caplog):
    """The server is held for two seconds; a look that blocked would hold the loop as long."""
    job_id = submit(document)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 1.0
    caplog.set_level("WARNING", logger="asyncio")
    service.suspend()
    try:
        watching = [asyncio.create_task(events(trigger(job_id))) for _ in range(3)]
        await asyncio.sleep(2)
    finally:
        service.resume()
    assert await asyncio.gather(*watching) == [[{"job_id": job_id, "status": "completed"}]] * 3
    assert not [record for record in caplog.records if "took" in record.getMessage()]


async def test_a_kill_cancels_the_job_though_it_is_interrupted(service, document):
    """As Airflow 3.3.2 does. That the task has ended, a real Airflow says in the system tests."""
    hook = ClassifyHook("service")
    hook.fetch(submit(document))
    with service.frozen_engine():
        job_id = submit(document)
        killing = asyncio.create_task(with_task(trigger(job_id), "failed").on_kill())
        await asyncio.sleep(0)
        killing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await killing
        await asyncio.to_thread(wait_until, lambda: hook.get(job_id).status == "failed")
    assert hook.get(job_id).error_kind == "JobCancelled"


async def test_a_kill_leaves_the_job_where_the_task_goes_on(service, document):
    hook = ClassifyHook("service")
    hook.fetch(submit(document))
    with service.frozen_engine():
        job_id = submit(document)
        await with_task(trigger(job_id), "running").on_kill()
        assert not hook.get(job_id).status.is_terminal
    assert hook.fetch(job_id).status == "completed"
