"""Every reply of the contract over real HTTP, with a stand-in for the engine that the test controls."""

from __future__ import annotations

import http.client
import socket
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.api.sync import ApiBackend
from airflow_provider_classify.model.api_contract import CANNOT_OPEN, MAX_BYTES
from airflow_provider_classify.model.job import Job, JobStatus, Submission
from tests.support.app_server import AppServer, app_server
from tests.support.waiting import wait_until

CATEGORIES = '[{"name": "invoice"}, {"name": "receipt", "description": "proof of payment"}]'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    with app_server(tmp_path) as server:
        yield server


@pytest.fixture
def held_server(tmp_path: Path) -> Iterator[AppServer]:
    with app_server(tmp_path, held=True, threads=1, capacity=2) as server:
        yield server


def submit(
    server: AppServer, content: bytes = b"%PDF-1.7", name: str = "a.pdf", path: str = "/classify", **headers: str
) -> httpx.Response:
    files = {"pdf_file": (name, content)}
    return httpx.post(server.url + path, files=files, data={"categories": CATEGORIES}, headers=headers)


def get(server: AppServer, job_id: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.url}/classify/{job_id}", headers=headers)


def test_a_submit_is_accepted(server: AppServer) -> None:
    reply = submit(server)
    assert reply.status_code == 202
    body = reply.json()
    assert str(uuid.UUID(body.pop("job_id"))) == Submission.from_json(reply.json()).job_id
    assert body == {"status": "queued", "message": "Classification started"}


def test_a_job_goes_from_queued_to_completed(held_server: AppServer) -> None:
    server = held_server
    running, waiting = submit(server).json()["job_id"], submit(server, b"%PDF-1.4").json()["job_id"]
    wait_until(lambda: server.store.get(running).status is JobStatus.PROCESSING)
    assert get(server, waiting).json() == {
        "job_id": waiting,
        "status": "queued",
        "progress": "Starting classification...",
        "error": None,
        "result": None,
    }
    assert get(server, running).json()["status"] == "processing"
    assert get(server, running).json()["progress"] == "Starting classification..."
    server.classifier.gate.set()
    server.ended(waiting)
    assert get(server, running).json() == {
        "job_id": running,
        "status": "completed",
        "progress": "Classification completed",
        "error": None,
        "result": {
            "success": True,
            "classification": "invoice",
            "confidence": 0.9,
            "total_pages": 1,
            "processed_pages": 1,
            "page_results": [
                {"page": 1, "success": True, "classification": "invoice", "confidence": 0.9, "raw_result": "invoice"}
            ],
        },
    }
    assert server.classifier.seen == [("a.pdf", b"%PDF-1.7"), ("a.pdf", b"%PDF-1.4")]


def test_a_document_is_kept_until_its_job_ends(held_server: AppServer) -> None:
    job_id = submit(held_server).json()["job_id"]
    assert held_server.uploads() == {job_id}
    held_server.classifier.gate.set()
    held_server.ended(job_id)
    wait_until(lambda: held_server.uploads() == set())


@pytest.mark.parametrize(
    ("content", "error", "kind"),
    [
        (b"%PDF-1.7 damaged", CANNOT_OPEN, "DocumentCorrupt"),
        (b"\xff\xd8 damaged", "a.pdf is damaged; send it again.", "DocumentCorrupt"),
        (b"", "a.pdf is empty; send a file with content.", "DocumentEmpty"),
    ],
)
def test_a_job_fails_with_a_sentence_and_a_kind(server: AppServer, content: bytes, error: str, kind: str) -> None:
    job_id = submit(server, content).json()["job_id"]
    server.ended(job_id)
    reply = get(server, job_id)
    assert reply.status_code == 200
    assert reply.json() == {
        "job_id": job_id,
        "status": "failed",
        "progress": "Classification failed",
        "error": error,
        "result": None,
        "error_kind": kind,
    }
    wait_until(lambda: server.uploads() == set())


def test_a_bug_fails_its_job_and_no_other(server: AppServer) -> None:
    broken = [submit(server, b"bug").json()["job_id"] for _ in range(3)]
    fine = submit(server).json()["job_id"]
    assert server.ended(fine).status is JobStatus.COMPLETED
    for job_id in broken:
        job = server.ended(job_id)
        assert (job.status, job.error_kind) == (JobStatus.FAILED, None)
        assert "failed on this document" in (job.error or "")


