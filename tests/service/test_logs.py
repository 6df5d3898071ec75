"""What the service writes to its log, and what never."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_classify.model.trace import traced
from airflow_provider_classify.service.logs import JsonFormatter, TextFormatter, event
from tests.support.app_server import app_server
from tests.support.service import running_service
from tests.support.waiting import wait_until

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
CATEGORIES = '["invoice", "receipt"]'
SECRET = "secret-9f2c"


def written(formatter: logging.Formatter, message: str, *args: Any, **options: Any) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.info(message, *args, **options)
    return stream.getvalue()


def test_json_is_one_object_on_one_line() -> None:
    with traced(TRACEPARENT):
        line = written(JsonFormatter(), "The job %s\nstarted.", "1", extra=event("job.started", job_id="1", key=None))
    assert line.count("\n") == 1
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info",
        "logger": "test",
        "message": "The job 1\nstarted.",
        "event": "job.started",
        "job_id": "1",
        "trace_id": TRACE_ID,
        "parent_id": "b7ad6b7169203331",
    }


def test_text_names_the_trace() -> None:
    with traced(TRACEPARENT):
        line = written(TextFormatter(), "The job %s started.", "1")
    assert line.endswith(f" INFO The job 1 started. trace_id={TRACE_ID} parent_id=b7ad6b7169203331\n")
    assert written(TextFormatter(), "Plain.").endswith(" INFO Plain.\n")


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_traceback_is_kept(formatter: logging.Formatter) -> None:
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        line = written(formatter, "It failed.", exc_info=True)
    assert "ZeroDivisionError: why" in line


def test_the_service_logs_each_step_of_a_job_as_json(tmp_path: Path, samples: Path) -> None:
    with running_service(tmp_path, api_key=SECRET, options={"log_format": "json"}) as service:
        headers = {"api-key": SECRET, "traceparent": TRACEPARENT}
        with httpx.Client(base_url=service.url, headers=headers) as client:
            files = {"pdf_file": ("private-name.pdf", (samples / "invoice.pdf").read_bytes())}
            job_id = client.post("/classify", files=files, data={"categories": CATEGORIES}).json()["job_id"]
            wait_until(lambda: client.get(f"/classify/{job_id}").json()["status"] == "completed")
            refused = client.get("/classify", headers={"api-key": f"wrong-{SECRET}"})
            assert refused.status_code == 401
            url = f"{service.url}/nothing?signature={SECRET}"
            fetched = client.post("/classify", data={"categories": CATEGORIES, "file_url": url}).json()["job_id"]
            wait_until(lambda: client.get(f"/classify/{fetched}").json()["status"] == "failed")
    log = service.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    steps = {line["event"]: line for line in lines if line.get("job_id") == job_id}
    assert list(steps) == ["job.submitted", "job.started", "job.ended"]
    assert {line["trace_id"] for line in steps.values()} == {TRACE_ID}
    assert (steps["job.ended"]["status"], steps["job.ended"]["category"]) == ("completed", "invoice")
    [failed] = [line for line in lines if line.get("job_id") == fetched and line["event"] == "job.ended"]
    assert (failed["status"], failed["error_kind"]) == ("failed", "RequestRejected")
    [refusal] = [line for line in lines if line.get("event") == "request.refused"]
    assert (refusal["kind"], refusal["status"], refusal["trace_id"]) == ("unauthorized", 401, TRACE_ID)
    assert SECRET not in log
    assert "private-name" not in log


def test_an_error_of_the_database_shows_no_values(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.basicConfig(stream=sys.stderr, force=True)
    with app_server(tmp_path, held=True) as server:
        with sqlite3.connect(tmp_path / "jobs.db") as database:
            database.execute("DROP TABLE classify_jobs")
        data = {"categories": CATEGORIES, "file_url": f"http://127.0.0.1/?signature={SECRET}"}
        assert httpx.post(f"{server.url}/classify", data=data).status_code == 503
        server.classifier.gate.set()
    errors = capfd.readouterr().err
    assert "OperationalError" in errors
    assert SECRET not in errors
