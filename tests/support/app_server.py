"""
Run the service's application under a real uvicorn, in a thread of the test.

Its limits are small enough for a test to reach them, and its classifier waits for the test.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_classify.exceptions import ClassifyError, DocumentCorrupt, DocumentEmpty
from airflow_provider_classify.job_record.database import SQLITE_WAIT
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import Job
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from airflow_provider_classify.service.access import Access
from airflow_provider_classify.service.api_keys import Keys
from airflow_provider_classify.service.app import Clients, create_app
from airflow_provider_classify.service.connection_limits import bounded_protocol
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.fetch_url import FetchLimits
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.quotas import Quotas
from airflow_provider_classify.service.server import http_server
from airflow_provider_classify.service.submits import UploadLimits
from airflow_provider_classify.service.upload_folder import UploadFolder
from airflow_provider_classify.service.webhook_requests import WebhookRequests
from airflow_provider_classify.service.webhook_store import WebhookStore
from airflow_provider_classify.service.webhooks import WebhookLimits, Webhooks
from airflow_provider_classify.service.worker import Worker
from tests.support.waiting import wait_until


@dataclass
class HeldClassifier:
    """
    Replaces the engine in tests that decide when a document is done. Its answer is the first category.

    ``seen`` lists the (name, content) of each document in the order in which they began.
    """

    gate: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    closed: bool = False
    start_failure: ClassifyError | None = None

    def classify(
        self, path: str, categories: Sequence[Category], *, name: str, job_id: str = ""
    ) -> ClassificationResult:
        content = self.read(path, name)
        if self.closed:
            raise ClassifyError("The engine was closed.")
        if not content:
            raise DocumentEmpty(f"{name} is empty; send a file with content.")
        if b"damaged" in content:
            raise DocumentCorrupt(f"{name} is damaged; send it again.")
        if b"bug" in content:
            raise ZeroDivisionError("a bug")
        answer = categories[0].name
        return ClassificationResult(True, answer, 0.9, 1, 1, (PageResult(1, True, answer, 0.9, raw_result=answer),))

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def read(self, path: str, name: str) -> bytes:
        """Return the content of a document when ``gate`` is open."""
        content = Path(path).read_bytes()
        self.seen.append((name, content))
        self.gate.wait()
        return content

    def check(self) -> None:
        if self.start_failure:
            raise self.start_failure

    def close(self) -> None:
        self.closed = True
        self.gate.set()


@dataclass(frozen=True)
class AppServer:
    url: str
    store: JobStore
    documents: Path
    classifier: HeldClassifier
    metrics: Metrics

    @contextmanager
    def more_webhooks(self, secret: str, limits: WebhookLimits) -> Iterator[None]:
        """Also send the webhooks of this record as another process does, until the block ends."""
        keys = Keys(webhook_secret=secret)
        sender = Webhooks(
            self.store, WebhookStore(self.store), keys, Events(Metrics()), allow_private=True, limits=limits
        )
        sender.start()
        try:
            yield
        finally:
            sender.stop(10)

    def ended(self, job_id: str) -> Job:
        """Wait for the job's end and return the job."""
        wait_until(lambda: self.store.get(job_id).status.is_terminal)
        return self.store.get(job_id)

    def uploads(self) -> set[str]:
        """Return the names of the files in the folder of waiting documents."""
        return {path.name for path in self.documents.iterdir()}


@contextmanager
def app_server(
    folder: Path,
    *,
    api_key: str | None = None,
    keys: Keys | None = None,
    webhook_secret: str | None = None,
    webhook_limits: WebhookLimits | None = None,
    capacity: int = 100,
    max_bytes: int = 1_000_000,
    threads: int = 2,
    held: bool = False,
    max_connections: int = 1000,
    header_seconds: float = 60,
    max_total_bytes: int = 10**9,
    min_free_bytes: int = 0,
    upload_limits: UploadLimits | None = None,
    fetch_limits: FetchLimits | None = None,
    allow_private_urls: bool = True,
    record_retry_seconds: float = 0.05,
    sqlite_wait: float = SQLITE_WAIT,
    classifier: HeldClassifier | None = None,
) -> Iterator[AppServer]:
    """Serve the application. If ``held``, documents are classified only after the classifier's ``gate`` is set."""
    classifier = classifier or HeldClassifier()
    if not held:
        classifier.gate.set()
    store = JobStore(f"sqlite:///{folder / 'jobs.db'}", sqlite_wait=sqlite_wait)
    uploads = UploadFolder(
        folder / "documents", max_bytes, max_total_bytes=max_total_bytes, min_free_bytes=min_free_bytes
    )
    metrics = Metrics()
    metrics.watch(backlog=store.backlog)
    events = Events(metrics)
    keys = keys or Keys(api_key, webhook_secret=webhook_secret)
    webhooks = WebhookStore(store)
    sender = Webhooks(store, webhooks, keys, events, allow_private=allow_private_urls, limits=webhook_limits)
    requests = WebhookRequests(webhooks, keys, allow_private=allow_private_urls)
    worker = Worker(
        store,
        uploads,
        classifier,
        events,
        threads=threads,
        allow_private_urls=allow_private_urls,
        fetch_limits=fetch_limits,
        record_retry_seconds=record_retry_seconds,
    )
    queue = JobQueue(store, uploads, capacity, worker)
    clients = Clients(Access(keys), Quotas(store), requests)
    app = create_app(store, uploads, queue, clients, events, upload_limits=upload_limits, check_engine=classifier.check)
    server = http_server(app, bounded_protocol(max_connections, header_seconds))
    thread = threading.Thread(target=server.run)
    worker.start()
    sender.start()
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield AppServer(f"http://127.0.0.1:{port}", store, folder / "documents", classifier, metrics)
    finally:
        server.should_exit = True
        thread.join()
        worker.stop(grace_seconds=0)
        sender.stop(10)
        store.close()