def test_older_conditions_are_categories(server: AppServer) -> None:
    reply = httpx.post(
        f"{server.url}/classify",
        files={"pdf_file": ("a.pdf", b"x")},
        data={"conditions": '["letter", "memo"]'},
    )
    job = server.ended(reply.json()["job_id"])
    assert job.result is not None
    assert job.result.classification == "letter"


def test_a_trailing_slash_is_the_same_route(server: AppServer) -> None:
    assert submit(server, path="/classify/").status_code == 202


def test_a_file_name_of_any_script_arrives(server: AppServer) -> None:
    job_id = submit(server, name="Straße 請求書.pdf").json()["job_id"]
    assert server.store.request(job_id).document == "Straße 請求書.pdf"


@pytest.mark.parametrize(
    ("form", "status", "detail"),
    [
        ({"data": {"categories": CATEGORIES}}, 400, "Either pdf_file or file_url must be provided"),
        (
            {"data": {"categories": CATEGORIES, "file_url": "http://a/b"}, "files": {"pdf_file": ("a.pdf", b"x")}},
            400,
            "Provide either pdf_file or file_url, not both",
        ),
        ({"data": {"categories": CATEGORIES, "file_url": "file:///etc/passwd"}}, 400, "file_url must be"),
        ({"data": {"categories": "nonsense"}, "files": {"pdf_file": ("a.pdf", b"x")}}, 400, "not JSON"),
        ({"data": {"categories": '["a", "a"]'}, "files": {"pdf_file": ("a.pdf", b"x")}}, 400, "given twice"),
        ({"json": {"categories": ["a"]}}, 400, "multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": b"rubbish", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, "form"),
        (
            {
                "content": b'--b\r\ncontent-disposition: form-data; name="pdf_file"; filename="a"\r\n\r\nhalf',
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            400,
            "ends before",
        ),
        (
            {"data": {"categories": CATEGORIES}, "files": [("pdf_file", ("a", b"x")), ("pdf_file", ("b", b"y"))]},
            400,
            "not several",
        ),
    ],
)
def test_bad_requests_say_why(server: AppServer, form: dict[str, Any], status: int, detail: str) -> None:
    reply = httpx.post(f"{server.url}/classify", **form)
    assert reply.status_code == status
    assert detail in reply.json()["detail"]
    assert server.store.unfinished() == []
    assert server.uploads() == set()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"files": {"pdf_file": ("a.pdf", b"x")}}, "categories"),
        ({"data": {"file_url": "http://a/b"}}, "categories"),
        ({"files": {"pdf_file": (None, b"text"), "categories": (None, CATEGORIES)}}, "pdf_file"),
    ],
)
def test_a_field_of_the_wrong_sort_is_a_422_with_a_list(server: AppServer, form: dict[str, Any], field: str) -> None:
    reply = httpx.post(f"{server.url}/classify", **form)
    assert reply.status_code == 422
    assert [error["loc"] for error in reply.json()["detail"]] == [["body", field]]
    assert server.uploads() == set()


def test_unknown_fields_and_files_are_read_over(server: AppServer) -> None:
    reply = httpx.post(
        f"{server.url}/classify",
        files={"other": ("o.bin", b"o" * 100_000), "pdf_file": ("a.pdf", b"right")},
        data={"categories": CATEGORIES, "model": "gamma"},
    )
    server.ended(reply.json()["job_id"])
    assert server.classifier.seen == [("a.pdf", b"right")]


@pytest.mark.parametrize("path", ["/classify/x/y", "/nothing", "/docs", "/redoc"])
def test_unknown_routes_have_a_detail(server: AppServer, path: str) -> None:
    reply = httpx.get(server.url + path)
    assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize(("method", "path"), [("PUT", "/classify"), ("GET", "/classify/"), ("PUT", "/classify/1")])
def test_other_methods_are_not_allowed(server: AppServer, method: str, path: str) -> None:
    reply = httpx.request(method, server.url + path)
    assert (reply.status_code, reply.json()) == (405, {"detail": "Method Not Allowed"})


