"""A service of several processes, with a record on PostgreSQL and documents in an object storage."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fsspec import get_filesystem_class

from airflow_provider_classify.exceptions import ExtraNotInstalled, ServiceNotStarted, StorageError
from airflow_provider_classify.model.api_contract import MAX_BYTES
from airflow_provider_classify.model.job import Job, JobStatus
from airflow_provider_classify.service.object_documents import ObjectDocuments
from airflow_provider_classify.service.server import serve
from airflow_provider_classify.service.upload_folder import UploadFolder
from tests.storage.storages import require
from tests.storage.tcp_proxy import TcpProxy
from tests.support.s3 import BUCKET, S3Server, running_s3
from tests.support.service import RunningService
from tests.support.service_processes import ServiceProcesses
from tests.support.waiting import wait_until

LETTER = b"Dear Mrs. Brown,\n\nthank you for your letter of May 3.\n\nYours sincerely\nJohn Smith\n"
CATEGORIES = '["letter", "invoice"]'
LEASE = 2.0


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    require("moto", "flask", "flask_cors", "s3fs")
    with running_s3() as server:
        yield server


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a folder that no other test has, which this process can use too."""
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def processes(tmp_path: Path, postgres_url: str, bucket: str, s3: S3Server) -> Iterator[ServiceProcesses]:
    with ServiceProcesses(tmp_path, postgres_url, bucket, s3.env, lease=LEASE) as processes:
        yield processes


@pytest.fixture
def documents(tmp_path: Path, bucket: str) -> ObjectDocuments:
    """The documents of the service, as another process sees them."""
    return ObjectDocuments(bucket, UploadFolder(tmp_path / "arriving", MAX_BYTES))


def submit(service: RunningService, content: bytes = LETTER) -> str:
    files = {"pdf_file": ("letter.txt", content)}
    reply = httpx.post(f"{service.url}/classify", files=files, data={"categories": CATEGORIES}, timeout=60)
    assert reply.status_code == 202, reply.text
    return reply.json()["job_id"]


def get(service: RunningService, job_id: str) -> Job:
    return Job.from_json(httpx.get(f"{service.url}/classify/{job_id}", timeout=60).raise_for_status().json())


def ended(service: RunningService, job_id: str) -> Job:
    wait_until(lambda: get(service, job_id).status.is_terminal)
    return get(service, job_id)


@contextmanager
def frozen(api: RunningService, worker: RunningService) -> Iterator[None]:
    """Suspend the engine of a worker during the block. Its process starts with the first document."""
    ended(api, submit(api))
    engine = worker.engine()
    for process in engine:
        process.suspend()
    try:
        yield
    finally:
        for process in engine:
            if process.is_running():
                process.resume()


def test_workers_classify_what_another_process_accepts(processes: ServiceProcesses, documents: ObjectDocuments) -> None:
    api = processes.start("api")
    waiting = submit(api)
    time.sleep(0.5)
    assert get(api, waiting).status is JobStatus.QUEUED
    assert documents.job_ids() == {waiting}
    worker = processes.start("worker")
    jobs = [waiting, *(submit(api) for _ in range(8))]
    answers = [ended(api, job_id).result for job_id in jobs]
    assert [answer.classification for answer in answers if answer] == ["letter"] * 9
    assert api.engine() == []
    assert worker.engine()
    wait_until(lambda: documents.job_ids() == set())
    assert httpx.get(f"{worker.url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{worker.url}/classify/{waiting}").status_code == 404


def test_the_jobs_of_a_killed_process_run_elsewhere(processes: ServiceProcesses, documents: ObjectDocuments) -> None:
    first, second = processes.start(), processes.start("api")
    with frozen(second, first):
        jobs = [submit(second) for _ in range(4)]
        wait_until(lambda: get(second, jobs[0]).status is JobStatus.PROCESSING)
        first.kill()
    third = processes.start("worker")
    assert {ended(second, job_id).status for job_id in jobs} == {JobStatus.COMPLETED}
    assert third.engine()
    wait_until(lambda: documents.job_ids() == set())


def test_a_late_result_is_refused(processes: ServiceProcesses, documents: ObjectDocuments) -> None:
    api, late = processes.start("api"), processes.start("worker")
    with frozen(api, late):
        job_id = submit(api)
        wait_until(lambda: get(api, job_id).status is JobStatus.PROCESSING)
        late.suspend()
        other = processes.start("worker")
        answer = ended(api, job_id)
        assert answer.status is JobStatus.COMPLETED
        assert other.engine()
    late.resume()
    wait_until(lambda: f"The job {job_id} had ended already" in late.log.read_text())
    assert get(api, job_id) == answer
    wait_until(lambda: documents.job_ids() == set())


def test_a_stop_gives_jobs_back_to_the_other_processes(processes: ServiceProcesses) -> None:
    api, stopped = processes.start("api"), processes.start("worker", grace_seconds=0)
    with frozen(api, stopped):
        job_id = submit(api)
        wait_until(lambda: get(api, job_id).status is JobStatus.PROCESSING)
        assert stopped.stop() == 0
    processes.start("worker")
    assert ended(api, job_id).status is JobStatus.COMPLETED


