"""A wait on a worker ends when Airflow ends the task: by its ``execution_timeout``, or by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_clients import PROCESSING
from tests.support.scripted_server import Answer, Fault, Stream, scripted_server
from tests.support.waiting import wait_until

#: Seconds in which the process has to end. The waits go on for minutes otherwise.
PROMPTLY = 20
DRIP = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ", pause=0.05)

#: What a worker does around a task: it limits the task by this timeout, and Airflow 2 raises on SIGTERM.
WORKER = """
import signal, sys, time
from airflow_provider_classify.hooks.classify import ClassifyHook
from airflow_provider_classify.model.polling import Wait
try:
    from airflow.sdk.execution_time.timeout import timeout
except ImportError:  # Airflow 2
    from airflow.utils.timeout import timeout

class Terminated(BaseException):
    pass

def terminate(*_):
    raise Terminated

signal.signal(signal.SIGTERM, terminate)
call, seconds = sys.argv[1], float(sys.argv[2])
hook = ClassifyHook("server")
try:
    with timeout(seconds), hook:
        if call == "fetch":
            hook.fetch("8a1c")
        now = time.time()
        hook.wait(Wait("8a1c", since=now - 600, deadline=now + 3600, longest_pause=600.0))
except BaseException as error:
    print("ended by", type(error).__name__)
"""


@pytest.mark.parametrize(
    ("how", "call", "answer"),
    [
        ("SIGTERM", "wait", Fault.SILENCE),
        ("SIGTERM", "fetch", DRIP),
        ("execution_timeout", "wait", PROCESSING),  # it pauses between two requests
        ("execution_timeout", "fetch", Answer(503)),
    ],
)
def test_a_wait_ends_with_its_task(how: str, call: str, answer: Answer | Fault | Stream, tmp_path: Path) -> None:
    with scripted_server(answer) as server:
        connection = {"conn_type": "classify", "host": server.url, "extra": {"request_timeout": 300}}
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, call, "3600" if how == "SIGTERM" else "1"],
            env=os.environ | {"AIRFLOW_CONN_SERVER": json.dumps(connection), "AIRFLOW_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            if how == "SIGTERM":
                wait_until(lambda: server.requests)
                worker.send_signal(signal.SIGTERM)
            said, _ = worker.communicate(timeout=60 + PROMPTLY if how != "SIGTERM" else PROMPTLY)
        finally:
            worker.kill()
            worker.wait()
    assert said.splitlines()[-1] == f"ended by {'Terminated' if how == 'SIGTERM' else 'AirflowTaskTimeout'}"
