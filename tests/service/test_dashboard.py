"""The page of the service: its data, its pictures, and who gets them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from airflow_provider_classify.service.dashboard import routes
from airflow_provider_classify.service.dashboard.activity import MINUTES, read_activity
from airflow_provider_classify.service.dashboard.pictures import DrawingTime, Pictures
from tests.support.app_server import app_server

CATEGORIES = (Category("invoice"), Category("letter"))
JPEG = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(f"sqlite:///{tmp_path / 'jobs.db'}")


def result(**extra: object) -> ClassificationResult:
    page = PageResult(1, True, "invoice", 0.75, raw_result="invoice")
    return ClassificationResult(True, "invoice", 0.75, 1, 1, (page,), extra=extra)


def add(store: JobStore, name: str = "a.pdf") -> str:
    return store.add(name, CATEGORIES).job_id


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def change(store: JobStore, statement: str, **values: object) -> None:
    with store.transaction() as connection:
        connection.execute(text(statement), values)


def test_the_queue_is_counted_and_the_newest_job_is_listed_first(store: JobStore) -> None:
    first, second, third = add(store, "1.pdf"), add(store, "2.pdf"), add(store, "3.pdf")
    store.start(first)
    store.complete(first, result(first_answer={"answered_by": "x"}))
    store.start(second)
    activity = read_activity(store, now() + timedelta(seconds=10))
    assert (activity.backlog.queued, activity.backlog.processing) == (1, 1)
    assert [job.job_id for job in activity.jobs] == [third, second, first]
    done = activity.jobs[2]
    assert (done.document, done.classification, done.confidence, done.is_escalated) == ("1.pdf", "invoice", 0.75, True)
    assert activity.jobs[0].seconds == pytest.approx(10, abs=5)
    assert done.seconds < 5


def test_only_the_jobs_of_an_owner_are_listed_and_all_are_counted(store: JobStore) -> None:
    own, others = (store.add("a.pdf", CATEGORIES, owner=owner).job_id for owner in ("team-a", "team-b"))
    pictures = Pictures(store)
    pictures.add(own, JPEG)
    activity = read_activity(store, owner="team-a")
    assert [job.job_id for job in activity.jobs] == [own]
    assert activity.backlog.queued == 2
    assert pictures.get(own, owner="team-a") == JPEG
    assert pictures.get(own, owner="team-b") is None
    assert read_activity(store).jobs == ()
    assert others


def test_what_was_deleted_is_not_listed(store: JobStore) -> None:
    unfinished, ended = add(store), add(store)
    store.complete(ended, result())
    for job_id in (unfinished, ended):
        store.delete(job_id)
    assert read_activity(store).jobs == ()


def test_an_empty_record_has_no_activity(store: JobStore) -> None:
    activity = read_activity(store)
    assert (activity.backlog.queued, activity.jobs) == (0, ())
    assert activity.completed == (0,) * MINUTES


def test_ends_are_counted_by_the_minute(store: JobStore) -> None:
    for _ in range(3):
        store.complete(add(store), result())
    store.fail(add(store), "It is damaged.")
    at = now().replace(second=30)
    change(store, "UPDATE classify_jobs SET finished_at = :at", at=str(at))
    for minutes, expected in ((0, {59: 3}), (5, {54: 3}), (59, {0: 3}), (60, {}), (600, {})):
        activity = read_activity(store, at + timedelta(minutes=minutes))
        assert {index: count for index, count in enumerate(activity.completed) if count} == expected
        assert sum(activity.failed) == len(expected)


def test_a_damaged_result_is_listed_without_an_answer(store: JobStore) -> None:
    for damage in ("{", "[1]", '{"classification": 7, "confidence": "high"}'):
        job_id = add(store)
        store.complete(job_id, result())
        change(store, "UPDATE classify_jobs SET result = :damage WHERE job_id = :id", damage=damage, id=job_id)
        assert read_activity(store).jobs[0].classification is None


def test_long_texts_are_cut(store: JobStore) -> None:
    store.fail(add(store, "n" * 5000), "e" * 5000)
    [job] = read_activity(store).jobs
    assert len(job.document) < 400
    assert len(job.error or "") < 400


def test_only_the_newest_pictures_are_kept(store: JobStore) -> None:
    pictures = Pictures(store, kept=2)
    jobs = [add(store) for _ in range(4)]
    for job_id in jobs:
        pictures.add(job_id, JPEG)
    assert pictures.among(jobs) == set(jobs[2:])
    assert pictures.get(jobs[3]) == JPEG
    pictures.add(jobs[3], b"of another run of the job")
    assert pictures.get(jobs[3]) == JPEG


def test_a_picture_goes_with_its_job(store: JobStore) -> None:
    pictures = Pictures(store)
    kept, deleted, cancelled = add(store), add(store), add(store)
    for job_id in (kept, deleted):
        pictures.add(job_id, JPEG)
    change(store, "DELETE FROM classify_jobs WHERE job_id = :id", id=deleted)
    store.cancel(cancelled)
    pictures.add(cancelled, JPEG)
    pictures.add("gone", JPEG)
    assert pictures.among([kept, deleted, cancelled, "gone"]) == {kept}


def test_pictures_take_a_share_of_the_time() -> None:
    clock = [0.0]
    drawing = DrawingTime(0.1, 1.0, clock=lambda: clock[0])
    assert drawing.is_left()
    drawing.spend(3.0)
    assert not drawing.is_left()
    clock[0] = 19.0
    assert not drawing.is_left()
    clock[0] = 21.0
    assert drawing.is_left()
    clock[0] = 10_000.0  # an hour without documents does not save more than the most
    drawing.spend(1.5)
    assert not drawing.is_left()


def test_without_the_key_nothing_of_a_job_is_shown(tmp_path: Path) -> None:
    with app_server(tmp_path, api_key="the key") as server:
        job_id = add(server.store, "secret.pdf")
        Pictures(server.store).add(job_id, JPEG)
        paths = ["/dashboard/api/activity", f"/dashboard/api/pictures/{job_id}"]
        for path in paths:
            for headers in ({}, {"api-key": "another"}):
                reply = httpx.get(server.url + path, headers=headers)
                assert reply.status_code == 401
                assert "secret.pdf" not in reply.text
        activity, picture = (httpx.get(server.url + path, headers={"api-key": "the key"}) for path in paths)
        assert activity.json()["jobs"][0]["document"] == "secret.pdf"
        assert activity.json()["jobs"][0]["has_picture"] is True
        assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")
        page = httpx.get(server.url)
        assert page.status_code == 200
        assert 'data-key="needed"' in page.text
        assert httpx.delete(f"{server.url}/classify/{job_id}", headers={"api-key": "the key"}).status_code == 200
        assert httpx.get(server.url + paths[1], headers={"api-key": "the key"}).status_code == 404


def test_the_page_has_all_its_files_and_loads_no_others(tmp_path: Path) -> None:
    with app_server(tmp_path) as server, httpx.Client(base_url=server.url) as client:
        page = client.get("/")
        assert 'data-key="none"' in page.text
        named = re.findall(r'(?:href|src)="([^"]+)"', page.text)
        for name in named:
            file = client.get(f"/{name}")
            assert file.status_code == 200
            for imported in re.findall(r'from "\./([^"]+)"', file.text) if name.endswith(".js") else ():
                assert client.get(f"/dashboard/{imported}").status_code == 200
            for reply in (page, file):
                assert "default-src 'none'" in reply.headers["content-security-policy"]
                assert "unsafe" not in reply.headers["content-security-policy"]
                assert reply.headers["x-content-type-options"] == "nosniff"
        assert client.get("/dashboard/page.html").status_code == 404
        assert client.get("/dashboard/..%2froutes.py").status_code == 404
    for script in Path(routes.__file__).parent.glob("static/*"):
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML", script.read_text())
