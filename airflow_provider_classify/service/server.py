"""Run a process of the service until SIGTERM or SIGINT."""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Literal, get_args

import uvicorn
from fastapi import FastAPI

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import ServiceNotStarted
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import LEASE
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.service.access import Access
from airflow_provider_classify.service.api_keys import API_KEY_VARIABLE, open_keys
from airflow_provider_classify.service.app import Clients, create_app
from airflow_provider_classify.service.cleaner import Cleaner
from airflow_provider_classify.service.connection_limits import MAX_CONNECTIONS, bounded_protocol
from airflow_provider_classify.service.dashboard.pictures import DrawingTime, Pictures
from airflow_provider_classify.service.escalation import ESCALATION_KEY_VARIABLE, Escalation, escalation_settings
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.freed_memory import limit_fragmentation, released
from airflow_provider_classify.service.job_queue import JobQueue
from airflow_provider_classify.service.logs import LogFormat, configure
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.pipeline import Pipeline
from airflow_provider_classify.service.quotas import Quotas
from airflow_provider_classify.service.shared_stores import KEEP_RESULTS, StoreOptions, open_stores
from airflow_provider_classify.service.webhook_requests import WebhookRequests
from airflow_provider_classify.service.webhook_store import WebhookStore
from airflow_provider_classify.service.webhooks import Webhooks
from airflow_provider_classify.service.worker import GRACE_SECONDS, MAX_LOSSES, MAX_LOSSES_OF_SEVERAL, Worker

#: What a process does: serve the API, classify, or both.
Role = Literal["api", "worker", "both"]
ROLES: tuple[Role, ...] = get_args(Role)
#: The most jobs that may wait.
CAPACITY = 1000
#: Seconds that an idle connection stays open. A client polls at least every 30 seconds and should keep its connection.
KEEP_ALIVE_SECONDS = 75
#: Seconds after which a connection is closed if its client reads nothing of a reply.
UNREAD_SECONDS = 60
#: The niceness of the engine's processes, so that clients get their replies while all cores classify.
ENGINE_NICENESS = 10
#: Seconds after which a thread that computes lets another thread of the process run. With Python's default of 5 ms, a
#: request that uses several threads would wait up to 5 ms for each of them while results are recorded.
SWITCH_SECONDS = 0.001
#: The most files that the service opens beside its connections.
_OTHER_FILES = 1024
#: Seconds that a stop waits for requests that are being answered.
STOP_SECONDS = 3

_log = logging.getLogger(__name__)


def serve(
    host: str = "127.0.0.1",
    port: int = 8600,
    data_dir: Path = Path("classify-data"),
    *,
    database: str | None = None,
    documents: str | None = None,
    role: Role = "both",
    keep_results: timedelta = KEEP_RESULTS,
    lease: timedelta = LEASE,
    workers: int | None = None,
    capacity: int = CAPACITY,
    options: EngineOptions | None = None,
    keys_file: Path | None = None,
    allow_anonymous: bool = False,
    allow_private_urls: bool = False,
    escalate_to: str | None = None,
    escalate_below: float | None = None,
    grace_seconds: float = GRACE_SECONDS,
    log_format: LogFormat = "text",
) -> None:
    """
    Serve until SIGTERM or SIGINT, then return. Call it in the main thread.

    It prints one line with the URL when the port is open. The next start runs the jobs that had not ended.

    The environment variable ``CLASSIFY_API_KEY`` holds a key that clients can send. ``keys_file`` has further keys.
    Without any key, the service starts only on a loopback address, unless ``allow_anonymous`` is set. The variable
    ``CLASSIFY_WEBHOOK_SECRET`` holds the secret that signs the webhooks of keys without a secret of their own.

    :param port: the TCP port; 0 takes any free one.
    :param data_dir: the folder of this process. Without ``database``, it has the jobs and the documents.
    :param database: the SQLAlchemy URL of a record of jobs that several processes share.
    :param documents: the URL of a storage of documents that these processes share, or a folder that all their machines
        mount.
    :param role: serve the API (``api``), classify (``worker``), or both. A worker answers only requests for its health
        and metrics.
    :param keep_results: how long a job is kept after its end.
    :param lease: how long a process has a job before another process may take it, unless the lease is renewed.
    :param workers: the number of documents that are classified at the same time; by default the number of cores.
    :param capacity: the most jobs that may wait; further submits get a 503.
    :param options: the engine's options.
    :param keys_file: the file with the named keys of clients; see :mod:`~airflow_provider_classify.service.api_keys`.
    :param allow_anonymous: start without a key on an address that other machines reach.
    :param allow_private_urls: also fetch a ``file_url`` from loopback, private and other addresses that are not public,
        and send webhooks to them.
    :param escalate_to: the URL of another classify API, which is asked if the engine is not sure. The environment
        variable ``CLASSIFY_ESCALATION_API_KEY`` holds the key of that API.
    :param escalate_below: the confidence below which the engine is not sure, above 0, at most 1.
    :param grace_seconds: seconds that a stop waits for the documents that are being classified.
    :param log_format: the format of the log, which is written to stderr.
    :raises InvalidDocumentTypes: the folder of the user's own document types cannot be used.
    :raises ModelNotUsable: the learned model cannot be used.
    :raises ExtraNotInstalled: the extra ``local``, which installs the engine's libraries, is not installed.
    :raises InvalidKeys: the file of keys cannot be used.
    :raises ServiceNotStarted: the port or folder is in use or not permitted, a key is missing or empty, or two
        arguments do not fit together.
    :raises ClassifyError: the stores cannot be used; see :func:`open_stores`.
    """
    configure(log_format)
    limit_fragmentation()
    stores = StoreOptions(data_dir, database, documents, keep_results, lease)
    if role != "both" and database is None:
        raise ServiceNotStarted(
            f"A process with the role {role} needs a record and documents that other processes share; "
            "give --database and --documents."
        )
    options = options or EngineOptions()
    if role != "api":
        _check_engine(options)
    escalated = escalation_settings(escalate_to, escalate_below, os.environ.get(ESCALATION_KEY_VARIABLE))
    keys = open_keys(keys_file, os.environ)
    max_connections = _allow_connections()
    sys.setswitchinterval(SWITCH_SECONDS)
    with _listen(host, port) as listener, open_stores(stores) as (store, folder):
        url = _url(host, listener)
        if not keys.are_required and role != "worker" and not allow_anonymous:
            _check_is_loopback(listener, url)
        engine = EnginePool(workers, replace(options, niceness=ENGINE_NICENESS)) if role != "api" else None
        events = Events(_metrics(store, engine))
        worker = None
        if engine is not None:
            pipeline = Pipeline(engine, Pictures(store), DrawingTime(), Escalation(*escalated) if escalated else None)
            max_losses = MAX_LOSSES if database is None else MAX_LOSSES_OF_SEVERAL
            worker = Worker(
                store,
                folder,
                pipeline,
                events,
                threads=pipeline.threads,
                allow_private_urls=allow_private_urls,
                max_losses=max_losses,
            )
        webhooks = WebhookStore(store)
        sender = Webhooks(
            store, webhooks, keys, events, allow_private=allow_private_urls, is_shared=database is not None
        )
        clients = Clients(
            Access(keys), Quotas(store), WebhookRequests(webhooks, keys, allow_private=allow_private_urls)
        )
        queue = JobQueue(store, folder, capacity, worker) if role != "worker" else None
        app = create_app(store, folder, queue, clients, events, check_engine=engine.check if engine else None)
        server = http_server(app, bounded_protocol(max_connections))
        with _working(worker, Cleaner(store, folder), sender, grace_seconds):
            _run(server, listener, url)


