"""The client over real HTTP, with httpx and with aiohttp: what it sends, and the replies of the real service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    AuthenticationRejected,
    DocumentEmpty,
    DocumentNotFound,
    InvalidJobId,
    InvalidReply,
    JobNotFound,
    RequestRejected,
)
from airflow_provider_classify.model.job import Job, JobStatus
from tests.support.api_clients import ACCEPTED, CATEGORIES, HTML, KEY, PROCESSING, Httpx, failure, settings_for
from tests.support.documents import write_pdf
from tests.support.scripted_server import Answer, Fault, scripted_server
from tests.support.service import RunningService, running_service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("_everything_is_logged")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, api_key=KEY, allow_private_urls=True, workers=1) as service:
        yield service


def finished(client: Httpx, settings: ApiSettings, job_id: str) -> Job:
    wait_until(lambda: client.get(settings, job_id).status.is_terminal)
    return client.get(settings, job_id)


def test_a_file_is_classified(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    submission = client.submit(settings_for(service.url), str(write_pdf(tmp_path / "Öl & Gas.pdf")))
    assert submission.status in JobStatus
    job = finished(client, settings_for(service.url), submission.job_id)
    assert job.status is JobStatus.COMPLETED
    assert job.result is not None
    assert (job.result.classification, job.result.total_pages) == ("invoice", 1)
    assert job.result.extra["scores"].keys() == {"invoice", "Straße"}


def test_a_document_on_object_storage_is_classified(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    document = write_pdf(tmp_path / "invoice.pdf").as_uri()
    submission = client.submit(settings_for(service.url), document)
    job = finished(client, settings_for(service.url), submission.job_id)
    assert job.result is not None
    assert job.result.classification == "invoice"


def test_a_url_is_fetched_by_the_api(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "invoice.pdf").read_bytes()
    with scripted_server(Answer(200, pdf, {"Content-Type": "application/pdf"})) as files:
        submission = client.submit(settings_for(service.url), f"{files.url}/in/invoice.pdf?signature=abc")
        job = finished(client, settings_for(service.url), submission.job_id)
    assert job.result is not None
    assert job.result.classification == "invoice"
    assert [request.path for request in files.requests] == ["/in/invoice.pdf?signature=abc"]


def test_a_document_that_cannot_be_read_is_a_failed_job(client: Httpx, service: RunningService, document: str) -> None:
    submission = client.submit(settings_for(service.url), document)
    job = finished(client, settings_for(service.url), submission.job_id)
    assert (job.status, job.result) == (JobStatus.FAILED, None)
    assert job.error


@pytest.mark.parametrize("key", ["", "another", KEY.upper()])
def test_a_wrong_key(
    client: Httpx, service: RunningService, document: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(service.url, key)
    for error, what in (
        (failure(client.submit, settings, document, caplog=caplog), document),
        (failure(client.get, settings, "8a1c", caplog=caplog), "8a1c"),
    ):
        assert type(error) is AuthenticationRejected
        assert what in str(error)
        assert "'docs'" in str(error)


@pytest.mark.parametrize("job_id", ["00000000-0000-0000-0000-000000000000", "no_such.job~7"])
def test_an_unknown_job(client: Httpx, service: RunningService, job_id: str, caplog: pytest.LogCaptureFixture) -> None:
    error = failure(client.get, settings_for(service.url), job_id, caplog=caplog)
    assert type(error) is JobNotFound
    assert job_id in str(error)


@pytest.mark.parametrize("job_id", ["..", "../health", "", "\ud800", "8a1c\r\nX: 1"])
def test_what_is_not_a_job_id_is_not_sent(client: Httpx, job_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(PROCESSING) as server:
        for call in (client.get, client.cancel):
            assert type(failure(call, settings_for(server.url), job_id, caplog=caplog)) is InvalidJobId
    assert server.requests == []


def test_the_check_of_a_connection(service: RunningService, caplog: pytest.LogCaptureFixture) -> None:
    assert service.url in ApiBackend(settings_for(service.url)).check()
    error = failure(ApiBackend(settings_for(service.url, "another")).check, caplog=caplog)
    assert type(error) is AuthenticationRejected


def test_a_host_that_is_no_classify_api_fails_the_check(caplog: pytest.LogCaptureFixture) -> None:
    with scripted_server(Answer(404, b"<html>Not here</html>")) as server:
        error = failure(ApiBackend(settings_for(server.url)).check, caplog=caplog)
    assert type(error) is RequestRejected
    assert "'docs'" in str(error)


def test_both_send_the_same_form(client: Httpx, tmp_path: Path) -> None:
    path = tmp_path / 'Rech"nung Öl.pdf'
    path.write_bytes(b"%PDF the bytes")
    with scripted_server(ACCEPTED) as server:
        client.submit(settings_for(server.url), str(path))
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/classify")
    assert request.headers["api-key"] == KEY
    assert "Transfer-Encoding" not in request.headers
    assert b"%PDF the bytes\r\n" in request.body
    assert 'filename="Rech_nung Öl.pdf"'.encode() in request.body
    assert b"Content-Type: application/pdf\r\n" in request.body
    assert json.dumps([c.to_json() for c in CATEGORIES], ensure_ascii=False).encode() in request.body


def test_a_url_is_sent_as_a_short_form_with_its_signature(client: Httpx) -> None:
    with scripted_server(ACCEPTED) as server:
        client.submit(settings_for(server.url), "https://files.example.com/a.pdf?sig=x%2By&n=ä")
    [request] = server.requests
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert b"file_url=https%3A%2F%2Ffiles.example.com%2Fa.pdf%3Fsig%3Dx%252By%26n%3D%C3%A4" in request.body


def test_a_job_is_asked_for_below_the_path_of_the_host(client: Httpx) -> None:
    with scripted_server(PROCESSING) as server:
        assert client.get(settings_for(f"{server.url}/v2"), "8a1c").status is JobStatus.PROCESSING
    assert [request.path for request in server.requests] == ["/v2/classify/8a1c"]


def test_without_a_key_no_header_is_sent(client: Httpx) -> None:
    with scripted_server(PROCESSING) as server:
        client.get(settings_for(server.url, key=""), "8a1c")
    assert "api-key" not in {name.lower() for name in server.requests[0].headers}


def test_nothing_is_sent_of_a_document_that_is_missing_or_empty(
    client: Httpx, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty = tmp_path / "empty.pdf"
    empty.touch()
    with scripted_server(ACCEPTED) as server:
        for path, kind in ((empty, DocumentEmpty), (tmp_path / "none.pdf", DocumentNotFound)):
            assert type(failure(client.submit, settings_for(server.url), str(path), caplog=caplog)) is kind
    assert server.requests == []


def test_the_service_honours_keys(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    document = str(write_pdf(tmp_path / "invoice.pdf"))
    # The service is shared by the tests, and a key is for one document.
    key = f"for {tmp_path}"
    first, again = (client.submit(settings_for(service.url), document, idempotency_key=key) for _ in range(2))
    assert first.job_id == again.job_id
    assert client.submit(settings_for(service.url), document, idempotency_key=f"not {key}").job_id != first.job_id


def test_a_job_is_cancelled_by_the_service(client: Httpx, service: RunningService, tmp_path: Path) -> None:
    settings = settings_for(service.url)
    document = str(write_pdf(tmp_path / "invoice.pdf"))
    finished(client, settings, client.submit(settings, document).job_id)
    with service.frozen_engine():
        job_id = client.submit(settings, document).job_id
        cancelled = client.cancel(settings, job_id)
    assert cancelled is not None
    assert (cancelled.job_id, cancelled.status, cancelled.error_kind) == (job_id, JobStatus.FAILED, "JobCancelled")
    assert client.get(settings, job_id) == cancelled
    assert client.cancel(settings, "no-such-job") is None


def test_a_server_without_a_cancel_leaves_the_job(client: Httpx) -> None:
    with scripted_server(Answer(405, {"detail": "Method Not Allowed"})) as server:
        assert client.cancel(settings_for(server.url), "8a1c") is None
    [request] = server.requests
    assert (request.method, request.path, request.headers["api-key"]) == (
        "DELETE",
        "/classify/8a1c?unless_ended=true",
        KEY,
    )


async def test_many_looks_at_once() -> None:
    with scripted_server(PROCESSING) as server:
        async with ApiBackend(settings_for(server.url)).connect() as jobs:
            seen = await asyncio.gather(*(jobs.get("8a1c") for _ in range(200)))
    assert len(seen) == len(server.requests) == 200


async def test_a_cancelled_submit_closes_its_document(document: str) -> None:
    with scripted_server(Fault.SILENCE) as server:
        async with ApiBackend(settings_for(server.url)).connect() as jobs:
            submit = asyncio.create_task(jobs.submit(Document(document), CATEGORIES))
            await asyncio.to_thread(wait_until, lambda: server.requests)
            submit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await submit
    assert document not in {file.path for file in psutil.Process().open_files()}


GROUP = Answer(200, {"jobs": {"a": "queued", "b": "processing"}, "not_found": []})


@pytest.mark.parametrize(
    ("answers", "group_size"),
    [((Answer(200, HTML),), 1), ((GROUP, Answer(200, HTML)), 160)],
    ids=["a server without the batch route", "a passing fault of one that has it"],
)
async def test_jobs_are_looked_at_one_by_one_only_where_a_group_was_never_answered(answers, group_size):
    with scripted_server(*answers) as server:
        async with ApiBackend(ApiSettings("docs", server.url, KEY)).connect() as jobs:
            for _ in answers:
                with suppress(InvalidReply):
                    await jobs.statuses(["a", "b"])
            assert jobs.group_size == group_size
