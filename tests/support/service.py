"""
Run the real service in its own process, for tests that send HTTP requests to it.

    with running_service(tmp_path) as service:
        httpx.get(f"{service.url}/health")
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from airflow_provider_classify.job_record.job_store import JobStore
from tests.support.waiting import wait_until

#: The key of the shared service, which no log and no file may show.
KEY = "key-of-the-tests-5c1d"

_SERVE = """
import json
import sys
from datetime import timedelta
from pathlib import Path
from airflow_provider_classify.service.server import serve
options = json.loads(sys.argv[3])
times = {name: timedelta(seconds=options.pop(name)) for name in ("lease", "keep_results") if name in options}
serve("127.0.0.1", int(sys.argv[2]), Path(sys.argv[1]), **options, **times)
"""
_STARTED = "Classify service on "
_START_SECONDS = 60
_STOP_SECONDS = 30


class RunningService:
    """
    A service on a port of loopback (0 for any free port). Its log is ``data_dir/service.log``.

    :param options: more arguments of ``serve``, as JSON values; ``lease`` and ``keep_results`` in seconds.
    """

    def __init__(
        self, data_dir: Path, api_key: str | None, port: int, env: dict[str, str], options: Mapping[str, Any]
    ) -> None:
        self._options = options
        self.log = data_dir / "service.log"
        self._headers = {"api-key": api_key} if api_key is not None else {}
        inherited = {name: value for name, value in os.environ.items() if name != "CLASSIFY_API_KEY"}
        key = {"CLASSIFY_API_KEY": api_key} if api_key is not None else {}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, str(data_dir), str(port), json.dumps(options)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=inherited | key | env,
            )
        self.pid = self._process.pid
        self.url = self._announced_url()

    def jobs(self) -> list[str]:
        """Return the ids of all jobs in the record, the oldest first."""
        store = JobStore(f"sqlite:///{self.log.parent / 'jobs.db'}")
        with closing(store):
            return [job.job_id for job in store.jobs()]

    def engine(self) -> list[psutil.Process]:
        """Return the processes of its engine. A process starts when all others are busy."""
        return psutil.Process(self.pid).children(recursive=True)

    def stop(self) -> int:
        """Stop the service with SIGTERM and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the service without a chance to clean up, as a crash does."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Suspend the process: clients can connect, but get no reply."""
        psutil.Process(self.pid).suspend()

    def resume(self) -> None:
        """Resume the suspended process."""
        psutil.Process(self.pid).resume()

    @contextmanager
    def frozen_engine(self) -> Iterator[None]:
        """
        Suspend the engine's process, so that no job ends until the block ends.

        The process starts with the first document. If there was no document yet, this method classifies one. The
        service must have one worker, because a second worker would start another process in the block.
        """
        assert self._options["workers"] == 1, "Start the service with workers=1."
        process = psutil.Process(self.pid)
        if not process.children(recursive=True):
            self._classify_a_letter()
        children = process.children(recursive=True)
        assert children, "The service has no process for its engine."
        for child in children:
            child.suspend()
        try:
            yield
        finally:
            for child in children:
                with suppress(psutil.NoSuchProcess):  # the service may have been stopped in the block
                    child.resume()

    def _classify_a_letter(self) -> None:
        files = {"pdf_file": ("letter.txt", b"Dear Mrs. Brown,\n\nthank you for your letter.\n")}
        with httpx.Client(base_url=self.url, headers=self._headers, timeout=_START_SECONDS) as client:
            reply = client.post("/classify", files=files, data={"categories": '[{"name": "letter"}]'})
            job_id = reply.raise_for_status().json()["job_id"]
            wait_until(lambda: client.get(f"/classify/{job_id}").raise_for_status().json()["status"] == "completed")

    def _end(self, number: signal.Signals) -> int:
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def _announced_url(self) -> str:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(self._process.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=_START_SECONDS)
        except queue.Empty:
            line = "(nothing)"
        if not line.startswith(_STARTED):
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"The service printed {line!r} and did not start:\n{self.log.read_text()}")
        return line.removeprefix(_STARTED).strip()


@contextmanager
def running_service(
    data_dir: Path,
    api_key: str | None = None,
    port: int = 0,
    *,
    allow_private_urls: bool = False,
    workers: int | None = None,
    options: Mapping[str, Any] | None = None,
    **env: str,
) -> Iterator[RunningService]:
    """
    Start the service on ``data_dir``, with ``env`` added to the environment, and end it after the block.

    :param workers: the number of documents that are classified at the same time; ``None`` for one for each core.
    :param options: more arguments of ``serve``, as JSON values; ``lease`` and ``keep_results`` in seconds.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    arguments = {"allow_private_urls": allow_private_urls, "workers": workers, **(options or {})}
    service = RunningService(data_dir, api_key, port, env, arguments)
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def connected_service(data_dir: Path, api_key: str | None = None) -> Iterator[RunningService]:
    """
    Run the service with one worker, and the Airflow connection ``service`` to it.

    :param api_key: the key of the service and the connection. The connection ``wrong_key`` has another key.
    """
    with running_service(data_dir, api_key, workers=1) as service, pytest.MonkeyPatch.context() as patch:
        for name, key in (("SERVICE", api_key), ("WRONG_KEY", f"no-{api_key}")):
            connection = {"conn_type": "classify", "host": service.url, "password": key}
            patch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        yield service
