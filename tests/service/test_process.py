"""The service as a process: what survives its end, how it stops, and what it refuses to start with."""

from __future__ import annotations

import re
import socket
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from airflow_provider_classify.exceptions import ExtraNotInstalled, ServiceNotStarted
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.service.server import serve
from tests.support.service import RunningService, running_service
from tests.support.waiting import wait_until

CATEGORIES = '["invoice", "receipt", "contract"]'


def submit(service: RunningService, path: Path, **headers: str) -> str:
    with path.open("rb") as file:
        reply = httpx.post(
            f"{service.url}/classify",
            files={"pdf_file": (path.name, file)},
            data={"categories": CATEGORIES},
            headers=headers,
        )
    assert reply.status_code == 202, reply.text
    return reply.json()["job_id"]


def get(service: RunningService, job_id: str) -> Job:
    return Job.from_json(httpx.get(f"{service.url}/classify/{job_id}").json())


def ended(service: RunningService, job_id: str) -> Job:
    wait_until(lambda: get(service, job_id).status.is_terminal)
    return get(service, job_id)


def test_accepted_jobs_survive_a_kill(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path) as service:
        first = submit(service, samples / "invoice.pdf", **{"Idempotency-Key": "first"})
        finished = ended(service, first)
        scans = [submit(service, samples / "contract.pdf") for _ in range(2)]
        jobs = [*scans, submit(service, samples / "invoice.pdf")]
        wait_until(lambda: get(service, scans[0]).status is JobStatus.PROCESSING)
        service.kill()
    (tmp_path / "documents" / "half-an-upload.part").write_bytes(b"half")
    with running_service(tmp_path) as service:
        assert [ended(service, job_id).status for job_id in jobs] == [JobStatus.COMPLETED] * 3
        answers = [ended(service, job_id).result for job_id in jobs]
        assert [answer.classification for answer in answers if answer] == ["contract"] * 2 + ["invoice"]
        assert get(service, first) == finished
        assert submit(service, samples / "invoice.pdf", **{"Idempotency-Key": "first"}) == first
        wait_until(lambda: not list((tmp_path / "documents").iterdir()))


def test_every_submit_that_was_answered_survives_a_kill_amid_submits(tmp_path: Path, samples: Path) -> None:
    answered: list[str] = []

    def submit_until_killed(service: RunningService) -> None:
        with httpx.Client() as client:
            while True:
                try:
                    reply = client.post(
                        f"{service.url}/classify",
                        files={"pdf_file": ("a.pdf", bytes(range(256)))},
                        data={"categories": CATEGORIES},
                    )
                except httpx.HTTPError:
                    return
                if reply.status_code == 202:
                    answered.append(reply.json()["job_id"])

    with running_service(tmp_path) as service, ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(submit_until_killed, service)
        wait_until(lambda: len(answered) > 50)
        service.kill()
    with running_service(tmp_path) as service:
        assert Counter(ended(service, job_id).status for job_id in answered) == {JobStatus.FAILED: len(answered)}
        assert {get(service, job_id).error_kind for job_id in answered} == {"DocumentTypeUnknown"}


def test_a_stop_is_clean_and_leaves_the_running_job_unfinished(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path, options={"grace_seconds": 0}) as service:
        jobs = [submit(service, samples / "contract.pdf") for _ in range(3)]
        wait_until(lambda: get(service, jobs[0]).status is JobStatus.PROCESSING)
        children = psutil.Process(service.pid).children(recursive=True)
        assert service.stop() == 0
        assert not re.search("WARNING|ERROR|Traceback", service.log.read_text())
        wait_until(lambda: not any(child.is_running() for child in children))
    store = JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")
    assert store.unfinished()
    assert all(store.get(job_id).status is not JobStatus.FAILED for job_id in jobs)
    with running_service(tmp_path) as service:
        assert {ended(service, job_id).status for job_id in jobs} == {JobStatus.COMPLETED}


