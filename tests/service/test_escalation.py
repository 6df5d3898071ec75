"""A service that asks another one, a second real process, about documents of which its engine is not sure."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import (
    ApiUnavailable,
    ClassifyError,
    DocumentNeedsOcr,
    DocumentTypeUnknown,
    EngineClosed,
    ServiceNotStarted,
)
from airflow_provider_classify.model.cascade import Outcome
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.escalations import MAX_ESCALATIONS, read_escalations
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.escalation import Escalation, combine, escalation_settings
from airflow_provider_classify.service.retry_pauses import Pauses
from tests.support.command_service import serving
from tests.support.scripted_server import Answer, Fault, scripted_server
from tests.support.waiting import wait_until

OWN = "keeper log:\n  description: The log of a lighthouse.\n  cues: {en: {decisive: lamp lit}}"
UNSURE = b"Godrevy, lamp lit 19.40, wind west"
SURE = b"INVOICE\nInvoice number 2026-17\nInvoice date 3 May 2026\nAmount due: 200.00 EUR\nPayment due within 30 days"
UNKNOWN = bytes(range(256)) * 8
KEY = "key-of-the-other-api-77"


@contextmanager
def pair(folder: Path, *, key: str = KEY) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Run a service that knows a document type and one that does not, which escalates to the first; yield both."""
    types = folder / "types"
    types.mkdir()
    (types / "own.yaml").write_text(OWN)
    with ExitStack() as stack:
        expert = stack.enter_context(serving(folder / "expert", "--document-types", str(types), CLASSIFY_API_KEY=KEY))
        asking = serving(
            folder / "asking",
            *("--escalate-to", f"{expert.base_url}/", "--escalate-below", "0.8"),
            CLASSIFY_ESCALATION_API_KEY=key,
        )
        yield stack.enter_context(asking), expert


def ended(client: httpx.Client, content: bytes, name: str = "log.txt") -> dict[str, Any]:
    files, data = {"pdf_file": (name, content)}, {"categories": json.dumps(["invoice", "keeper log"])}
    job = f"/classify/{client.post('/classify', files=files, data=data).raise_for_status().json()['job_id']}"
    wait_until(lambda: client.get(job).json()["status"] in ("completed", "failed"))
    return dict(client.get(job).json())


def jobs(client: httpx.Client) -> int:
    activity = client.get("/dashboard/api/activity").json()
    return len(activity["jobs"])


def test_the_other_api_answers_what_the_engine_is_not_sure_of(tmp_path: Path) -> None:
    with pair(tmp_path) as (asking, expert):
        sure = ended(asking, SURE)["result"]
        assert (sure["classification"], jobs(expert)) == ("invoice", 0)
        assert "api" not in sure["engine"]
        assert "first_answer" not in sure

        escalated = ended(asking, UNSURE)["result"]
        assert escalated["classification"] == "keeper log"
        assert escalated["engine"]["api"] == f"127.0.0.1:{expert.base_url.port}"
        assert escalated["first_answer"]["answered_by"] == "engine"
        assert escalated["first_answer"]["confidence"] < 0.8
        assert "escalation_error" not in escalated
        assert jobs(expert) == 1

        unknown = ended(asking, UNKNOWN, "unknown.xyz")  # the other service has the same readers
        assert (unknown["status"], unknown["error_kind"]) == ("failed", "DocumentTypeUnknown")
        assert "gave no answer" in unknown["error"]
        listed = asking.get("/dashboard/api/activity").json()["jobs"]
        assert [job["is_escalated"] for job in listed] == [False, True, False]
        assert KEY not in json.dumps([escalated, unknown, listed])


@pytest.mark.parametrize("problem", ["key", "down"])
def test_the_answer_of_the_engine_stands_if_the_other_api_fails(tmp_path: Path, problem: str) -> None:
    with ExitStack() as stack:
        if problem == "key":
            asking, _ = stack.enter_context(pair(tmp_path, key="wrong"))
        else:
            options = ("--escalate-to", "http://127.0.0.1:9", "--escalate-below", "0.8")
            asking = stack.enter_context(serving(tmp_path, *options))
        result = ended(asking, UNSURE)["result"]
        assert result["success"] is True
        assert result["confidence"] < 0.8
        assert "api" not in result["engine"]
        kind = "AuthenticationRejected" if problem == "key" else "ApiNotReached"
        assert kind in result["escalation_error"]
        failed = ended(asking, UNKNOWN, "unknown.xyz")
        assert (failed["status"], failed["error_kind"]) == ("failed", "DocumentTypeUnknown")
        assert ended(asking, SURE)["result"]["classification"] == "invoice"


