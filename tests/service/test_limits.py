"""What hostile and unlucky clients cannot do: hold places, connections, disk or workers that others need."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.service.submits import UploadLimits
from airflow_provider_classify.service.transfer_rate import Pace
from tests.support.app_server import AppServer, app_server
from tests.support.record import change_record
from tests.support.waiting import wait_until

CATEGORIES = '["invoice", "receipt"]'
BEGUN = (
    b"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
)
FILE = b'--b\r\ncontent-disposition: form-data; name="pdf_file"; filename="a"\r\n\r\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    with app_server(tmp_path) as server:
        yield server


def submit(server: AppServer, content: bytes = b"%PDF-1.7", categories: Any = CATEGORIES, **headers: str) -> Any:
    files, data = {"pdf_file": ("a.pdf", content)}, {"categories": categories}
    return httpx.post(f"{server.url}/classify", files=files, data=data, headers=headers)


@contextmanager
def connection(server: AppServer, *sent: bytes) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=60)) as client:
        for data in sent:
            client.sendall(data)
        yield client


def received(client: socket.socket) -> bytes:
    """Read until the server closes."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


# --- bodies -------------------------------------------------------------------------------


@pytest.mark.parametrize("pace", [Pace(idle_seconds=0.2), Pace(grace_seconds=0.2)], ids=["idle", "rate"])
def test_a_body_that_stops_is_answered_with_408(tmp_path: Path, pace: Pace) -> None:
    with (
        app_server(tmp_path, upload_limits=UploadLimits(pace=pace)) as server,
        connection(server, BEGUN, FILE, b"half a file") as client,
    ):
        reply = received(client)
        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"too slowly" in reply
        assert server.uploads() == set()


def test_uploads_that_have_begun_hold_no_place_in_the_queue(tmp_path: Path) -> None:
    with app_server(tmp_path, capacity=2) as server, ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connection(server, BEGUN, FILE))
        wait_until(lambda: len(server.uploads()) == 10)
        assert submit(server).status_code == 202


def test_a_silent_upload_gives_way_to_a_new_one(tmp_path: Path) -> None:
    limits = UploadLimits(open=3, silent_seconds=0, pace=Pace(60, 60))
    with app_server(tmp_path, upload_limits=limits) as server, ExitStack() as stack:
        clients = [stack.enter_context(connection(server, BEGUN, FILE)) for _ in range(3)]
        wait_until(lambda: len(server.uploads()) == 3)
        assert submit(server).status_code == 202
        assert received(clients[0]).startswith(b"HTTP/1.1 408 ")


def test_uploads_beyond_the_limit_are_told_to_come_again(tmp_path: Path) -> None:
    limits = UploadLimits(open=2, silent_seconds=600, pace=Pace(60, 60))
    with app_server(tmp_path, upload_limits=limits) as server, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connection(server, BEGUN, FILE))
        wait_until(lambda: len(server.uploads()) == 2)
        reply = submit(server)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
        assert reply.json()["error"]["details"]["reason"] == "uploads_busy"


# --- connections --------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "], ids=["nothing", "half a header"])
def test_a_header_has_a_deadline(tmp_path: Path, sent: bytes) -> None:
    with app_server(tmp_path, header_seconds=0.2) as server, connection(server, sent) as client:
        assert received(client) == b""


def test_a_header_has_a_deadline_on_a_connection_that_was_used(tmp_path: Path) -> None:
    with app_server(tmp_path, header_seconds=0.3) as server, connection(server) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"GET /health HTTP/1.1\r\nX: ")
        assert received(client) == b""


def test_an_upload_may_take_longer_than_its_header(tmp_path: Path) -> None:
    with app_server(tmp_path, header_seconds=0.2) as server, connection(server, BEGUN, FILE) as client:
        wait_until(server.uploads)
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_half_headers_beyond_the_limit_give_way(tmp_path: Path) -> None:
    with app_server(tmp_path, max_connections=5, header_seconds=600) as server, ExitStack() as stack:
        clients = [stack.enter_context(connection(server, b"GET / HTTP/1.1\r\n")) for _ in range(20)]
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert [received(client) for client in clients[:14]] == [b""] * 14


def test_a_header_has_a_limit_of_size(server: AppServer) -> None:
    with connection(server, b"GET /health HTTP/1.1\r\n" + b"X-Pad: aaaaaaaaaaaaaaaaaaa\r\n" * 10_000) as client:
        assert b" 200 " not in received(client)[:20]


