"""Define the JSON Schemas of the service's replies, for its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_classify.model.job import JobStatus, Progress

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to one of :data:`SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(
    properties: Mapping[str, Schema], required: Sequence[str] | None = None, *, closed: bool = False, about: str = ""
) -> Schema:
    """Return the schema of an object. By default, all properties are required. A closed object has no others."""
    schema: Schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }
    if closed:
        schema["additionalProperties"] = False
    return schema | ({"description": about} if about else {})


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_TEXT: Schema = {"type": "string"}
_TRUE: Schema = {"type": "boolean", "const": True}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_PAGE: Schema = {"type": "integer", "minimum": 1}
_PAGES: Schema = {"type": "array", "items": _PAGE}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_JOB_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
_STATUS: Schema = {"type": "string", "enum": [status.value for status in JobStatus]}
_SECONDS: Schema = {"type": "integer", "minimum": 1, "description": "Seconds until a new try can succeed"}

_PAGE_RESULT = _object(
    {
        "page": _PAGE,
        "success": {"type": "boolean"},
        "classification": _or_null(_TEXT),
        "confidence": _SHARE,
        "raw_result": _TEXT | {"description": "The document type, before it was matched to a category"},
        "error": _TEXT | {"description": "Why the page could not be read"},
        "blank": _TRUE,
        "text_source": _TEXT,
        "cover": _TRUE,
        "unknown_script": _TRUE,
        "evidence": {
            "type": "array",
            "items": _object(
                {
                    "text": _TEXT,
                    "type": _TEXT,
                    "page": _PAGE,
                    "line": _TEXT,
                    "box": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                },
                ["text", "type", "page"],
            ),
        },
    },
    ["page", "success", "classification", "confidence"],
    about="The result of one page. A page that could not be read has `success` false and no classification.",
)
_RESULT = _object(
    {
        "success": {"type": "boolean"},
        "classification": _or_null(_TEXT) | {"description": "The category; null for a blank document"},
        "confidence": _SHARE,
        "total_pages": _COUNT,
        "processed_pages": _COUNT,
        "page_results": {"type": "array", "items": ref("PageResult"), "description": "Absent for an image"},
        "raw_result": _TEXT,
        "blank": _TRUE,
        "scores": {"type": "object", "additionalProperties": _SHARE, "description": "The share of each category"},
        "categories": {
            "type": "array",
            "items": _object(
                {
                    "category": _TEXT,
                    "pages": _PAGES,
                    "page_count": _COUNT,
                    "confidence": _SHARE,
                }
            ),
        },
        "mixed": {"type": "boolean", "description": "Whether the pages belong to several categories"},
        "documents": {
            "type": "array",
            "items": _object(
                {"category": _or_null(_TEXT), "pages": _PAGES, "confidence": _SHARE, "cover": _TRUE},
                ["category", "pages", "confidence"],
            ),
            "description": "The documents in a file of several pages",
        },
        "attachments": {"type": "array", "items": {"type": "object"}, "description": "Those of an e-mail"},
        "confidence_by_path": {"type": "object", "additionalProperties": _SHARE},
        "suggested_type": _TEXT | {"description": "A document type that fits better than the categories"},
        "first_answer": {"type": "object", "description": "The engine's answer, if another API was asked"},
        "escalation_error": _TEXT | {"description": "Why another API gave no answer"},
        "language": _or_null(_TEXT),
        "engine": {"type": "object", "description": "What answered, with its versions"},
    },
    ["success", "classification", "confidence", "total_pages", "processed_pages"],
    about="The result of a completed job. An engine can add fields.",
)
_JOB = _object(
    {
        "job_id": _JOB_ID,
        "status": _STATUS,
        "progress": {"type": "string", "enum": [message.value for message in Progress]},
        "error": _or_null(_TEXT),
        "result": _or_null(ref("Result")),
        "error_kind": _TEXT | {"description": "A failed job: the class name of its error, for programs"},
    },
    ["job_id", "status", "progress", "error", "result"],
    closed=True,
    about="A job. A failed job has an `error`, a completed job has a `result`.",
)
_SUBMISSION = _object(
    {
        "job_id": _JOB_ID,
        "status": {"type": "string", "enum": [JobStatus.QUEUED.value, JobStatus.PROCESSING.value]},
        "message": _TEXT,
        "quota_remaining": _COUNT | {"description": "For a key with a quota: the documents left in this month"},
    },
    ["job_id", "status", "message"],
    closed=True,
)
_STATUSES = _object(
    {
        "jobs": {"type": "object", "additionalProperties": _STATUS},
        "not_found": {"type": "array", "items": _TEXT, "description": "The ids that no job has"},
    },
    closed=True,
)


def _with_error(code: str, details: Schema) -> Schema:
    error = _object({"code": {"type": "string", "const": code}, "message": _TEXT, "details": details}, closed=True)
    return _object({"detail": _TEXT, "error": error}, closed=True)


def _busy(code: str, reasons: Sequence[str]) -> Schema:
    reason = {"type": "string", "enum": list(reasons)}
    return _with_error(code, _object({"reason": reason, "retry_after": _SECONDS}, closed=True))


_UNAVAILABLE = _busy(
    "service_unavailable",
    ["queue_full", "fetches_full", "uploads_busy", "job_record", "data_folder", "document_storage", "engine"],
)
_WORKS: Schema = {"type": "string", "const": "ok"}
_PARTS: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string", "enum": ["ok", "failing"]},
    "description": "The state of each part: record, disk, engine",
}

SCHEMAS: Mapping[str, Schema] = {
    "Submission": _SUBMISSION,
    "Job": _JOB,
    "Result": _RESULT,
    "PageResult": _PAGE_RESULT,
    "Statuses": _STATUSES,
    "Works": _object({"status": _WORKS}, closed=True),
    "Ready": _object({"status": _WORKS, "parts": _PARTS}, closed=True),
    "NotReady": _object(
        _UNAVAILABLE["properties"] | {"status": {"type": "string", "const": "unavailable"}, "parts": _PARTS},
        closed=True,
    ),
    "Problem": _object({"detail": _TEXT}, closed=True),
    "InvalidFields": _object(
        {
            "detail": {
                "type": "array",
                "minItems": 1,
                "items": _object({"type": _TEXT, "loc": {"type": "array", "items": _TEXT}, "msg": _TEXT}, closed=True),
            }
        },
        closed=True,
    ),
    "QuotaExceeded": _object(
        {
            "detail": _object(
                {
                    "message": _TEXT,
                    "status": {"type": "string", "const": "QUOTA_EXCEEDED"},
                    "quota_data": _object({"current": _COUNT, "limit": _COUNT, "remaining": _COUNT}, closed=True),
                },
                closed=True,
            )
        },
        closed=True,
    ),
    "TooLarge": _with_error("payload_too_large", _object({"max_bytes": _COUNT}, closed=True)),
    "Unavailable": _UNAVAILABLE,
    "NoSpace": _busy("insufficient_storage", ["disk_full"]),
}
