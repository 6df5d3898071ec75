"""What the pipeline does with a document, with the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import DocumentCorrupt
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.service.dashboard.pictures import DrawingTime, Pictures
from airflow_provider_classify.service.pipeline import Pipeline
from airflow_provider_classify.service.server import ENGINE_NICENESS
from tests.support.service import running_service

CATEGORIES = (Category("invoice"), Category("letter"))


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")


@pytest.fixture(scope="module")
def engine() -> Iterator[EnginePool]:
    with EnginePool(1) as engine:
        yield engine


def add(store: JobStore) -> str:
    return store.add("a.pdf", CATEGORIES).job_id


def test_a_classified_document_gets_a_picture(store: JobStore, engine: EnginePool, samples: Path) -> None:
    pictures, job_id = Pictures(store), add(store)
    pipeline = Pipeline(engine, pictures, DrawingTime())
    result = pipeline.classify(samples / "invoice.pdf", CATEGORIES, name="a.pdf", job_id=job_id)
    assert result.classification == "invoice"
    assert (pictures.get(job_id) or b"").startswith(b"\xff\xd8\xff")


def test_a_document_without_pages_and_a_busy_service_have_no_picture(
    store: JobStore, engine: EnginePool, samples: Path, tmp_path: Path
) -> None:
    pictures, drawing = Pictures(store), DrawingTime(clock=lambda: 0.0)
    pipeline = Pipeline(engine, pictures, drawing)
    text, page = add(store), add(store)
    (tmp_path / "a.txt").write_text("Dear Mrs. Brown,\n\nthank you for your letter.\n")
    assert pipeline.classify(tmp_path / "a.txt", CATEGORIES, name="a.txt", job_id=text).classification == "letter"
    drawing.spend(60.0)
    assert pipeline.classify(samples / "invoice.pdf", CATEGORIES, name="a", job_id=page).classification == "invoice"
    assert pictures.among([text, page]) == set()


def test_a_damaged_document_has_its_own_error_and_no_picture(
    store: JobStore, engine: EnginePool, tmp_path: Path
) -> None:
    pictures, job_id = Pictures(store), add(store)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 damaged")
    with pytest.raises(DocumentCorrupt):
        Pipeline(engine, pictures, DrawingTime()).classify(tmp_path / "a.pdf", CATEGORIES, name="a.pdf", job_id=job_id)
    assert pictures.get(job_id) is None


def test_more_threads_than_processes_keep_the_engine_busy(store: JobStore, engine: EnginePool) -> None:
    assert Pipeline(engine, Pictures(store), DrawingTime()).threads > engine.size


def test_the_engine_gives_way_to_the_replies_of_the_service(tmp_path: Path) -> None:
    with running_service(tmp_path, workers=1) as service, service.frozen_engine():
        process = psutil.Process(service.pid)
        assert {child.nice() - process.nice() for child in process.children()} == {ENGINE_NICENESS}