def test_an_unknown_job_is_not_found(server: AppServer) -> None:
    reply = get(server, str(uuid.uuid4()))
    assert (reply.status_code, reply.json()) == (404, {"detail": "Job not found"})


def test_health_needs_no_key(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="s3cret") as server:
        assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize("headers", [{}, {"api-key": "wrong"}, {"api-key": ""}, {"api-key": "s3cret "[:-2]}])
def test_a_wrong_key_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    with app_server(tmp_path, api_key="s3cret") as server:
        for reply in (submit(server, **headers), get(server, "any", **headers)):
            assert reply.status_code == 401
            assert "API key" in reply.json()["detail"]
            assert "s3cret" not in reply.text
        assert server.uploads() == set()


def test_the_right_key_is_let_in(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="s3cret") as server:
        reply = submit(server, **{"api-key": "s3cret"})
        assert reply.status_code == 202
        assert get(server, reply.json()["job_id"], **{"api-key": "s3cret"}).status_code == 200


def test_a_refused_upload_sees_its_answer_not_a_reset(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="s3cret", max_bytes=100_000_000) as server:
        assert submit(server, b"x" * 50_000_000).status_code == 401


def test_a_document_of_the_limit_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    with app_server(tmp_path, max_bytes=200_000, held=True) as server:
        accepted = submit(server, b"x" * 200_000)
        assert accepted.status_code == 202
        refused = submit(server, b"x" * 200_001)
        assert refused.status_code == 413
        detail = "The document is larger than the limit of 200000 bytes"
        assert refused.json()["detail"] == detail
        assert refused.json()["error"] == {
            "code": "payload_too_large",
            "message": detail,
            "details": {"max_bytes": 200_000},
        }
        assert server.uploads() == {accepted.json()["job_id"]}


def test_an_announced_length_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with app_server(tmp_path, max_bytes=1000) as server:
        assert submit(server, b"x" * 4_000_000).status_code == 413


def test_the_limit_holds_without_an_announced_length(tmp_path: Path) -> None:
    def body() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="pdf_file"; filename="a.pdf"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 100_000
        yield b"\r\n--b--\r\n"

    with app_server(tmp_path, max_bytes=200_000) as server:
        reply = httpx.post(
            f"{server.url}/classify", content=body(), headers={"content-type": "multipart/form-data; boundary=b"}
        )
        assert reply.request.headers.get("content-length") is None
        assert reply.status_code == 413
        assert server.uploads() == set()


def test_long_text_fields_are_refused(server: AppServer) -> None:
    text = {"categories": "x" * 4_300_000}
    for form in ({"data": text}, {"data": text, "files": {"pdf_file": ("a.pdf", b"x")}}):
        reply = httpx.post(f"{server.url}/classify", **form)
        assert reply.status_code == 413
        assert "detail" in reply.json()


def test_the_limit_is_that_of_the_api() -> None:
    assert MAX_BYTES == 524_288_000


def test_a_full_queue_refuses_and_names_the_wait(held_server: AppServer) -> None:
    server = held_server
    running = submit(server).json()["job_id"]
    wait_until(lambda: server.store.get(running).status is JobStatus.PROCESSING)
    waiting = [submit(server).json()["job_id"] for _ in range(2)]
    refused = submit(server)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    detail = refused.json()["detail"]
    assert refused.json()["error"] == {
        "code": "service_unavailable",
        "message": detail,
        "details": {"reason": "queue_full", "retry_after": 5},
    }
    assert server.uploads() == {running, *waiting}
    server.classifier.gate.set()
    server.ended(waiting[-1])
    assert submit(server).status_code == 202


def test_refused_forms_take_no_place_in_the_queue(held_server: AppServer) -> None:
    for _ in range(5):
        assert httpx.post(f"{held_server.url}/classify", data={"categories": CATEGORIES}).status_code == 400
    assert submit(held_server).status_code == 202