def test_a_deleted_job_is_cancelled_at_the_other_api(tmp_path: Path) -> None:
    theirs = {"job_id": "theirs", "status": "processing"}
    with scripted_server(Answer(202, theirs), Answer(200, theirs)) as other:
        options = ("--escalate-to", other.url, "--escalate-below", "0.8")
        with serving(tmp_path, *options) as client:
            files, data = {"pdf_file": ("log.txt", UNSURE)}, {"categories": json.dumps(["invoice", "keeper log"])}
            job_id = client.post("/classify", files=files, data=data).json()["job_id"]
            wait_until(lambda: len(other.requests) > 1)
            assert client.delete(f"/classify/{job_id}").status_code == 200
            wait_until(lambda: other.requests[-1].method == "DELETE")
            assert other.requests[-1].path.startswith("/classify/theirs")


def test_services_that_escalate_to_each_other_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    to_itself = ("--port", port, "--escalate-to", f"http://127.0.0.1:{port}", "--escalate-below", "0.8")
    with serving(tmp_path, *to_itself) as client:
        result = ended(client, UNSURE)["result"]
        assert result["success"] is True
        assert jobs(client) == 1 + MAX_ESCALATIONS


@pytest.mark.parametrize(
    ("header", "count"), [(None, 0), ("", 0), ("2", 2), ("99999", MAX_ESCALATIONS), ("-1", 0), ("two", 0), ("²", 0)]
)
def test_the_header_with_the_escalations_is_read(header: str | None, count: int) -> None:
    assert read_escalations(header) == count


def test_a_job_about_which_a_silent_api_is_asked_is_given_back_at_the_stop(tmp_path: Path) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    options = ("--escalate-to", f"http://127.0.0.1:{silent.getsockname()[1]}", "--escalate-below", "0.8")
    with silent, serving(tmp_path, *options) as client:
        files, data = {"pdf_file": ("log.txt", UNSURE)}, {"categories": json.dumps(["invoice", "keeper log"])}
        job_id = client.post("/classify", files=files, data=data).json()["job_id"]
        wait_until(lambda: client.get(f"/classify/{job_id}").json()["status"] == "processing")
    with serving(tmp_path) as client:  # without the escalation
        wait_until(lambda: client.get(f"/classify/{job_id}").json()["status"] == "completed")
        assert "escalation_error" not in client.get(f"/classify/{job_id}").json()["result"]


class Asking:
    """Asks ``escalation`` in threads about a document of which the engine is not sure; jobs are numbers."""

    def __init__(self, escalation: Escalation, path: Path, threads: ThreadPoolExecutor) -> None:
        self._escalation = escalation
        self._path = path
        self._threads = threads
        path.write_bytes(UNSURE)

    def ask(self, job: int) -> Future[ClassificationResult]:
        categories = (Category("invoice"), Category("letter"))
        return self._threads.submit(
            self._escalation.answer, answer("letter", 0.4), self._path, categories, name="log.txt", job_id=str(job)
        )

    def cancel(self, job: int) -> None:
        self._escalation.cancel(str(job))


@contextmanager
def asking(folder: Path, url: str, **options: Any) -> Iterator[Asking]:
    settings = ApiSettings("--escalate-to", url)
    with ThreadPoolExecutor(8) as threads, closing(Escalation(settings, 0.8, **options)) as escalation:
        yield Asking(escalation, folder / "log.txt", threads)


def test_a_session_that_cannot_be_opened_is_an_error_at_the_start() -> None:
    before = threading.active_count()
    settings = ApiSettings("--escalate-to", "http://127.0.0.1:9", request_timeout="long")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Escalation(settings, 0.8)
    assert threading.active_count() == before