def test_a_stop_finishes_the_document_that_is_being_classified(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path) as service:
        job_id = submit(service, samples / "contract.pdf")
        wait_until(lambda: get(service, job_id).status is JobStatus.PROCESSING)
        assert service.stop() == 0
    with closing(JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")) as store:
        assert store.get(job_id).status is JobStatus.COMPLETED
    assert list((tmp_path / "documents").iterdir()) == []


def test_a_stop_gives_a_job_back_that_takes_longer_than_its_grace(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path, workers=1, options={"grace_seconds": 0.2}) as service, service.frozen_engine():
        job_id = submit(service, samples / "invoice.pdf")
        wait_until(lambda: get(service, job_id).status is JobStatus.PROCESSING)
        assert service.stop() == 0
    with closing(JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")) as store:
        assert store.unfinished() == [job_id]
        claim = store.queue.claim()
        assert claim is not None
        assert (claim.job_id, claim.crashes, claim.losses) == (job_id, 0, 0)
        assert store.queue.give_back(claim)
    with running_service(tmp_path) as service:
        assert ended(service, job_id).status is JobStatus.COMPLETED


def test_a_document_that_ends_its_engine_twice_fails(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path) as service:
        job_id = submit(service, samples / "contract.pdf")
        killed: list[int] = []
        while len(killed) < 2:
            wait_until(lambda: [child for child in service.engine() if child.pid not in killed])
            [child] = [child for child in service.engine() if child.pid not in killed]
            killed.append(child.pid)
            child.kill()
        job = ended(service, job_id)
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "DocumentCrashedParser")
        assert "contract.pdf" in str(job.error)
        assert ended(service, submit(service, samples / "invoice.pdf")).status is JobStatus.COMPLETED


def test_a_document_whose_engine_dies_once_is_classified(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path) as service:
        job_id = submit(service, samples / "contract.pdf")
        wait_until(service.engine)
        service.engine()[0].kill()
        assert ended(service, job_id).status is JobStatus.COMPLETED


def test_a_document_with_which_the_service_dies_twice_fails(tmp_path: Path, samples: Path) -> None:
    for run in range(2):
        with running_service(tmp_path, workers=1) as service:
            if run == 0:
                fatal, other = submit(service, samples / "contract.pdf"), submit(service, samples / "invoice.pdf")
            wait_until(service.engine)
            assert get(service, fatal).status is JobStatus.PROCESSING
            service.kill()
    with running_service(tmp_path) as service:
        job = ended(service, fatal)
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "DocumentCrashedParser")
        assert "contract.pdf" in str(job.error)
        assert ended(service, other).status is JobStatus.COMPLETED
        wait_until(lambda: not list((tmp_path / "documents").iterdir()))


def test_a_kill_leaves_no_child(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path) as service:
        ended(service, submit(service, samples / "invoice.pdf"))
        children = psutil.Process(service.pid).children(recursive=True)
        service.kill()
        wait_until(lambda: not any(child.is_running() for child in children))
    assert children


def test_a_stop_as_soon_as_it_has_started_is_clean(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        assert service.stop() == 0
        assert service.log.read_text() == ""


def test_a_stop_with_an_open_connection_is_clean(tmp_path: Path) -> None:
    with running_service(tmp_path) as service, httpx.Client() as client:
        client.get(f"{service.url}/health")
        assert service.stop() == 0


def test_one_folder_has_one_service(tmp_path: Path) -> None:
    with running_service(tmp_path), pytest.raises(ServiceNotStarted, match="Another service uses the folder"):
        serve(port=0, data_dir=tmp_path)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceNotStarted, match=f"127.0.0.1:{port}"):
            serve(port=port, data_dir=tmp_path)


def test_an_empty_key_does_not_let_everyone_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFY_API_KEY", " ")
    with pytest.raises(ServiceNotStarted, match="CLASSIFY_API_KEY"):
        serve(port=0, data_dir=tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceNotStarted, match="file/data"):
        serve(port=0, data_dir=tmp_path / "file" / "data")


def test_a_public_address_needs_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSIFY_API_KEY", raising=False)
    with pytest.raises(ServiceNotStarted, match="--allow-anonymous"):
        serve("0.0.0.0", port=0, data_dir=tmp_path)


def test_a_missing_engine_is_named_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtraNotInstalled, match=r"onnxruntime; install airflow-provider-classify\[local\]"):
        serve(port=0, data_dir=tmp_path)


def test_an_address_that_is_not_public_is_fetched_from_only_by_a_switch(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        data = {"categories": CATEGORIES, "file_url": f"{service.url}/health"}
        job = ended(service, httpx.post(f"{service.url}/classify", data=data).json()["job_id"])
        assert (job.status, job.error_kind) == (JobStatus.FAILED, "RequestRejected")
    with running_service(tmp_path, allow_private_urls=True) as service:
        data["file_url"] = f"{service.url}/openapi.json"
        job = ended(service, httpx.post(f"{service.url}/classify", data=data).json()["job_id"])
        assert job.error_kind != "RequestRejected"


def test_requests_that_are_not_http_leave_no_trace_but_a_line(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        host, port = service.url.removeprefix("http://").split(":")
        for data in (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET /\x1b[2J HTTP/1.1\r\n\r\n", b"\n" * 100_000):
            with socket.create_connection((host, int(port))) as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
        assert httpx.get(f"{service.url}/health").status_code == 200
        log = service.log.read_text()
        assert "Traceback" not in log
        assert "\x1b[2J" not in log