def test_a_deleted_job_leaves_no_document(processes: ServiceProcesses, documents: ObjectDocuments) -> None:
    api = processes.start("api")
    kept, deleted = submit(api), submit(api)
    assert httpx.delete(f"{api.url}/classify/{deleted}").json()["error_kind"] == "JobCancelled"
    assert documents.job_ids() == {kept}


def test_a_document_that_is_missing_in_the_storage_fails_its_job(
    processes: ServiceProcesses, documents: ObjectDocuments
) -> None:
    api = processes.start("api")
    job_id = submit(api)
    documents.remove(job_id)
    processes.start("worker")
    job = ended(api, job_id)
    assert (job.status, job.error_kind) == (JobStatus.FAILED, "DocumentNotReadable")
    assert job_id in str(job.error)


def test_a_storage_that_is_away_is_named_at_the_start(tmp_path: Path, postgres_url: str, s3: S3Server) -> None:
    away = {**s3.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    with (
        ServiceProcesses(tmp_path, postgres_url, "s3://documents/x", away) as processes,
        pytest.raises(AssertionError, match="The folder documents/x of documents cannot be written"),
    ):
        processes.start()


def test_a_bucket_is_never_created(tmp_path: Path, postgres_url: str, s3: S3Server) -> None:
    with (
        ServiceProcesses(tmp_path, postgres_url, "s3://no-such-bucket/x", s3.env) as processes,
        pytest.raises(AssertionError, match="The folder no-such-bucket/x of documents cannot be written"),
    ):
        processes.start()
    assert [bucket["Name"] for bucket in s3.client.list_buckets()["Buckets"]] == [BUCKET]


def test_a_storage_that_goes_away_loses_nothing(tmp_path: Path, postgres_url: str, s3: S3Server) -> None:
    with TcpProxy(s3.port) as proxy:
        env = {**s3.env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}", "AWS_MAX_ATTEMPTS": "1"}
        with ServiceProcesses(tmp_path, postgres_url, f"s3://{BUCKET}/proxied", env, lease=LEASE) as processes:
            api, worker = processes.start("api"), processes.start("worker")
            with frozen(api, worker):
                # The worker has two threads. The last job waits in the queue.
                jobs = [submit(api) for _ in range(3)]
                wait_until(lambda: get(api, jobs[1]).status is JobStatus.PROCESSING)
                proxy.is_broken = True
                files, data = {"pdf_file": LETTER}, {"categories": CATEGORIES}
                reply = httpx.post(f"{api.url}/classify", files=files, data=data, timeout=60)
                assert (reply.status_code, reply.json()["error"]["details"]["reason"]) == (503, "document_storage")
                assert httpx.get(f"{api.url}/health", timeout=60).status_code == 503
            wait_until(lambda: f"The document of the job {jobs[2]} cannot be read" in worker.log.read_text())
            proxy.is_broken = False
            assert [ended(api, job_id).status for job_id in jobs] == [JobStatus.COMPLETED] * 3


def test_a_shared_folder_is_a_storage_too(tmp_path: Path, postgres_url: str) -> None:
    shared = tmp_path / "shared" / "documents"
    with ServiceProcesses(tmp_path, postgres_url, str(shared)) as processes:
        api, _ = processes.start("api"), processes.start("worker")
        job_id = submit(api)
        assert ended(api, job_id).status is JobStatus.COMPLETED
        wait_until(lambda: not [path for path in shared.iterdir() if "." not in path.name])


@pytest.mark.parametrize("options", [{"database": "sqlite:///x.db"}, {"documents": "s3://bucket"}])
def test_a_shared_record_needs_shared_documents(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(ServiceNotStarted, match="both --database and --documents"):
        serve(port=0, data_dir=tmp_path, **options)


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_role_needs_a_shared_record(tmp_path: Path, role: str) -> None:
    with pytest.raises(ServiceNotStarted, match=f"role {role} .* --database and --documents"):
        serve(port=0, data_dir=tmp_path, role=role)


def test_a_storage_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceNotStarted, match="tape://library/a"):
        ObjectDocuments("tape://library/a", UploadFolder(tmp_path, MAX_BYTES))


def test_a_missing_driver_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # fsspec remembers the classes of storages that it has opened.
    monkeypatch.delitem(sys.modules[get_filesystem_class.__module__]._registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ExtraNotInstalled, match=r"needs s3fs; install airflow-provider-classify\[s3\]"):
        ObjectDocuments("s3://bucket/a", UploadFolder(tmp_path, MAX_BYTES))


def test_a_document_is_stored_whole_or_not_at_all(documents: ObjectDocuments, tmp_path: Path) -> None:
    upload = documents.create("1c2d")
    upload.write(b"half")
    assert documents.job_ids() == set()
    upload.write(b" and half")
    upload.commit()
    assert documents.job_ids() == {"1c2d"}
    with documents.opened("1c2d") as opened:
        path = Path(opened)
        assert path.read_bytes() == b"half and half"
        assert upload.size == 13
    assert not path.exists()
    assert list((tmp_path / "arriving").iterdir()) == []
    discarded = documents.create("9f00")
    discarded.write(b"x")
    discarded.discard()
    upload.discard()
    assert documents.job_ids() == set()
    documents.remove("1c2d")
    with pytest.raises(StorageError, match="1c2d"), documents.opened("1c2d"):
        pass
