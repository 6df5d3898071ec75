"""Replies of an API about a job, for the tests of the hook."""

from __future__ import annotations

from tests.support.scripted_server import Answer

PROCESSING = Answer(200, {"job_id": "8a1c", "status": "processing", "progress": "Starting classification..."})
DONE = Answer(
    200,
    {
        "job_id": "8a1c",
        "status": "completed",
        "progress": "Classification completed",
        "error": None,
        "result": {
            "success": True,
            "classification": "invoice",
            "confidence": 0.9,
            "total_pages": 1,
            "processed_pages": 1,
            "raw_result": "invoice",
        },
    },
)
