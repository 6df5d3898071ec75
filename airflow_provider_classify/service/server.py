"""Run the service: one process, one folder, until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import logging
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.exceptions import ServiceNotStarted
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.api_contract import MAX_BYTES
from airflow_provider_classify.service.app import create_app
from airflow_provider_classify.service.connections import MAX_CONNECTIONS, bounded_protocol
from airflow_provider_classify.service.events import Events
from airflow_provider_classify.service.logs import LogFormat, configure
from airflow_provider_classify.service.metrics import Metrics
from airflow_provider_classify.service.upload_folder import UploadFolder
from airflow_provider_classify.service.worker import Worker

#: The environment variable with the key that clients must send.
API_KEY_VARIABLE = "CLASSIFY_API_KEY"
#: The most jobs that may wait.
CAPACITY = 1000
#: Seconds that an idle connection stays open. A client polls at least every 30 seconds and should keep its connection.
KEEP_ALIVE_SECONDS = 75
#: Seconds after which a connection is closed if its client reads nothing of a reply.
UNREAD_SECONDS = 60
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
    workers: int | None = None,
    capacity: int = CAPACITY,
    options: EngineOptions | None = None,
    allow_anonymous: bool = False,
    allow_private_urls: bool = False,
    log_format: LogFormat = "text",
) -> None:
    """
    Serve until SIGTERM or SIGINT, then return. Call it in the main thread.

    It prints one line with the URL when the port is open. Jobs and waiting documents are stored in ``data_dir``;
    the next start runs the jobs that had not ended.

    The environment variable ``CLASSIFY_API_KEY`` holds the key that clients must send. Without a key, the service
    starts on a loopback address only.

    :param port: the TCP port; 0 takes any free one.
    :param workers: the number of documents that are classified at the same time; by default the number of cores.
    :param capacity: the most jobs that may wait; further submits get a 503.
    :param options: the engine's options.
    :param allow_anonymous: start without a key on an address that other machines reach.
    :param allow_private_urls: also fetch a ``file_url`` from loopback, private and other addresses that are not public.
    :param log_format: the format of the log, which is written to stderr.
    :raises InvalidDocumentTypes: the folder of the user's own document types cannot be used.
    :raises ModelNotUsable: the learned model cannot be used.
    :raises ExtraNotInstalled: the ``local`` extra, which has the engine's libraries, is not installed.
    :raises ServiceNotStarted: the port or folder is in use or not permitted, or a key is missing or empty.
    """
    configure(log_format)
    require_engine()
    from airflow_provider_classify.engine.knowledge.load import load_knowledge
    from airflow_provider_classify.engine.learned.model import load_model
    from airflow_provider_classify.engine.sandbox.pool import EnginePool

    api_key = _api_key()
    options = options or EngineOptions()
    load_knowledge(options.document_types)  # A wrong file raises its error here, before a child starts.
    load_model(options.model)
    max_connections = _allow_connections()
    with _lock(data_dir), _listen(host, port) as listener:
        url = _url(host, listener)
        if api_key is None and not allow_anonymous:
            _check_is_loopback(listener, url)
        store = JobStore(f"sqlite:///{data_dir.absolute() / 'jobs.db'}")
        folder = UploadFolder(data_dir / "documents", MAX_BYTES)
        engine = EnginePool(workers, options)
        metrics = Metrics()
        metrics.watch(backlog=store.backlog, restarts=lambda: engine.restarts)
        events = Events(metrics)
        worker = Worker(
            store,
            folder,
            engine,
            events,
            threads=engine.size,
            capacity=capacity,
            allow_private_urls=allow_private_urls,
        )
        app = create_app(store, folder, worker, events, api_key=api_key, check_engine=engine.check)
        server = http_server(app, bounded_protocol(max_connections))
        worker.start()
        try:
            _run(server, listener, url)
        finally:
            worker.stop()
            store.close()


def _run(server: uvicorn.Server, listener: socket.socket, url: str) -> None:
    _stop_on_signals(server)
    # The socket is listening: a request that arrives before the server runs waits in its backlog.
    print(f"Classify service on {url}", flush=True)
    server.run(sockets=[listener])


def _check_is_loopback(listener: socket.socket, url: str) -> None:
    address = str(listener.getsockname()[0])
    if not address.startswith("127.") and address != "::1":
        raise ServiceNotStarted(
            f"Every machine that reaches {url} could use the service, because {API_KEY_VARIABLE} is not set; "
            "set it, or start with --allow-anonymous."
        )


def _allow_connections() -> int:
    """Raise the process's limit of open files as far as needed; return how many connections it allows."""
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

    # uvicorn stops on a signal and then raises it again for the handler that was set before. The default handler
    # would end the process by the signal, so this one lets it end with exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _api_key() -> str | None:
    api_key = os.environ.get(API_KEY_VARIABLE)
    if api_key is not None and not api_key.strip():
        raise ServiceNotStarted(f"{API_KEY_VARIABLE} is set but empty; set it to a key, or unset it.")
    return api_key


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    """Lock the folder, since a second service on it would run the same jobs. The lock ends with the process."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise ServiceNotStarted(
            f"The folder {data_dir} cannot be used ({error.strerror}); name one that can be written."
        ) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceNotStarted(
                f"Another service uses the folder {data_dir}; stop it, or name another folder."
            ) from error
        yield


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
