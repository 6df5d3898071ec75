"""The official SDK against the service as a process, with the real engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from unsiloed_sdk import AsyncUnsiloedClient, Category, UnsiloedClient
from unsiloed_sdk.exceptions import AuthenticationError, InvalidRequestError, NotFoundError

from airflow_provider_classify.model.api_contract import CANNOT_OPEN
from tests.support.service import RunningService, running_service

KEY = "s3cret-key"
CATEGORIES = ["invoice", Category(name="receipt", description="proof of payment"), {"name": "letter"}]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service"), api_key=KEY, allow_private_urls=True) as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[UnsiloedClient]:
    with UnsiloedClient(KEY, service.url) as client:
        yield client


def test_a_pdf_is_classified(client: UnsiloedClient, samples: Path) -> None:
    submitted = client.classify(file=samples / "invoice.pdf", categories=CATEGORIES)
    assert (submitted.status, submitted.message) == ("queued", "Classification started")
    done = client.classify_and_wait(file=str(samples / "invoice.pdf"), categories=CATEGORIES)
    assert (done.status, done.progress, done.error) == ("completed", "Classification completed", None)
    assert done.result["success"] is True
    assert done.result["classification"] == "invoice"
    assert [page["page"] for page in done.result["page_results"]] == [1]
    assert client.get_classify_result(submitted.job_id).job_id == submitted.job_id


def test_bytes_are_known_by_their_content(client: UnsiloedClient, samples: Path) -> None:
    # The SDK sends all bytes as document.pdf; this is a JPEG.
    done = client.classify_and_wait(file=(samples / "receipt.jpg").read_bytes(), categories=CATEGORIES)
    assert done.status == "completed"
    assert done.result["classification"] == "receipt"
    assert "page_results" not in done.result
    assert done.result["total_pages"] == 1


async def test_the_async_client_too(service: RunningService, samples: Path) -> None:
    async with AsyncUnsiloedClient(KEY, service.url) as client:
        submitted = await client.classify(file=samples / "letter.pdf", categories=CATEGORIES)
        status = await client.get_classify_result(submitted.job_id)
        assert status.status in ("queued", "processing", "completed")
        done = await client.classify_and_wait(file=samples / "letter.pdf", categories=CATEGORIES)
        assert done.result["classification"] == "letter"


async def test_the_async_client_sends_bytes_and_gets_failed_jobs(service: RunningService, samples: Path) -> None:
    async with AsyncUnsiloedClient(KEY, service.url) as client:
        image, damaged, missing = await asyncio.gather(
            client.classify_and_wait(file=(samples / "receipt.jpg").read_bytes(), categories=CATEGORIES),
            client.classify_and_wait(file=b"%PDF-1.7\nnothing more", categories=CATEGORIES),
            client.classify_and_wait(file_url=f"{service.url}/no-such-document", categories=CATEGORIES),
        )
        assert (image.status, image.result["classification"]) == ("completed", "receipt")
        assert (damaged.status, damaged.error, damaged.result) == ("failed", CANNOT_OPEN, None)
        assert missing.status == "failed"
        assert "/no-such-document" in missing.error
        with pytest.raises(NotFoundError, match="Job not found"):
            await client.get_classify_result("00000000-0000-4000-8000-000000000000")
        with pytest.raises(InvalidRequestError, match="given twice"):
            await client.classify(file=b"x", categories=["a", "A"])


def test_a_file_that_cannot_be_opened_is_a_failed_job(client: UnsiloedClient) -> None:
    done = client.classify_and_wait(file=b"%PDF-1.7\nnothing more", categories=CATEGORIES)
    assert (done.status, done.progress) == ("failed", "Classification failed")
    assert done.error == CANNOT_OPEN
    assert done.result is None


def test_an_unknown_type_is_a_failed_job_with_its_own_sentence(client: UnsiloedClient) -> None:
    done = client.classify_and_wait(file=bytes(range(256)) * 10, categories=CATEGORIES)
    assert done.status == "failed"
    assert "document.pdf" in done.error


def test_a_url_that_cannot_be_fetched_is_a_failed_job(client: UnsiloedClient, service: RunningService) -> None:
    done = client.classify_and_wait(file_url=f"{service.url}/no-such-document", categories=CATEGORIES)
    assert done.status == "failed"
    assert "/no-such-document" in done.error


def test_errors_are_those_of_the_sdk(client: UnsiloedClient, service: RunningService) -> None:
    with pytest.raises(NotFoundError, match="Job not found"):
        client.get_classify_result("00000000-0000-4000-8000-000000000000")
    with pytest.raises(InvalidRequestError, match="given twice"):
        client.classify(file=b"x", categories=["a", "A"])
    with UnsiloedClient("wrong", service.url) as stranger, pytest.raises(AuthenticationError, match="API key"):
        stranger.classify(file=b"x", categories=["a"])


async def test_errors_are_those_of_the_async_sdk(service: RunningService) -> None:
    async with AsyncUnsiloedClient("wrong", service.url) as stranger:
        with pytest.raises(AuthenticationError, match="API key"):
            await stranger.classify(file=b"x", categories=["a"])
        with pytest.raises(AuthenticationError, match="API key"):
            await stranger.get_classify_result("any")


def test_the_key_is_in_no_log(service: RunningService, client: UnsiloedClient) -> None:
    with pytest.raises(NotFoundError):
        client.get_classify_result("any")
    assert KEY not in service.log.read_text()