def test_an_upload_that_breaks_off_leaves_nothing(held_server: AppServer) -> None:
    host, port = held_server.url.removeprefix("http://").split(":")
    for _ in range(3):
        connection = http.client.HTTPConnection(host, int(port))
        connection.putrequest("POST", "/classify")
        connection.putheader("Content-Type", "multipart/form-data; boundary=b")
        connection.putheader("Content-Length", "100000")
        connection.endheaders()
        connection.send(b'--b\r\ncontent-disposition: form-data; name="pdf_file"; filename="a"\r\n\r\nhalf a file')
        wait_until(held_server.uploads)
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        wait_until(lambda: held_server.uploads() == set())
    assert submit(held_server).status_code == 202


def test_a_cancelled_job_gives_its_place_in_the_queue_back(held_server: AppServer) -> None:
    server = held_server
    running = submit(server).json()["job_id"]
    wait_until(lambda: server.store.get(running).status is JobStatus.PROCESSING)
    waiting = [submit(server, b"%PDF-1.4").json()["job_id"] for _ in range(2)]
    assert submit(server).status_code == 503

    reply = httpx.delete(f"{server.url}/classify/{waiting[0]}")
    assert (reply.status_code, reply.json()) == (200, get(server, waiting[0]).json())
    assert (reply.json()["status"], reply.json()["error_kind"]) == ("failed", "JobCancelled")
    later = submit(server, b"%PDF-1.5")
    assert later.status_code == 202

    server.classifier.gate.set()
    assert server.ended(later.json()["job_id"]).status is JobStatus.COMPLETED
    assert server.ended(waiting[1]).status is JobStatus.COMPLETED
    assert len(server.classifier.seen) == 3
    wait_until(lambda: server.uploads() == set())


def test_a_job_that_is_cancelled_while_it_is_classified_stays_cancelled(held_server: AppServer) -> None:
    server = held_server
    job_id = submit(server).json()["job_id"]
    wait_until(lambda: server.classifier.seen)
    assert httpx.delete(f"{server.url}/classify/{job_id}").json()["status"] == "failed"
    server.classifier.gate.set()
    wait_until(lambda: server.uploads() == set())
    assert get(server, job_id).json()["error_kind"] == "JobCancelled"


def test_a_job_that_has_ended_is_deleted_with_its_result(server: AppServer) -> None:
    job_id = submit(server).json()["job_id"]
    server.ended(job_id)
    answer = get(server, job_id).json()
    reply = httpx.delete(f"{server.url}/classify/{job_id}")
    assert (reply.status_code, reply.json()) == (200, answer)
    for gone in (get(server, job_id), httpx.delete(f"{server.url}/classify/{job_id}")):
        assert (gone.status_code, gone.json()) == (404, {"detail": "Job not found"})
    assert server.store.jobs() == []


def test_a_late_cancel_leaves_a_job_that_has_ended(server: AppServer) -> None:
    """The client may cancel a job that ended a moment ago, and whose result somebody else still reads."""
    job_id = submit(server).json()["job_id"]
    server.ended(job_id)
    answer = get(server, job_id).json()
    reply = httpx.delete(f"{server.url}/classify/{job_id}", params={"unless_ended": "true"})
    assert (reply.status_code, reply.json()) == (200, answer)
    assert get(server, job_id).json() == answer

    with ApiBackend(ApiSettings("classify_api", server.url)) as client:
        job = client.cancel(job_id)
    assert job is not None
    assert job.status is JobStatus.COMPLETED
    assert get(server, job_id).json() == answer


def test_a_job_that_is_deleted_before_its_end_leaves_only_that_it_was_cancelled(held_server: AppServer) -> None:
    server = held_server
    job_id = submit(server, name="payroll.pdf").json()["job_id"]
    httpx.delete(f"{server.url}/classify/{job_id}")
    assert server.uploads() == set()
    assert get(server, job_id).json()["error_kind"] == "JobCancelled"
    assert "payroll" not in get(server, job_id).text


def test_only_who_has_the_key_cancels(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="right", held=True) as server:
        job_id = submit(server, **{"api-key": "right"}).json()["job_id"]
        assert httpx.delete(f"{server.url}/classify/{job_id}", headers={"api-key": "wrong"}).status_code == 401
        assert not server.store.get(job_id).status.is_terminal
        assert httpx.delete(f"{server.url}/classify/{uuid.uuid4()}", headers={"api-key": "right"}).status_code == 404


