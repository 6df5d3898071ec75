"""A job of the classify API: its id, its statuses, and the replies about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_classify.exceptions import InvalidJobId, InvalidReply
from airflow_provider_classify.model.json_fields import Fields, present
from airflow_provider_classify.model.printable_text import quotable
from airflow_provider_classify.model.result import ClassificationResult

#: The characters of a job id. None of them is escaped in a URL.
_JOB_ID = re.compile(r"[A-Za-z0-9._~-]{1,200}")
#: The largest integer that every JSON parser reads exactly.
_MAX_INTEGER = 2**53


class JobStatus(StrEnum):
    """The status of a job: first ``queued``, then ``processing``, at the end ``completed`` or ``failed``."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, so that its status cannot change."""
        return self in _TERMINAL


_TERMINAL = (JobStatus.COMPLETED, JobStatus.FAILED)
#: A triggerer reads thousands of statuses a second. This look-up is faster than ``JobStatus(value)``.
_STATUS_BY_VALUE: Mapping[str, JobStatus] = {status.value: status for status in JobStatus}


class Progress(StrEnum):
    """The three progress messages. A job that fails before it starts can keep the first one."""

    STARTING = "Starting classification..."
    COMPLETED = "Classification completed"
    FAILED = "Classification failed"


def require_job_id(job_id: object) -> str:
    """
    Return the job id if it is valid.

    An id comes from a server or from XCom and becomes part of a URL. Slashes, ``.`` and ``..`` would lead to another
    route, on some servers even if they are escaped.

    :raises InvalidJobId: the id is not 1 to 200 letters, digits and ``._~-``, or has only dots.
    """
    if isinstance(job_id, str) and _JOB_ID.fullmatch(job_id) and job_id.strip("."):
        return job_id
    raise InvalidJobId(
        f"{quotable(repr(job_id), 80)} is not the id of a job; give the id that a submit returned, "
        "such as the XCom 'job_id' of a ClassifyOperator."
    )


@dataclass(frozen=True, slots=True)
class Submission:
    """
    The reply to ``POST /classify``.

    ``quota_remaining`` is the number of documents left, for an account with a quota. ``extra`` has all fields that
    the contract does not name.
    """

    job_id: str
    status: JobStatus
    message: str = ""
    quota_remaining: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> Submission:
        """Parse the reply. :raises InvalidReply: a field is missing, of another type or out of range."""
        fields = Fields(payload, "the reply to the submit")
        try:
            job_id = require_job_id(fields.required("job_id", str))
        except InvalidJobId as error:
            raise InvalidReply(f"The API's reply breaks the contract: {error}") from error
        return cls(
            job_id=job_id,
            status=_status(fields.required("status", str)),
            message=fields.optional("message", str) or "",
            quota_remaining=fields.whole("quota_remaining", -_MAX_INTEGER, _MAX_INTEGER, required=False),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the reply as a JSON object of the contract."""
        payload = {"job_id": self.job_id, "status": self.status.value, "message": self.message}
        unknown = {name: value for name, value in self.extra.items() if name not in (*payload, "quota_remaining")}
        return payload | present(quota_remaining=self.quota_remaining) | unknown


@dataclass(frozen=True, slots=True)
class Job:
    """
    The reply to ``GET /classify/{job_id}``.

    A failed job has an ``error``, a completed one a ``result``. ``error_kind`` is the class name of the error; only
    this package's service sends it. ``extra`` has all fields that the contract does not name.
    """

    job_id: str
    status: JobStatus
    progress: str = Progress.STARTING
    error: str | None = None
    error_kind: str | None = None
    result: ClassificationResult | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> Job:
        """Parse the reply. :raises InvalidReply: a field is missing, of another type or out of range."""
        fields = Fields(payload, "the job")
        status = _status(fields.required("status", str))
        completed = status is JobStatus.COMPLETED
        result = fields.required("result", dict) if completed else fields.drop("result")
        failed = status is JobStatus.FAILED
        return cls(
            job_id=fields.required("job_id", str),
            status=status,
            progress=fields.optional("progress", str) or "",
            error=fields.required("error", str) if failed else fields.drop("error"),
            error_kind=fields.optional("error_kind", str),
            result=ClassificationResult.from_json(result) if completed else None,
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the reply as a JSON object of the contract. It has ``error_kind`` only if that is set."""
        payload: dict[str, Any] = {
            "job_id": self.job_id,
            "status": self.status.value,
            "progress": str(self.progress),
            "error": self.error,
            "result": self.result.to_json() if self.result else None,
        }
        unknown = {name: value for name, value in self.extra.items() if name not in (*payload, "error_kind")}
        return payload | present(error_kind=self.error_kind) | unknown


def read_status(payload: object) -> tuple[str, JobStatus]:
    """
    Parse only the id and the status of the reply to ``GET /classify/{job_id}``. This is cheaper than a whole job.

    :raises InvalidReply: the id or the status is missing, or the status is unknown.
    """
    if isinstance(payload, dict):
        job_id, status = payload.get("job_id"), payload.get("status")
        if isinstance(job_id, str) and isinstance(status, str):
            return job_id, _status(status)
    fields = Fields(payload, "the job")  # raises an error that names the wrong field
    return fields.required("job_id", str), _status(fields.required("status", str))


@dataclass(frozen=True, slots=True)
class Statuses:
    """
    The reply to ``GET /classify?job_id=…&job_id=…``: the statuses of several jobs, without results.

    This package's service adds this route to the contract. A hosted API may not have it.
    """

    by_id: Mapping[str, JobStatus]
    not_found: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, payload: object) -> Statuses:
        """Parse the reply. :raises InvalidReply: a field is missing or of another type."""
        fields = Fields(payload, "the jobs' statuses")
        jobs = fields.required("jobs", dict)
        return cls(
            by_id={str(job_id): _status(status) for job_id, status in jobs.items()},
            not_found=tuple(map(str, fields.required("not_found", list))),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`from_json` parses."""
        return {
            "jobs": {job_id: status.value for job_id, status in self.by_id.items()},
            "not_found": list(self.not_found),
        }


def _status(status: Any) -> JobStatus:
    try:
        return _STATUS_BY_VALUE[status]
    except (KeyError, TypeError) as error:
        known = ", ".join(JobStatus)
        named = quotable(repr(status), 80)
        raise InvalidReply(f"The API returned the unknown job status {named} instead of {known}.") from error
