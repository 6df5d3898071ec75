"""What operators see of the service: its metrics, and whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import EngineNotStarted
from airflow_provider_classify.job_record.backlog import Backlog
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.service.metrics import OTHER_CATEGORIES, Metrics
from tests.support.app_server import AppServer, app_server
from tests.support.waiting import wait_until

CATEGORIES = '["invoice", "receipt"]'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    with app_server(tmp_path) as server:
        yield server


def submit(server: AppServer, content: bytes = b"%PDF-1.7", **headers: str) -> httpx.Response:
    files = {"pdf_file": ("a.pdf", content)}
    return httpx.post(f"{server.url}/classify", files=files, data={"categories": CATEGORIES}, headers=headers)


def metrics(server: AppServer, **headers: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and values of the sorted labels, as a Prometheus server reads them."""
    reply = httpx.get(f"{server.url}/metrics", headers=headers)
    assert reply.status_code == 200
    families = text_string_to_metric_families(reply.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_jobs_are_counted_by_status_and_category(server: AppServer) -> None:
    for content in (b"one", b"two", b"damaged"):
        server.ended(submit(server, content).json()["job_id"])
    ended = "classify_jobs_ended_total"
    wait_until(lambda: metrics(server).get((ended, "invoice", "completed")) == 2)
    found = metrics(server)
    assert found[(ended, "", "failed")] == 1
    assert found[("classify_jobs_submitted_total",)] == 3
    for stage in ("receive", "wait", "classify"):
        assert found[("classify_stage_seconds_count", stage)] == 3
    assert found[("process_resident_memory_bytes",)] > 0


def test_the_queue_has_a_depth_and_an_age(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1) as server:
        first = submit(server).json()["job_id"]
        wait_until(lambda: server.store.get(first).status is JobStatus.PROCESSING)
        submit(server)
        last = submit(server).json()["job_id"]
        wait_until(lambda: metrics(server)[("classify_oldest_queued_seconds",)] > 0)
        found = metrics(server)
        assert (found[("classify_jobs", "queued")], found[("classify_jobs", "processing")]) == (2, 1)
        server.classifier.gate.set()
        server.ended(last)
        assert metrics(server)[("classify_jobs", "queued")] == 0
        assert metrics(server)[("classify_oldest_queued_seconds",)] == 0


def test_refusals_are_counted_by_kind(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True, threads=1, capacity=1, max_bytes=1000) as server:
        first = submit(server).json()["job_id"]
        wait_until(lambda: server.store.get(first).status is JobStatus.PROCESSING)
        submit(server)
        assert submit(server).status_code == 503
        assert httpx.get(f"{server.url}/classify/unknown").status_code == 404
        assert httpx.post(f"{server.url}/classify", data={"categories": CATEGORIES}).status_code in (400, 503)
        found = metrics(server)
        assert found[("classify_refusals_total", "queue_full")] >= 1
        assert found[("classify_refusals_total", "not_found")] == 1


def test_a_job_that_ends_twice_is_counted_once(tmp_path: Path) -> None:
    with app_server(tmp_path, held=True) as server:
        job_id = submit(server).json()["job_id"]
        wait_until(lambda: server.classifier.seen)
        assert httpx.delete(f"{server.url}/classify/{job_id}").status_code == 200
        server.classifier.gate.set()
        wait_until(lambda: server.uploads() == set())
        assert [name for name in metrics(server) if name[0] == "classify_jobs_ended_total"] == []


def test_clients_cannot_add_names_without_end() -> None:
    counted = Metrics(max_categories=2)
    for name in ("a", "b", "c", "d", "a"):
        counted.count_end("completed", name)
    samples = [sample for family in counted.registry.collect() for sample in family.samples]
    ended = {s.labels["category"]: s.value for s in samples if s.name == "classify_jobs_ended_total"}
    assert ended == {"a": 2, "b": 1, OTHER_CATEGORIES: 2}


def test_metrics_need_the_key(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="s3cret") as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 401
        assert metrics(server, **{"api-key": "s3cret"})[("classify_record_up",)] == 1


def test_metrics_outlive_the_record(server: AppServer) -> None:
    break_record(server)
    found = metrics(server)
    assert found[("classify_record_up",)] == 0
    assert ("classify_jobs", "queued") not in found


def test_a_replaced_process_of_the_engine_is_counted(samples: Path) -> None:
    others = set(psutil.Process().children())
    with EnginePool(1) as pool:
        for _ in range(2):
            pool.classify(samples / "letter.pdf", (Category("letter"),), name="letter.pdf")
        assert pool.restarts == 0
        [child] = set(psutil.Process().children()) - others
        child.kill()
        wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)
        pool.classify(samples / "letter.pdf", (Category("letter"),), name="letter.pdf")
        assert pool.restarts == 1
        counted = Metrics()
        counted.watch(backlog=lambda: Backlog(0, 0, 0.0), restarts=lambda: pool.restarts)
        assert counted.registry.get_sample_value("classify_worker_restarts_total") == 1


# --- health -------------------------------------------------------------------------------


def break_record(server: AppServer) -> None:
    server.store.close()
    (server.documents.parent / "jobs.db").write_bytes(b"no database " * 1000)


def ready(server: AppServer) -> tuple[int, Any]:
    reply = httpx.get(f"{server.url}/health/ready")
    return reply.status_code, reply.json()


def test_a_service_that_works_is_live_and_ready(server: AppServer) -> None:
    assert httpx.get(f"{server.url}/health/live").json() == {"status": "ok"}
    assert ready(server) == (200, {"status": "ok", "parts": {"record": "ok", "disk": "ok", "engine": "ok"}})


def test_each_failing_part_is_named(server: AppServer) -> None:
    server.documents.rmdir()
    break_record(server)
    status, body = ready(server)
    assert status == 503
    assert body["parts"] == {"record": "failing", "disk": "failing", "engine": "ok"}
    assert body["error"]["details"] == {"reason": "job_record", "retry_after": 5}
    assert "record of jobs" in body["detail"]
    assert "data folder" in body["detail"]
    assert str(server.documents) not in str(body)
    assert httpx.get(f"{server.url}/health/live").status_code == 200


def test_an_engine_that_does_not_start_is_not_ready(server: AppServer) -> None:
    server.classifier.start_failure = EngineNotStarted("The engine did not start; see /opt/engine.")
    status, body = ready(server)
    assert (status, body["parts"]) == (503, {"record": "ok", "disk": "ok", "engine": "failing"})
    assert body["error"]["details"]["reason"] == "engine"
    assert "/opt/engine" not in str(body)
    server.classifier.start_failure = None
    assert ready(server)[0] == 200