def test_a_request_that_was_stopped_is_no_success_of_the_other_api(tmp_path: Path) -> None:
    refused = Answer(401)
    with (
        scripted_server(refused, refused, Fault.SILENCE, refused) as other,
        asking(tmp_path, other.url, clock=lambda: 0.0) as escalation,
    ):
        for job in (1, 2):
            assert "escalation_error" in escalation.ask(job).result().extra
        deleted = escalation.ask(3)
        wait_until(lambda: len(other.requests) == 3)
        escalation.cancel(3)
        with pytest.raises(EngineClosed):
            deleted.result()
        escalation.ask(4).result()  # the third failure in a row
        assert "ApiUnavailable" in str(escalation.ask(5).result().extra["escalation_error"])
        assert len(other.requests) == 4


def test_the_other_api_is_asked_about_few_documents_at_the_same_time(tmp_path: Path) -> None:
    with scripted_server(Fault.SILENCE) as other, asking(tmp_path, other.url, concurrent=2) as escalation:
        answers = {job: escalation.ask(job) for job in range(6)}
        for job in range(6):
            arrived = min(2 + job, 6)
            wait_until(lambda arrived=arrived: len(other.requests) >= arrived)  # type: ignore[misc]
            assert len(other.requests) == arrived
            asked = int(other.requests[job].headers["Idempotency-Key"])
            escalation.cancel(asked)
            with pytest.raises(EngineClosed):
                answers[asked].result()


def answer(category: str, confidence: float, **extra: object) -> ClassificationResult:
    return ClassificationResult(True, category, confidence, 1, 1, extra=extra)


def test_the_second_answer_names_who_gave_it() -> None:
    first = Outcome("engine", answer("letter", 0.4, engine={"name": "local"}))
    bare = combine(first, Outcome("api.example.com", answer("invoice", 0.9)))
    assert bare.classification == "invoice"
    assert bare.extra["engine"] == {"name": "api.example.com", "api": "api.example.com"}
    assert bare.extra["first_answer"] == {
        "answered_by": "engine", "classification": "letter", "confidence": 0.4, "engine": {"name": "local"},
    }  # fmt: skip
    named = combine(first, Outcome("api.example.com", answer("invoice", 0.9, engine={"name": "big", "version": "7"})))
    assert named.extra["engine"] == {"name": "big", "version": "7", "api": "api.example.com"}


@pytest.mark.parametrize("error", [ApiUnavailable("It is down."), DocumentNeedsOcr("No text.")])
def test_without_a_second_answer_the_first_stands_and_is_marked(error: ClassifyError) -> None:
    result = combine(Outcome("engine", answer("letter", 0.4, language="en")), Outcome("api.example.com", error))
    assert (result.classification, result.confidence, result.extra["language"]) == ("letter", 0.4, "en")
    assert error.kind in str(result.extra["escalation_error"])


def test_without_any_answer_the_error_is_that_of_the_engine() -> None:
    first = Outcome("engine", DocumentTypeUnknown("The type of 'a.xyz' is unknown."))
    with pytest.raises(DocumentTypeUnknown, match=r"is unknown; api.example.com gave no answer \(ApiUnavailable\)\.$"):
        combine(first, Outcome("api.example.com", ApiUnavailable("It is down.")))


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://api.example.com", None),
        (None, 0.5),
        ("https://api.example.com", 0.0),
        ("https://api.example.com", 1.1),
        ("https://api.example.com", float("nan")),
        ("api.example.com", 0.5),
        ("https://user:secret@api.example.com", 0.5),
        ("ftp://api.example.com", 0.5),
    ],
)
def test_wrong_settings_are_refused(url: str | None, below: float | None) -> None:
    with pytest.raises(ServiceNotStarted, match="--escalate-") as refused:
        escalation_settings(url, below, None)
    assert "secret" not in str(refused.value)


def test_settings_without_an_escalation() -> None:
    assert escalation_settings(None, None, "a key") is None


def test_a_server_that_fails_is_left_alone_for_a_while() -> None:
    clock = [0.0]
    pauses = Pauses(2, 30.0, clock=lambda: clock[0])
    for failed in (True, False, True):
        assert pauses.may_ask()
        pauses.note(failed=failed)
    pauses.note(failed=True)
    assert not pauses.may_ask()
    clock[0] = 31.0
    assert pauses.may_ask()  # one request tries it
    assert not pauses.may_ask()  # and the others wait for its outcome
    pauses.note(failed=True)
    clock[0] = 60.0
    assert not pauses.may_ask()
    clock[0] = 62.0
    assert pauses.may_ask()
    pauses.note(failed=False)
    assert pauses.may_ask()
