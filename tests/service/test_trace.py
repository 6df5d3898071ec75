"""The trace of a submit is in the record of its job, and goes on in the request to another API."""

from __future__ import annotations

from pathlib import Path

import httpx

from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.trace import Trace, traced
from airflow_provider_classify.service.escalation import Escalation, escalation_settings
from tests.support.app_server import app_server
from tests.support.scripted_server import Answer, scripted_server

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSURE = ClassificationResult(True, "invoice", 0.3, 1, 1)


def test_the_record_has_the_trace_of_the_submit(tmp_path: Path) -> None:
    with app_server(tmp_path) as server:
        for header, recorded in ((TRACEPARENT, TRACEPARENT), ("nonsense", None)):
            files = {"pdf_file": ("a.pdf", b"%PDF-1.7")}
            headers = {"traceparent": header}
            reply = httpx.post(f"{server.url}/classify", files=files, data={"categories": '["a"]'}, headers=headers)
            assert server.store.request(reply.json()["job_id"]).traceparent == recorded


def test_an_escalation_continues_the_trace_of_the_job(tmp_path: Path) -> None:
    document = tmp_path / "a.txt"
    document.write_text("Dear Mrs. Brown")
    answer = {"success": True, "classification": "letter", "confidence": 0.9, "total_pages": 1, "processed_pages": 1}
    job = {"job_id": "1", "status": "completed", "progress": "Classification completed", "error": None}
    answers = (Answer(202, {"job_id": "1", "status": "queued"}), Answer(200, job | {"result": answer}))
    with scripted_server(*answers) as api:
        settings = escalation_settings(api.url, 0.8, None)
        assert settings is not None
        escalation = Escalation(*settings)
        try:
            with traced(TRACEPARENT):
                result = escalation.answer(UNSURE, document, (Category("letter"),), name="a.txt", job_id="j")
        finally:
            escalation.close()
    assert result.classification == "letter"
    sent = Trace.parse(api.requests[0].headers.get("traceparent"))
    assert sent is not None
    assert sent.trace_id == Trace.parse(TRACEPARENT).trace_id  # type: ignore[union-attr]
    assert sent.header() != TRACEPARENT
