"""A job belongs to its key, and a key has limits: over real HTTP, and over several processes on one record."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from unsiloed_sdk import UnsiloedClient
from unsiloed_sdk.exceptions import APIError, QuotaExceededError

from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.service.api_keys import Key, Keys, KeysFile, key_line, new_key
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.quotas import Quotas
from tests.support.app_server import AppServer, app_server
from tests.support.waiting import wait_until

CATEGORIES = '["invoice", "receipt"]'
A, B, LIMITED, SLOW = (new_key() for _ in range(4))
OWN = "the-own-key-of-the-service"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    path = tmp_path / "keys"
    settings = ((A, Key("a")), (B, Key("b")), (LIMITED, Key("limited", quota=2)), (SLOW, Key("slow", rate=3)))
    path.write_text("\n".join(key_line(key, setting) for key, setting in settings))
    return Keys(OWN, KeysFile(path))


@pytest.fixture
def server(tmp_path: Path, keys: Keys) -> Iterator[AppServer]:
    with app_server(tmp_path, keys=keys) as server:
        yield server


def client(server: AppServer, key: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"api-key": key})


def submit(client: httpx.Client, content: bytes = b"%PDF-1.7", **headers: str) -> httpx.Response:
    files = {"pdf_file": ("a.pdf", content)}
    return client.post("/classify", files=files, data={"categories": CATEGORIES}, headers=headers)


def test_a_job_is_not_there_for_other_keys(server: AppServer) -> None:
    with client(server, A) as a, client(server, B) as b, client(server, OWN) as own:
        job_id = submit(a).json()["job_id"]
        server.ended(job_id)
        unknown = str(uuid.uuid4())
        for other in (b, own):
            for method in ("GET", "DELETE"):
                replies = [other.request(method, f"/classify/{found}") for found in (job_id, unknown)]
                assert [reply.status_code for reply in replies] == [404, 404]
                assert replies[0].json() == replies[1].json()
                assert replies[0].headers.keys() == replies[1].headers.keys()
            listed = other.get("/classify", params={"job_id": [job_id]}).json()
            assert listed == {"jobs": {}, "not_found": [job_id]}
        assert a.get(f"/classify/{job_id}").json()["status"] == "completed"
        assert a.get("/classify", params={"job_id": [job_id]}).json()["jobs"] == {job_id: "completed"}
        assert a.delete(f"/classify/{job_id}").status_code == 200


def test_a_job_of_the_own_key_is_not_there_for_named_keys(server: AppServer) -> None:
    with client(server, A) as a, client(server, OWN) as own:
        job_id = submit(own).json()["job_id"]
        assert a.get(f"/classify/{job_id}").status_code == 404
        assert own.get(f"/classify/{job_id}").status_code == 200


def test_an_idempotency_key_belongs_to_its_owner(server: AppServer) -> None:
    retried = {"Idempotency-Key": "the-same"}
    with client(server, A) as a, client(server, B) as b, client(server, OWN) as own:
        of_a, of_b, of_own = (submit(owner, **retried) for owner in (a, b, own))
        assert len({reply.json()["job_id"] for reply in (of_a, of_b, of_own)}) == 3
        assert submit(a, **retried).json() == of_a.json()
        assert submit(a, b"other", **retried).status_code == 422
        assert submit(b, b"other", **retried).status_code == 422


def test_a_cancelled_job_is_that_of_its_owner(tmp_path: Path, keys: Keys) -> None:
    with app_server(tmp_path, keys=keys, held=True) as server, client(server, A) as a, client(server, B) as b:
        job_id = submit(a).json()["job_id"]
        assert b.delete(f"/classify/{job_id}").status_code == 404
        assert not server.store.get(job_id).status.is_terminal
        assert a.delete(f"/classify/{job_id}").json()["error_kind"] == "JobCancelled"


def test_a_removed_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(key_line(A, Key("a")))
    with app_server(tmp_path, keys=Keys(file=KeysFile(path, check_seconds=0))) as server, client(server, A) as a:
        assert submit(a).status_code == 202
        path.write_text(key_line(B, Key("b")) + " quota=5")
        assert submit(a).status_code == 401


# --- quotas -------------------------------------------------------------------------------


def test_a_quota_counts_down_and_then_refuses_as_the_api_does(server: AppServer) -> None:
    with client(server, LIMITED) as limited, client(server, A) as a:
        assert [submit(limited).json()["quota_remaining"] for _ in range(2)] == [1, 0]
        refused = submit(limited)
        assert refused.status_code == 402
        detail = refused.json()["detail"]
        assert detail.pop("message").startswith("The quota of 2 documents of this month is used up")
        assert detail == {"status": "QUOTA_EXCEEDED", "quota_data": {"current": 2, "limit": 2, "remaining": 0}}
        assert "quota_remaining" not in submit(a).json()
        wait_until(lambda: server.uploads() == set())


def test_what_is_not_a_new_job_does_not_count(server: AppServer) -> None:
    with client(server, LIMITED) as limited:
        first = submit(limited, **{"Idempotency-Key": "k"})
        assert submit(limited, **{"Idempotency-Key": "k"}).json() == first.json()
        assert submit(limited, b"other", **{"Idempotency-Key": "k"}).status_code == 422
        assert limited.post("/classify", data={"categories": CATEGORIES}).status_code == 400
        assert submit(limited).json()["quota_remaining"] == 0
        assert submit(limited, **{"Idempotency-Key": "k"}).json()["job_id"] == first.json()["job_id"]


def test_a_full_queue_does_not_count(tmp_path: Path, keys: Keys) -> None:
    with (
        app_server(tmp_path, keys=keys, held=True, threads=1, capacity=1) as server,
        client(server, LIMITED) as limited,
        client(server, A) as a,
    ):
        running = submit(a).json()["job_id"]
        wait_until(lambda: server.classifier.seen)
        waiting = submit(a).json()["job_id"]
        for _ in range(3):
            assert submit(limited).status_code == 503
        server.classifier.gate.set()
        for job_id in (running, waiting):
            server.ended(job_id)
        assert submit(limited).json()["quota_remaining"] == 1


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Callable[[], JobStore]]:
    opened = []

    def open_store() -> JobStore:
        opened.append(JobStore(f"sqlite:///{tmp_path / 'jobs.db'}"))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


def test_processes_agree_on_a_quota(stores: Callable[[], JobStore]) -> None:
    key = Key("a", quota=20)
    quotas = [Quotas(stores()) for _ in range(4)]

    def take(number: int) -> int | str:
        try:
            return quotas[number % 4].take(key).remaining or 0
        except HttpError as error:
            return f"HTTP {error.status}"

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(40)))
    assert sorted(left for left in taken if isinstance(left, int)) == list(range(20))
    assert taken.count("HTTP 402") == 20
    assert [quota.remaining(key) for quota in quotas] == [0] * 4


def test_a_quota_begins_again_each_month(stores: Callable[[], JobStore]) -> None:
    now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    quotas = Quotas(stores(), lambda: now)
    key = Key("a", quota=1)
    last = quotas.take(key)
    with pytest.raises(HttpError):
        quotas.check(key)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    quotas.check(key)
    assert quotas.take(key).remaining == 0
    quotas.give_back(key, last)  # of the month before
    with pytest.raises(HttpError):
        quotas.take(key)
    assert quotas.remaining(Key("b")) is None


# --- the rate -----------------------------------------------------------------------------


def test_too_many_requests_are_told_when_to_come_back(server: AppServer) -> None:
    with client(server, SLOW) as slow, client(server, A) as a:
        for _ in range(3):
            assert slow.get("/classify/unknown").status_code == 404
        for reply in (slow.get("/classify/unknown"), submit(slow), slow.get("/classify", params={"job_id": "x"})):
            assert reply.status_code == 429
            assert 1 <= int(reply.headers["retry-after"]) <= 20
            assert "detail" in reply.json()
        assert a.get("/classify/unknown").status_code == 404
        assert server.uploads() == set()


def test_the_sdk_knows_both_refusals(server: AppServer) -> None:
    with UnsiloedClient(LIMITED, server.url) as limited:
        assert limited.classify(file=b"%PDF-1.7", categories=["a"]).quota_remaining == 1
        limited.classify(file=b"%PDF-1.7", categories=["a"])
        with pytest.raises(QuotaExceededError, match="The quota of 2 documents"):
            limited.classify(file=b"%PDF-1.7", categories=["a"])
    with UnsiloedClient(SLOW, server.url) as slow:
        for _ in range(3):
            slow.classify(file=b"%PDF-1.7", categories=["a"])
        with pytest.raises(APIError, match="3 requests in a minute"):
            slow.classify(file=b"%PDF-1.7", categories=["a"])


# --- metrics ------------------------------------------------------------------------------


def test_metrics_need_the_own_key_as_header_or_bearer(server: AppServer) -> None:
    for headers, status in (
        ({}, 401),
        ({"api-key": A}, 401),
        ({"api-key": OWN}, 200),
        ({"Authorization": f"Bearer {OWN}"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
    ):
        assert httpx.get(f"{server.url}/metrics", headers=headers).status_code == status


@pytest.mark.parametrize("exists", [True, False])
def test_a_request_for_a_status_counts_once(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "keys"
    path.write_text(key_line(SLOW, Key("slow", rate=2)))
    with app_server(tmp_path, keys=Keys(None, KeysFile(path))) as server, client(server, SLOW) as slow:
        job_id = server.store.add("a.pdf", (Category("invoice"),), owner="slow").job_id if exists else "unknown"
        statuses = [slow.get(f"/classify/{job_id}").status_code for _ in range(3)]
        assert statuses == [200 if exists else 404] * 2 + [429]
