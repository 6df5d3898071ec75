"""
Describe the routes of the service as an OpenAPI 3.1 document.

FastAPI derives the paths and their parameters from the routes. This module adds every reply with its schema, and the
form of a submit, which FastAPI does not know because the service reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from airflow_provider_classify.model.api_contract import (
    HONOURED_HEADER,
    IDEMPOTENCY_HEADER,
    MAX_STATUS_IDS,
    UNLESS_ENDED,
)
from airflow_provider_classify.model.escalations import ESCALATIONS_HEADER, MAX_ESCALATIONS
from airflow_provider_classify.model.trace import TRACE_HEADER
from airflow_provider_classify.service.schemas import SCHEMAS, ref
from airflow_provider_classify.service.submit_request import LONGEST_URL
from airflow_provider_classify.service.submits import LONGEST_KEY
from airflow_provider_classify.service.webhook_requests import LONGEST_WEBHOOK_URL

Replies = dict[int | str, dict[str, Any]]

_SCHEME = "APIKeyHeader"
_HONOURED = {
    HONOURED_HEADER: {
        "description": f"The service honours {IDEMPOTENCY_HEADER}",
        "schema": {"type": "string", "const": "true"},
    }
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}


def _reply(description: str, schema: str, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": ref(schema)}}}
    return reply | ({"headers": dict(headers)} if headers else {})


_FAULTS: Replies = {
    500: _reply("The service failed on this request", "Problem"),
    503: _reply("The service is busy, or cannot reach its record or its disk", "Unavailable", _RETRY_AFTER),
    507: _reply("The service has no space left", "NoSpace", _RETRY_AFTER),
}
_KEY_MISSING: Replies = {401: _reply("The key is missing or wrong", "Problem")}
_KEYED: Replies = _KEY_MISSING | {429: _reply("The key has no requests left", "Problem", _RETRY_AFTER)}
_NO_JOB: Replies = {404: _reply("There is no such job, or it has expired", "Problem")}

SUBMIT_REPLIES: Replies = {
    202: _reply("The job was accepted", "Submission", _HONOURED),
    400: _reply("The form or its categories are malformed", "Problem"),
    **_KEYED,
    402: _reply("The quota of the key is used up", "QuotaExceeded"),
    408: _reply("The form arrived too slowly", "Problem"),
    413: _reply("The document or the form is too large", "TooLarge"),
    415: _reply("The form is compressed", "Problem"),
    422: _reply("A field is missing or invalid, or the idempotency key is in use", "InvalidFields"),
    **_FAULTS,
}
STATUS_REPLIES: Replies = {
    200: _reply("The job", "Job"),
    **_KEYED,
    404: _NO_JOB[404] | {"headers": _HONOURED},
    **_FAULTS,
}
CANCEL_REPLIES: Replies = {
    200: _reply("The job: cancelled, or as it had ended", "Job"),
    400: _reply("unless_ended is neither true nor false", "Problem"),
    **_KEYED,
    **_NO_JOB,
    **_FAULTS,
}
STATUSES_REPLIES: Replies = {
    200: _reply("The statuses of the jobs", "Statuses"),
    400: _reply("There are no job ids, or too many", "Problem"),
    **_KEYED,
    **_FAULTS,
}
HEALTH_REPLIES: Mapping[str, Replies] = {
    "live": {200: _reply("The process answers", "Works")},
    "ready": {
        200: _reply("Every part works", "Ready"),
        503: _reply("A part does not work", "NotReady", _RETRY_AFTER),
    },
    "health": {
        200: _reply("The service works", "Works"),
        503: _reply("A part does not work", "Unavailable", _RETRY_AFTER),
    },
}
METRICS_REPLIES: Replies = {
    200: {
        "description": "The metrics of this process",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    **_KEY_MISSING,
}

_CATEGORIES = {
    "categories": {
        "type": "string",
        "minLength": 1,
        "contentMediaType": "application/json",
        "description": 'A JSON list of names, or of objects as in [{"name": "invoice", "description": "optional"}]',
        "examples": ['[{"name": "invoice"}, {"name": "contract"}]'],
    },
    "conditions": {
        "type": "string",
        "minLength": 1,
        "contentMediaType": "application/json",
        "deprecated": True,
        "description": "The older name of `categories`, which is used if `categories` is absent",
    },
}
_URL = {
    "file_url": {
        "type": "string",
        "format": "uri",
        "maxLength": LONGEST_URL,
        "description": "Where to fetch the document from, by http or https",
    }
}
_WEBHOOK = {
    "webhook_url": {
        "type": "string",
        "format": "uri",
        "maxLength": LONGEST_WEBHOOK_URL,
        "description": "Where to send the job when it ends, by http or https",
    }
}
_FILE = {
    "pdf_file": {
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "format": "binary",
        "description": "The document, of any type that the engine reads; its content decides, not its name",
    }
}


def _webhook_header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}


_NAMED = {"anyOf": [{"required": ["categories"]}, {"required": ["conditions"]}]}
_HEADERS = [
    {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": False,
        "description": "Repeated submits with one key are one job",
        "schema": {"type": "string", "maxLength": LONGEST_KEY},
    },
    {
        "name": ESCALATIONS_HEADER,
        "in": "header",
        "required": False,
        "description": f"How many services have escalated the document; after {MAX_ESCALATIONS} no other one does",
        "schema": {"type": "string"},
    },
    {
        "name": TRACE_HEADER,
        "in": "header",
        "required": False,
        "description": "The trace (W3C Trace Context) that the job belongs to",
        "schema": {"type": "string"},
    },
]
SUBMIT_EXTRA: dict[str, Any] = {
    "security": [{_SCHEME: []}],
    "parameters": _HEADERS,
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": _FILE | _URL | _CATEGORIES | _WEBHOOK,
                    "allOf": [_NAMED, {"oneOf": [{"required": ["pdf_file"]}, {"required": ["file_url"]}]}],
                }
            },
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": _URL | _CATEGORIES | _WEBHOOK,
                    "required": ["file_url"],
                    **_NAMED,
                }
            },
        },
    },
}
STATUSES_EXTRA: dict[str, Any] = {
    "parameters": [
        {
            "name": "job_id",
            "in": "query",
            "required": True,
            "description": "The ids of the jobs, one parameter for each",
            "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_STATUS_IDS},
        }
    ]
}
CANCEL_EXTRA: dict[str, Any] = {
    "parameters": [
        {
            "name": UNLESS_ENDED,
            "in": "query",
            "description": "Leave a job that has ended as it is, with its result",
            "schema": {"type": "boolean", "default": False},
        }
    ]
}
WEBHOOKS: dict[str, Any] = {
    "jobEnded": {
        "post": {
            "summary": "A job with a webhook_url has ended",
            "description": "Signed as Standard Webhooks specifies it.",
            "parameters": [
                _webhook_header("webhook-id", "The job id, the same for every try"),
                _webhook_header("webhook-timestamp", "The seconds since 1970 of this try"),
                _webhook_header("webhook-signature", "v1, and the HMAC-SHA256 of id, timestamp and body in Base64"),
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Job")}}},
            "responses": {
                "2XX": {"description": "The webhook is accepted"},
                "410": {"description": "The receiver wants no more webhooks at this URL"},
                "default": {"description": "The webhook is sent again later"},
            },
        }
    }
}


def describe(app: FastAPI, *, keyed: bool) -> None:
    """
    Make ``/openapi.json`` the description of the application.

    :param keyed: whether clients need a key. Without keys, the document has no security scheme, and no
        replies about keys and their limits.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            described["components"]["schemas"] = dict(SCHEMAS)
            described["webhooks"] = WEBHOOKS
            for operation in _operations(described):
                _drop_validation(operation)
                if not keyed:
                    operation.pop("security", None)
                    for status in ("401", "402", "429"):
                        operation["responses"].pop(status, None)
            if not keyed:
                described["components"].pop("securitySchemes", None)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _operations(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in described["paths"].values() for operation in path.values()]


def _drop_validation(operation: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI adds to each operation with parameters. Any text is a valid value of the parameters."""
    content = operation["responses"].get("422", {}).get("content", {})
    if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("HTTPValidationError"):
        del operation["responses"]["422"]
