"""Create replies of an API, and parse them as the client does."""

from __future__ import annotations

import json

import pytest

from airflow_provider_classify.api import replies
from airflow_provider_classify.api.settings import ApiSettings
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.job import Job, JobStatus

KEY = "sk-recognisable-4711"
SETTINGS = ApiSettings("docs", "https://api.example.com", KEY)
JOB = {"job_id": "8a1c", "status": "processing", "progress": "Starting classification..."}
RESULT = {"success": True, "classification": "a", "confidence": 0.5, "total_pages": 1, "processed_pages": 1}
DONE = {"job_id": "8a1c", "status": "completed", "progress": "Classification completed", "result": RESULT}
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


def body_of(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def reply(status: int, content: object = b"", headers: dict[str, str] | None = None) -> replies.Reply:
    return replies.Reply(status, headers or {}, body_of(content))


def read_job(status: int, content: object = b"", headers: dict[str, str] | None = None) -> Job:
    answer = reply(status, content, headers)
    return replies.read_job(answer, job_id="8a1c", what="job 8a1c", settings=SETTINGS)


def read_status(status: int, content: object) -> JobStatus:
    return replies.read_status(reply(status, content), job_id="8a1c", what="job 8a1c", settings=SETTINGS)


def job_error(status: int, content: object = b"", headers: dict[str, str] | None = None) -> ClassifyError:
    with pytest.raises(ClassifyError) as raised:
        read_job(status, content, headers)
    return raised.value


def submit_error(status: int, content: object = b"", headers: dict[str, str] | None = None) -> ClassifyError:
    with pytest.raises(ClassifyError) as raised:
        replies.read_submission(reply(status, content, headers), what="the document scan.pdf", settings=SETTINGS)
    return raised.value
