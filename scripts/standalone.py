"""
Run a whole Airflow on this machine: scheduler, triggerer, DAG processor and API server.

``Standalone`` runs ``airflow standalone`` in its own home, for ``make airflow`` and the system tests. ``Airflow`` calls
the REST API of an Airflow on this machine. ``python scripts/standalone.py`` adds the classify service, a connection to
it and sample documents, and runs until Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
USER = "admin"


class Airflow:
    """
    A client for the REST API of an Airflow on loopback.

    :param home: the folder for all files of Airflow.
    :param port: the port of the UI and the API.
    :param environment: environment variables in addition to those that a run on one machine needs.
    """

    def __init__(self, home: Path, port: int, environment: Mapping[str, str]) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, **_settings(home, port), **environment}

    @property
    def password(self) -> str:
        """The password that Airflow's simple auth manager generated for ``admin``."""
        passwords = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
        return str(passwords[USER])

    @property
    def is_healthy(self) -> bool:
        """Whether all components run."""
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Call the REST API (v2) and return the JSON of its reply. :raises httpx.HTTPStatusError: the call failed."""
        # The timeout is long, because the server's imports for the first task can block it for seconds.
        with httpx.Client(base_url=self.url, timeout=120) as client:
            login = client.post("/auth/token", json={"username": USER, "password": self.password})
            login.raise_for_status()
            bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
            response = client.request(method, f"/api/v2/{path}", json=body, headers=bearer)
            try:
                response.raise_for_status()
            except httpx.HTTPStatusError as error:
                error.add_note(response.text[:2000])
                raise
            return response.json() if response.content else None


class Standalone(Airflow):
    """A context manager that starts ``airflow standalone`` and stops it at the end."""

    def __init__(self, home: Path, port: int, environment: Mapping[str, str]) -> None:
        super().__init__(home, port, environment)
        self.log = home / "standalone.log"

    def __enter__(self) -> Standalone:
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            # Airflow runs in its own session, so that Ctrl-C reaches only this process, which then stops Airflow in
            # order. `airflow standalone` stops its children only on SIGINT, and not on SIGTERM (Airflow 3.3.2).
            self._process = subprocess.Popen(
                [str(BIN / "airflow"), "standalone"],
                env=self.environment,
                cwd=self.home,  # the example DAGs use the folder incoming in the working directory
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=restore_interrupts,
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """The id of the process whose children are Airflow's components."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether ``airflow standalone`` still runs."""
        return self._process.poll() is None

    def _wait_until_healthy(self, seconds: float = 400.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                raise RuntimeError(f"airflow standalone ended by itself; its log is {self.log}.")
            if self.is_healthy:
                return
            time.sleep(0.5)
        raise RuntimeError(f"Airflow was not healthy after {seconds:.0f} s; its log is {self.log}.")

    def _stop(self, seconds: float = 40.0) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if not _group_alive(self._process):
                break
            # Send SIGINT only to `airflow standalone`, which then stops its components in order, within 12 s.
            # Components that also get the SIGINT hang (Airflow 3.3.2).
            (os.kill if number == signal.SIGINT and self.is_running else os.killpg)(self._process.pid, number)
            deadline = time.monotonic() + seconds
            try:
                while _group_alive(self._process) and time.monotonic() < deadline:
                    time.sleep(0.2)
            except KeyboardInterrupt:
                continue  # a second Ctrl-C: send the next signal now
            seconds = 10.0


def restore_interrupts() -> None:
    """Let a child process handle SIGINT. A background job of a shell ignores SIGINT, and its children inherit this."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _group_alive(leader: subprocess.Popen[bytes]) -> bool:
    leader.poll()  # a process that ended stays in its group until its parent reads the exit status
    try:
        os.killpg(leader.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _settings(home: Path, port: int) -> dict[str, str]:
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",  # standalone calls `airflow` by name
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        # With the default of 5 s, the LocalExecutor fails some resumed tasks (apache/airflow#72716).
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def free_port(preferred: int = 0) -> int:
    """Return the port ``preferred`` if it is free; otherwise any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


@contextmanager
def classify_service(home: Path, port: int) -> Iterator[str]:
    """Run the classify service of this package, and provide its URL."""
    home.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    with (home / "service.log").open("w") as log:
        command = [str(BIN / "airflow-classify"), "serve", "--port", str(port), "--data", str(home / "jobs")]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_until_up(process, f"{url}/health", log.name)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: str) -> None:
    for _ in range(150):
        if process.poll() is not None:
            break
        try:
            httpx.get(url, timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError(f"The classify service did not start; its log is {log}.")


def main() -> int:
    """Start the service and Airflow, and wait for Ctrl-C."""
    from samples import draw_samples

    home = ROOT / ".airflow" / "standalone"
    incoming = home / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    draw_samples(incoming)
    for number in (signal.SIGINT, signal.SIGTERM):  # `kill` stops it in the same way as Ctrl-C
        signal.signal(number, signal.default_int_handler)
    print("Starting the classify service and Airflow (the first time takes a minute) …", flush=True)
    try:
        with (
            classify_service(home / "service", free_port(8600)) as service,
            Standalone(home, free_port(8080), example_settings(incoming, service)) as airflow,
        ):
            define_connection(airflow, service)
            print(
                f"\n  Airflow   {airflow.url}  (user {USER}, password {airflow.password})\n"
                f"  Service   {service}\n"
                f"  Documents {incoming}\n"
                f"  Log       {airflow.log}\n\nCtrl-C stops everything.",
                flush=True,
            )
            while airflow.is_running:
                time.sleep(1)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    print("airflow standalone ended by itself; see its log.", file=sys.stderr)
    return 1


def example_settings(incoming: Path, service: str) -> dict[str, str]:
    """Return the environment that the example DAGs need."""
    return {
        "INCOMING_DOCUMENTS": str(incoming),
        "AIRFLOW_CONN_CLASSIFY_API": json.dumps({"conn_type": "classify", "host": service}),
    }


def define_connection(airflow: Airflow, service: str, api_key: str | None = None, **extra: object) -> None:
    """Define ``classify_default``. Replace an earlier one, because the port of the service may have changed."""
    connection = {
        "connection_id": "classify_default",
        "conn_type": "classify",
        "host": service,
        "password": api_key,
        "extra": json.dumps({"backend": "api", **extra}),
    }
    try:
        airflow.request("DELETE", "connections/classify_default")
    except httpx.HTTPStatusError as error:
        if error.response.status_code != 404:
            raise
    airflow.request("POST", "connections", connection)


if __name__ == "__main__":
    sys.exit(main())
