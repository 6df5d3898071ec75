"""Webhooks over real HTTP: signed, tried again, kept over a restart, and refused where they could do harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.trace import Trace
from airflow_provider_classify.service.api_keys import Key, Keys, KeysFile, key_line, new_key
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.webhook_signature import new_webhook_secret
from airflow_provider_classify.service.webhook_store import WebhookStore
from airflow_provider_classify.service.webhooks import PAUSES, Outcome, WebhookLimits, Webhooks, next_pause
from tests.support.app_server import AppServer, app_server
from tests.support.scripted_server import Answer, Fault, Request, scripted_server
from tests.support.waiting import wait_until

SECRET = new_webhook_secret()
CATEGORIES = '["invoice", "receipt"]'
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FAST = WebhookLimits(seconds=5, pauses=(0.01, 0.01, 0.01), poll_seconds=0.02)


@contextmanager
def webhook_server(folder: Path, **options: Any) -> Iterator[AppServer]:
    with app_server(folder, **{"webhook_secret": SECRET, "webhook_limits": FAST, **options}) as server:
        yield server


def submit(server: AppServer, url: str, content: bytes = b"%PDF-1.7", **headers: str) -> httpx.Response:
    data = {"categories": CATEGORIES, "webhook_url": url}
    files = {"pdf_file": ("a.pdf", content)}
    return httpx.post(f"{server.url}/classify", files=files, data=data, headers=headers)


def tries(server: AppServer) -> dict[str, float]:
    """Return the tries of webhooks by outcome."""
    return outcomes(server.metrics)


def outcomes(metrics: Metrics) -> dict[str, float]:
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {s.labels["outcome"]: s.value for s in samples if s.name == "classify_webhooks_total"}


def verified(request: Request, secret: str = SECRET) -> Any:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Webhook(secret).verify(request.body, headers)


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"damaged"])
def test_the_job_is_sent_when_it_ends(tmp_path: Path, content: bytes) -> None:
    with webhook_server(tmp_path) as server, scripted_server(Answer(204)) as receiver:
        url = f"{receiver.url}/hooks/classified?tenant=1"
        job_id = submit(server, url, content, traceparent=TRACEPARENT).json()["job_id"]
        wait_until(lambda: receiver.requests)
        [request] = receiver.requests
        assert (request.method, request.path) == ("POST", "/hooks/classified?tenant=1")
        assert verified(request) == httpx.get(f"{server.url}/classify/{job_id}").json()
        assert request.headers["webhook-id"] == job_id
        assert request.headers["Content-Type"] == "application/json"
        trace = Trace.parse(request.headers["traceparent"])
        assert trace is not None
        assert trace.trace_id in TRACEPARENT
        assert trace.parent_id not in TRACEPARENT
        wait_until(lambda: tries(server) == {"accepted": 1})
    assert len(receiver.requests) == 1


def test_a_job_that_runs_sends_nothing(tmp_path: Path) -> None:
    with webhook_server(tmp_path, held=True) as server, scripted_server(Answer()) as receiver:
        job_id = submit(server, receiver.url).json()["job_id"]
        wait_until(lambda: server.classifier.seen)
        assert receiver.requests == []
        server.classifier.gate.set()
        server.ended(job_id)
        wait_until(lambda: len(receiver.requests) == 1)


def test_a_webhook_is_tried_again_until_it_is_accepted(tmp_path: Path) -> None:
    answers = (Answer(500), Fault.HANG_UP, Answer(302, headers={"Location": "/elsewhere"}), Answer(200))
    with webhook_server(tmp_path) as server, scripted_server(*answers) as receiver:
        job_id = submit(server, receiver.url).json()["job_id"]
        wait_until(lambda: tries(server) == {"retried": 3, "accepted": 1})
        assert {request.headers["webhook-id"] for request in receiver.requests} == {job_id}
        assert {request.path for request in receiver.requests} == {"/"}
        for request in receiver.requests:
            verified(request)


@pytest.mark.parametrize(("answer", "expected"), [(500, {"retried": 3, "given_up": 1}), (410, {"given_up": 1})])
def test_the_tries_have_an_end(tmp_path: Path, answer: int, expected: dict[str, int]) -> None:
    with webhook_server(tmp_path) as server, scripted_server(Answer(answer)) as receiver:
        submit(server, receiver.url)
        wait_until(lambda: tries(server) == expected)
    assert len(receiver.requests) == sum(expected.values())
    with webhook_server(tmp_path) as again, scripted_server(Answer()) as receiver:
        job_id = submit(again, receiver.url).json()["job_id"]
        wait_until(lambda: receiver.requests)
        assert [request.headers["webhook-id"] for request in receiver.requests] == [job_id]


def test_a_webhook_is_not_lost_in_a_restart(tmp_path: Path) -> None:
    with scripted_server(Answer(), listening=False) as receiver:
        patient = WebhookLimits(pauses=(0.01,) * 1000, poll_seconds=0.02)
        with webhook_server(tmp_path, webhook_limits=patient) as server:
            job_id = submit(server, receiver.url).json()["job_id"]
            wait_until(lambda: tries(server).get("retried", 0) >= 2)
        receiver.listen()
        with webhook_server(tmp_path, webhook_limits=patient):
            wait_until(lambda: receiver.requests)
    assert verified(receiver.requests[0])["job_id"] == job_id


def test_a_try_that_a_stop_has_ended_is_made_at_the_next_start(tmp_path: Path) -> None:
    with scripted_server(Fault.SILENCE, Answer()) as receiver:
        with webhook_server(tmp_path) as server:
            submit(server, receiver.url)
            wait_until(lambda: receiver.requests)
        with webhook_server(tmp_path) as server:
            wait_until(lambda: tries(server) == {"accepted": 1})


def test_several_processes_send_a_webhook_once(tmp_path: Path) -> None:
    with (
        webhook_server(tmp_path) as server,
        scripted_server(Answer()) as receiver,
        server.more_webhooks(SECRET, FAST),
        server.more_webhooks(SECRET, FAST),
    ):
        jobs = [submit(server, receiver.url).json()["job_id"] for _ in range(30)]
        wait_until(lambda: len(receiver.requests) >= 30)
    assert sorted(request.headers["webhook-id"] for request in receiver.requests) == sorted(jobs)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://10.1.2.3/x",
        "http://[::ffff:192.168.0.1]/x",
        "https://169.254.169.254/latest",
        "ftp://example.com/x",
        "/relative",
        "http://",
        f"https://example.com/{'x' * 2048}",
    ],
)
def test_an_address_that_is_not_public_is_refused_at_once(tmp_path: Path, url: str) -> None:
    with webhook_server(tmp_path, allow_private_urls=False) as server:
        reply = submit(server, url)
        assert reply.status_code == 400
        assert "webhook_url" in reply.json()["detail"]
        assert server.uploads() == set()
        assert server.store.jobs() == []


def test_a_metadata_address_is_refused_even_where_private_ones_are_allowed(tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        assert submit(server, "http://169.254.169.254/").status_code == 400
        assert submit(server, "http://127.0.0.1:9/").status_code == 202


def test_a_name_is_judged_by_the_address_that_is_connected_to(tmp_path: Path) -> None:
    with webhook_server(tmp_path, allow_private_urls=False) as server, scripted_server(Answer()) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        job_id = submit(server, url).json()["job_id"]
        server.ended(job_id)
        wait_until(lambda: tries(server) == {"given_up": 1})
        assert receiver.connections == 0


def test_nothing_is_sent_without_a_secret(tmp_path: Path) -> None:
    with webhook_server(tmp_path, webhook_secret=None) as server:
        reply = submit(server, "https://example.com/")
        assert reply.status_code == 400
        assert "secret" in reply.json()["detail"]
        assert server.uploads() == set()


@contextmanager
def sending(store: JobStore, keys: Keys, *, is_shared: bool = True) -> Iterator[Metrics]:
    """Send the webhooks of a record as one process does, and yield its metrics."""
    metrics = Metrics()
    sender = Webhooks(
        store, WebhookStore(store), keys, Events(metrics), allow_private=True, is_shared=is_shared, limits=FAST
    )
    sender.start()
    try:
        yield metrics
    finally:
        sender.stop(10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    with closing(JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")) as store:
        yield store


def due(store: JobStore, url: str, owner: str = "") -> str:
    """Record a webhook that is due, and return the id of its job."""
    job_id = store.add("a.pdf", (Category("invoice"),), owner=owner).job_id
    WebhookStore(store).add(job_id, owner, url)
    store.fail(job_id, "The document is damaged.")
    return job_id


def test_a_process_without_the_secret_leaves_a_webhook_to_one_that_has_it(
    store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Answer(204)) as receiver, sending(store, Keys()) as without:
        first = due(store, receiver.url)
        wait_until(lambda: "leaves some webhooks to other processes" in caplog.text)
        with sending(store, Keys(webhook_secret=SECRET)):
            wait_until(lambda: receiver.requests)
            second = due(store, receiver.url)
            wait_until(lambda: len(receiver.requests) == 2)
        assert [verified(request)["job_id"] for request in receiver.requests] == [first, second]
        assert outcomes(without) == {}
    assert caplog.text.count("leaves some webhooks") == 1


def test_a_process_sends_the_webhooks_of_the_keys_whose_secret_it_has(
    store: JobStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys"
    path.write_text(key_line(new_key(), Key("a", webhook_secret=SECRET)) + "\n")
    with (
        scripted_server(Answer(204)) as receiver,
        sending(store, Keys(file=KeysFile(path, check_seconds=0))),
    ):
        left, sent = due(store, receiver.url, "b"), due(store, receiver.url, "a")
        wait_until(lambda: receiver.requests and "leaves some webhooks" in caplog.text)
        assert [request.headers["webhook-id"] for request in receiver.requests] == [sent]
        other = new_webhook_secret()
        path.write_text(key_line(new_key(), Key("b", webhook_secret=other)) + "\n")
        wait_until(lambda: len(receiver.requests) == 2)
        assert verified(receiver.requests[1], other)["job_id"] == left


def test_a_webhook_is_given_up_if_the_only_process_has_no_secret(
    store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_server(Answer(204)) as receiver, sending(store, Keys(), is_shared=False) as metrics:
        job_id = due(store, receiver.url)
        wait_until(lambda: outcomes(metrics) == {"given_up": 1})
        assert receiver.requests == []
    assert f"The webhook of the job {job_id} is not sent, because there is no secret" in caplog.text


def test_the_secret_is_that_of_the_key(tmp_path: Path) -> None:
    secret, key, other = new_webhook_secret(), new_key(), new_key()
    path = tmp_path / "keys"
    path.write_text(f"{key_line(key, Key('a', webhook_secret=secret))}\n{key_line(other, Key('b'))}\n")
    keys = Keys(file=KeysFile(path), webhook_secret=SECRET)
    with webhook_server(tmp_path, keys=keys) as server, scripted_server(Answer()) as receiver:
        for sent, expected in ((key, secret), (other, SECRET)):
            job_id = submit(server, receiver.url, **{"api-key": sent}).json()["job_id"]
            wait_until(lambda: receiver.requests)
            assert verified(receiver.requests.pop(), expected)["job_id"] == job_id


def test_a_deleted_job_sends_nothing(tmp_path: Path) -> None:
    with webhook_server(tmp_path, held=True) as server, scripted_server(Answer()) as receiver:
        deleted = submit(server, receiver.url).json()["job_id"]
        assert httpx.delete(f"{server.url}/classify/{deleted}").status_code == 200
        kept = submit(server, receiver.url).json()["job_id"]
        server.classifier.gate.set()
        wait_until(lambda: receiver.requests)
        server.ended(kept)
        wait_until(lambda: tries(server) == {"accepted": 1})
    assert [json.loads(request.body)["job_id"] for request in receiver.requests] == [kept]


def test_a_deleted_job_is_not_due_before_its_webhook_is_removed(store: JobStore) -> None:
    job_id = store.add("a.pdf", (Category("invoice"),)).job_id
    webhooks = WebhookStore(store)
    webhooks.add(job_id, "", "https://example.com/")
    store.delete(job_id)
    assert webhooks.claim(10) == []


def test_a_receiver_that_is_silent_delays_no_other(tmp_path: Path) -> None:
    with (
        webhook_server(tmp_path) as server,
        scripted_server(Fault.SILENCE) as silent,
        scripted_server(Answer()) as receiver,
    ):
        for _ in range(5):
            submit(server, silent.url)
        submit(server, receiver.url)
        wait_until(lambda: receiver.requests, seconds=4)
        assert silent.requests


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        (Outcome.of_reply(200, None), 1, None),
        (Outcome.of_reply(202, "5"), 1, None),
        (Outcome.of_reply(410, None), 1, None),
        (Outcome.of_reply(500, None), 1, 5),
        (Outcome.of_reply(404, None), 7, 21600),
        (Outcome.of_reply(500, None), 8, None),
        (Outcome.of_reply(429, "60"), 1, 60),
        (Outcome.of_reply(503, "3"), 1, 5),
        (Outcome.of_reply(503, "999999"), 1, 21600),
        (Outcome.of_reply(503, "Fri, 27 Nov 2026 08:00:00 GMT"), 2, 30),
    ],
)
def test_when_a_webhook_is_tried_again(outcome: Outcome, attempt: int, expected: float | None) -> None:
    pause = next_pause(outcome, attempt, PAUSES, 0.0)
    assert pause == (None if expected is None else timedelta(seconds=expected))


def test_a_pause_is_random_within_bounds() -> None:
    failed = Outcome.of_reply(500, None)
    assert next_pause(failed, 1, PAUSES, 1.0) == timedelta(seconds=6)
