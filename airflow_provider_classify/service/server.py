"""Run the service: one process, one folder, until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.exceptions import ServiceNotStarted
from airflow_provider_classify.local.job_store import JobStore
from airflow_provider_classify.model.contract import MAX_BYTES
from airflow_provider_classify.service.app import create_app
from airflow_provider_classify.service.spool import Spool
from airflow_provider_classify.service.work import Work

#: The environment variable that holds the key which clients must send.
API_KEY_VARIABLE = "CLASSIFY_API_KEY"
#: Jobs that may wait.
CAPACITY = 1000
#: A client polls at least every 30 s, and its connection should last from one poll to the next.
KEEP_ALIVE_SECONDS = 75
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
) -> None:
    """
    Serve until SIGTERM or SIGINT; then return. To be called in the main thread.

    Prints one line with the URL when requests are answered. Jobs and waiting documents live in ``data_dir``;
    jobs that a stop or a kill left unfinished are run again at the next start.
    The key that clients must send comes from the environment variable ``CLASSIFY_API_KEY``; unset, there is none.

    :param port: 0 takes any free one.
    :param workers: documents that are classified at the same time; by default as many as there are cores.
    :param capacity: jobs that may wait; a submit beyond is answered with 503.
    :param options: the engine's options; the defaults if None.
    :raises InvalidDocumentTypes: the folder of own document types cannot be used.
    :raises ServiceNotStarted: the port or folder is in use or not permitted, or the key is empty.
    """
    from airflow_provider_classify.engine.knowledge.load import load_knowledge
    from airflow_provider_classify.engine.sandbox.pool import EnginePool

    api_key = _api_key()
    options = options or EngineOptions()
    load_knowledge(options.document_types)  # Now rather than in the children, with the first document.
    # At INFO, httpx logs every URL that it fetches, with the signature that may be in it.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with _sole_use(data_dir), _listen(host, port) as listener:
        store = JobStore(f"sqlite:///{data_dir.absolute() / 'jobs.db'}")
        spool = Spool(data_dir / "documents", MAX_BYTES)
        engine = EnginePool(workers, options)
        work = Work(store, spool, engine, threads=engine.size, capacity=capacity)
        work.start()
        try:
            url = _url(host, listener)
            if api_key is None and not _is_loopback(listener):
                _log.warning("Everyone who reaches %s can use the service: %s is not set.", url, API_KEY_VARIABLE)
            server = _server(create_app(store, spool, work, api_key=api_key))
            # The socket listens already: a request that comes before the server has begun waits in its backlog.
            print(f"Classify service on {url}", flush=True)
            server.run(sockets=[listener])
        finally:
            work.stop()
            store.close()


def _server(app: FastAPI) -> uvicorn.Server:
    """Make the server, and have SIGTERM and SIGINT stop it from now on."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    server = uvicorn.Server(config)

    def stop(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn stops on a signal and then raises it once more for the handler that was there before it,
    # which by default ends the process by the signal instead of with exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return server


def _api_key() -> str | None:
    api_key = os.environ.get(API_KEY_VARIABLE)
    if api_key is not None and not api_key.strip():
        raise ServiceNotStarted(f"{API_KEY_VARIABLE} is set but empty; give it a key, or unset it to let everyone in.")
    return api_key


@contextmanager
def _sole_use(data_dir: Path) -> Iterator[None]:
    """Lock the folder: a second service on it would run the same jobs again. The lock ends with the process."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise ServiceNotStarted(
            f"The folder {data_dir} cannot be used ({error.strerror}); give one that can be written."
        ) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceNotStarted(
                f"Another service uses the folder {data_dir}; stop it, or give this one its own."
            ) from error
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServiceNotStarted(
            f"The service cannot listen on {host}:{port} ({error.strerror}); give another host or port."
        ) from error


def _url(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _is_loopback(listener: socket.socket) -> bool:
    address = str(listener.getsockname()[0])
    return address.startswith("127.") or address == "::1"