def _check_engine(options: EngineOptions) -> None:
    """Load the files of the engine, so that a wrong file or a missing library is an error before a child starts."""
    require_engine()
    from airflow_provider_classify.engine.knowledge.load import load_knowledge
    from airflow_provider_classify.engine.learned.model import load_model

    load_knowledge(options.document_types)
    load_model(options.model)


def _metrics(store: JobStore, engine: EnginePool | None) -> Metrics:
    metrics = Metrics()
    metrics.watch(backlog=store.backlog, restarts=(lambda: engine.restarts) if engine else None)
    return metrics


@contextmanager
def _working(worker: Worker | None, cleaner: Cleaner, webhooks: Webhooks, grace_seconds: float) -> Iterator[None]:
    """Classify, clean and send webhooks during the block, if this process has a worker."""
    if worker is None:
        yield
        return
    worker.start()
    cleaner.start()
    webhooks.start()
    try:
        yield
    finally:
        cleaner.stop()
        worker.stop(grace_seconds)
        webhooks.stop(STOP_SECONDS)


def _run(server: uvicorn.Server, listener: socket.socket, url: str) -> None:
    _stop_on_signals(server)
    # The objects so far live as long as the process. A collection that passed over them would delay the requests.
    gc.freeze()
    # The socket listens already. A request that arrives before the server runs waits in the socket's backlog.
    print(f"Classify service on {url}", flush=True)
    with released():
        server.run(sockets=[listener])


def _check_is_loopback(listener: socket.socket, url: str) -> None:
    address = str(listener.getsockname()[0])
    if not address.startswith("127.") and address != "::1":
        raise ServiceNotStarted(
            f"Every machine that reaches {url} could use the service, because {API_KEY_VARIABLE} is not set; "
            "set it, name a file of keys with --keys-file, or start with --allow-anonymous."
        )


def _allow_connections() -> int:
    """Raise this process's limit of open files, if needed and allowed. Return how many connections the limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MAX_CONNECTIONS + _OTHER_FILES
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return MAX_CONNECTIONS
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(allowed - _OTHER_FILES, allowed // 2)


def http_server(app: FastAPI, protocol: type[Any], port: int = 0) -> uvicorn.Server:
    """
    Return the HTTP server. The caller runs it.

    :param protocol: the class that :func:`bounded_protocol` returns.
    :param port: the port on loopback, if the caller runs the server without sockets; 0 takes any free one.
    """
    config = uvicorn.Config(
        app,
        port=port,
        http=protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)


def _stop_on_signals(server: uvicorn.Server) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn stops on a signal, and then raises the signal again for the handler that was set before. The default
    # handler would end the process by the signal. With this handler, the process ends with exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServiceNotStarted(
            f"The service cannot listen on {host}:{port} ({error.strerror}); name another host or port."
        ) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Accepted connections inherit it. Linux only.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    return listener


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