def test_the_service_says_that_it_honours_keys(server: AppServer) -> None:
    assert submit(server).headers["Idempotency-Key-Honoured"] == "true"
    assert get(server, str(uuid.uuid4())).headers["Idempotency-Key-Honoured"] == "true"


def test_one_idempotency_key_is_one_job(held_server: AppServer) -> None:
    key = {"Idempotency-Key": "retry-of-one-submit"}
    first = submit(held_server, **key)
    again = submit(held_server, **key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert held_server.store.unfinished() == [first.json()["job_id"]]
    assert held_server.uploads() == {first.json()["job_id"]}
    assert submit(held_server, **{"Idempotency-Key": "another"}).json()["job_id"] != first.json()["job_id"]


def test_a_repeated_key_is_answered_though_the_queue_is_full(held_server: AppServer) -> None:
    key = {"Idempotency-Key": "k"}
    first = submit(held_server, **key)
    wait_until(lambda: held_server.store.get(first.json()["job_id"]).status is JobStatus.PROCESSING)
    for _ in range(2):
        submit(held_server)
    assert submit(held_server).status_code == 503
    assert submit(held_server, **key).json() == first.json()


def test_submits_with_one_key_at_the_same_time_are_one_job(server: AppServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: submit(server, **{"Idempotency-Key": "k"}), range(16)))
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.json()["job_id"] for reply in replies}) == 1
    server.ended(replies[0].json()["job_id"])
    assert len(server.classifier.seen) == 1


def test_too_long_a_key_is_refused(server: AppServer) -> None:
    reply = submit(server, **{"Idempotency-Key": "k" * 256})
    assert reply.status_code == 400
    assert "Idempotency-Key" in reply.json()["detail"]


def test_submits_from_many_threads_are_all_done(server: AppServer) -> None:
    def whole(number: int) -> tuple[str, bytes]:
        files = {"pdf_file": (f"{number}.pdf", f"document {number}".encode())}
        job_id = client.post("/classify", files=files, data={"categories": CATEGORIES}).json()["job_id"]
        assert server.ended(job_id).status is JobStatus.COMPLETED
        assert Job.from_json(client.get(f"/classify/{job_id}").json()) == server.store.get(job_id)
        return files["pdf_file"]

    with httpx.Client(base_url=server.url) as client, ThreadPoolExecutor(16) as pool:
        done = set(pool.map(whole, range(80)))
    assert set(server.classifier.seen) == done
    wait_until(lambda: server.uploads() == set())


def test_a_lost_record_is_a_503_in_words_of_the_contract(server: AppServer) -> None:
    job_id = submit(server).json()["job_id"]
    server.ended(job_id)
    server.store.close()
    (server.documents.parent / "jobs.db").write_bytes(b"no database " * 1000)
    reply = get(server, job_id)
    assert reply.status_code == 503
    assert reply.json()["error"]["details"] == {"reason": "job_record", "retry_after": 5}
    assert "jobs.db" not in reply.text
    assert "record of jobs" in reply.json()["detail"]


def test_a_result_that_could_not_be_recorded_is_not_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with app_server(tmp_path, held=True, sqlite_wait=0.1) as server:
        job_id = submit(server).json()["job_id"]
        wait_until(lambda: server.classifier.seen)
        with closing(sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            server.classifier.gate.set()
            wait_until(lambda: "is tried again" in caplog.text)
            assert get(server, job_id).json()["status"] == "processing"
            assert submit(server).status_code == 503
        assert server.ended(job_id).status is JobStatus.COMPLETED
        wait_until(lambda: server.uploads() == set())


def test_the_routes_are_described(server: AppServer) -> None:
    described = httpx.get(f"{server.url}/openapi.json").json()
    methods = {path: set(operations) for path, operations in described["paths"].items()}
    assert methods == {
        "/classify": {"get", "post"},
        "/classify/{job_id}": {"get", "delete"},
        "/health": {"get"},
        "/health/live": {"get"},
        "/health/ready": {"get"},
        "/metrics": {"get"},
    }
    form = described["paths"]["/classify"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {"pdf_file", "file_url", "categories", "conditions", "webhook_url"}