def test_the_sizes_and_trailers_of_chunks_have_a_limit(server: AppServer) -> None:
    head = (
        b"POST /classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    for framing in (b"1;" + b"x" * 200_000, b"0\r\nX: " + b"y" * 200_000, b"0\r\n" + b"X: y\r\n" * 40_000):
        with connection(server, head) as client, contextlib.suppress(OSError):
            client.sendall(framing)
            assert received(client).startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_a_form_in_chunks_is_accepted_and_its_trailers_are_ignored(server: AppServer) -> None:
    form = (
        FILE + b"x" * 5000 + b'\r\n--b\r\ncontent-disposition: form-data; name="categories"\r\n\r\n["a"]\r\n--b--\r\n'
    )
    head = BEGUN.replace(b"Content-Length: 100000", b"Transfer-Encoding: chunked")
    pieces = [form[start : start + 100] for start in range(0, len(form), 100)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    with connection(server, head, chunks, b"0\r\napi-key: forged\r\n\r\n") as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 202 ")


def test_what_follows_the_reply_to_a_request_has_a_deadline(tmp_path: Path) -> None:
    with app_server(tmp_path, header_seconds=0.3) as server, connection(server) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")  # allowed before a request, but no request follows
        assert received(client) == b""


def test_pipelined_requests_are_answered_in_order(server: AppServer) -> None:
    paths = [b"/health" if number % 2 else b"/classify/none" for number in range(40)]
    with connection(server, b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        statuses = re.findall(rb"HTTP/1\.1 (\d+) ", received(client))
    assert statuses == [b"404", b"200"] * 20 + [b"200"]


# --- forms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "categories",
    [
        [f"c{i}" for i in range(1001)],
        [f"c{i}" for i in range(90_000)],
        ["x" * 201],
        ["x" * 900_000],
        [{"name": "a", "description": "x" * 2001}],
        "[" * 100_000,
        '["' + "x" * 900_000,
    ],
    ids=["1001 names", "90000 names", "201 characters", "900 kB", "description", "nested", "not JSON"],
)
def test_categories_have_limits_and_are_not_repeated_whole(server: AppServer, categories: Any) -> None:
    written = categories if isinstance(categories, str) else json.dumps(categories)
    reply = submit(server, categories=written)
    assert reply.status_code == 400
    assert len(reply.content) < 1000
    assert server.uploads() == set()


def test_as_many_categories_as_are_allowed_are_taken(server: AppServer) -> None:
    names = [{"name": f"{i:0200}", "description": "d" * 2000} for i in range(1000)]
    assert submit(server, categories=json.dumps(names)).status_code == 202


def test_a_long_boundary_is_refused(server: AppServer) -> None:
    boundary = "b" * 257
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    reply = httpx.post(f"{server.url}/classify", content=f"--{boundary}--\r\n", headers=headers)
    assert reply.status_code == 400
    assert "boundary" in reply.json()["detail"]


def test_a_form_has_a_limit_of_parts(server: AppServer) -> None:
    part = b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ny\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    reply = httpx.post(f"{server.url}/classify", content=part * 1000 + b"--b--\r\n", headers=headers)
    assert (reply.status_code, "parts" in reply.json()["detail"]) == (400, True)


@pytest.mark.parametrize("field", ["categories", "file_url"])
def test_a_field_is_given_once(server: AppServer, field: str) -> None:
    form = f"{field}=http%3A%2F%2Fa%2Fb&{field}=c"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = httpx.post(f"{server.url}/classify", content=form, headers=headers)
    assert (reply.status_code, "several" in reply.json()["detail"]) == (400, True)


def test_a_compressed_form_is_refused(server: AppServer) -> None:
    assert submit(server, **{"Content-Encoding": "gzip"}).status_code == 415


def test_words_of_a_client_cannot_forge_lines(server: AppServer, caplog: pytest.LogCaptureFixture) -> None:
    reply = submit(server, categories='["a", "\\u001b[2J\\nERROR forged"')
    assert reply.status_code == 400
    assert not {"\x1b", "\n"} & set(reply.json()["detail"])
    reply = httpx.get(f"{server.url}/classify/%1B%5B2J%0AERROR%20forged")
    assert reply.status_code == 404
    assert "forged" not in caplog.text


# --- the disk -----------------------------------------------------------------------------


def test_a_cancelled_job_leaves_no_document(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1) as server:
        running = submit(server).json()["job_id"]
        wait_until(lambda: server.classifier.seen)
        for _ in range(5):
            job_id = submit(server).json()["job_id"]
            assert httpx.delete(f"{server.url}/classify/{job_id}").json()["status"] == "failed"
        assert server.uploads() == {running}


def test_documents_together_have_a_limit(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1, max_total_bytes=2500) as server:
        first, second = (submit(server, b"x" * 1000).json()["job_id"] for _ in range(2))
        reply = submit(server, b"x" * 1000)
        assert (reply.status_code, reply.headers["retry-after"]) == (507, "5")
        assert reply.json()["error"]["details"]["reason"] == "disk_full"
        assert server.uploads() == {first, second}
        httpx.delete(f"{server.url}/classify/{second}")
        assert submit(server, b"x" * 1000).status_code == 202


def test_some_of_the_disk_stays_free(tmp_path: Path) -> None:
    with app_server(tmp_path, min_free_bytes=2**62) as server:
        assert submit(server).status_code == 507
        assert httpx.get(f"{server.url}/health").status_code == 503


def test_a_full_disk_is_a_507(server: AppServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert submit(server).status_code == 507
    monkeypatch.undo()
    assert server.uploads() == set()
    assert submit(server).status_code == 202


def test_a_disk_that_becomes_full_is_a_507(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "x", disk]).returncode:
        pytest.skip("Only root may mount a small disk.")
    try:
        with app_server(disk, max_bytes=10**9) as server:
            assert submit(server, b"x" * 5_000_000).status_code == 507
            assert server.uploads() == set()
            ballast = disk / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(b"x" * 4096):
                    pass
            assert submit(server).status_code == 507
            ballast.unlink()
            assert submit(server).status_code == 202
    finally:
        subprocess.run(["umount", disk], check=True)


def test_health_says_when_the_folder_is_gone(server: AppServer) -> None:
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}
    server.documents.rmdir()
    reply = httpx.get(f"{server.url}/health")
    assert (reply.status_code, reply.json()["error"]["details"]["reason"]) == (503, "data_folder")
    assert submit(server).status_code == 503


def test_health_says_when_the_record_is_broken(server: AppServer) -> None:
    change_record(server.documents.parent / "jobs.db", "DROP TABLE {table}")
    reply = httpx.get(f"{server.url}/health")
    assert (reply.status_code, reply.json()["error"]["details"]["reason"]) == (503, "job_record")


def test_a_damaged_row_fails_its_job_alone(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1) as server:
        submit(server)
        wait_until(lambda: server.classifier.seen)
        damaged, sound = (submit(server).json()["job_id"] for _ in range(2))
        statement = "UPDATE {table} SET categories = '[half' WHERE job_id = ?"
        change_record(tmp_path / "jobs.db", statement, damaged)
        server.classifier.gate.set()
        assert server.ended(sound).status is JobStatus.COMPLETED
        reply = httpx.get(f"{server.url}/classify/{damaged}")
        assert (reply.status_code, reply.json()["error_kind"]) == (200, "JobRecordDamaged")


# --- idempotency keys ---------------------------------------------------------------------


def test_a_key_is_for_one_document_and_its_categories(server: AppServer) -> None:
    key = {"Idempotency-Key": "k"}
    first = submit(server, b"one", **key)
    assert submit(server, b"one", **key).json() == first.json()
    for content, categories in ((b"two", CATEGORIES), (b"one", '["receipt", "invoice"]'), (b"one", '["invoice"]')):
        reply = submit(server, content, categories, **key)
        assert reply.status_code == 422
        [error] = reply.json()["detail"]
        assert error["loc"] == ["header", "Idempotency-Key"]
        assert "another document or other categories" in error["msg"]
    assert [job.job_id for job in server.store.jobs()] == [first.json()["job_id"]]
    wait_until(lambda: server.uploads() == set())


def test_a_key_is_for_one_url(tmp_path: Path) -> None:
    with app_server(tmp_path, allow_private_urls=False) as server:
        replies = [
            httpx.post(
                f"{server.url}/classify",
                data={"categories": CATEGORIES, "file_url": url},
                headers={"Idempotency-Key": "k"},
            )
            for url in ("http://127.0.0.1/a", "http://127.0.0.1/a", "http://127.0.0.1/b")
        ]
        assert [reply.status_code for reply in replies] == [202, 202, 422]
        job = server.ended(replies[0].json()["job_id"])
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "RequestRejected")
