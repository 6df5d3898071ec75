"""A job of the classify API: its id, its statuses, and the replies that tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_classify.exceptions import InvalidJobId, InvalidReply
from airflow_provider_classify.model.json_fields import Fields, present
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.text import quotable

#: What a job id may consist of: characters that stand in any part of a URL as they are.
_JOB_ID = re.compile(r"[A-Za-z0-9._~-]{1,200}")
#: The largest whole number of JSON that every reader takes.
_MOST = 2**53


class JobStatus(StrEnum):
    """``queued`` → ``processing`` → ``completed`` | ``failed``."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the status will not change any more."""
        return self in _TERMINAL


_TERMINAL = (JobStatus.COMPLETED, JobStatus.FAILED)
#: A look-up takes a third of the time of the enumeration's own, and thousands of statuses are read each second.
_BY_WORD: Mapping[str, JobStatus] = {status.value: status for status in JobStatus}


class Progress(StrEnum):
    """The three progress messages. A job that fails before it starts may keep the first."""

    STARTING = "Starting classification..."
    COMPLETED = "Classification completed"
    FAILED = "Classification failed"


def require_job_id(job_id: object) -> str:
    """
    Return a job id that can be asked for.

    An id comes from a server or from XCom and becomes a part of a URL. Slashes, ``.`` and ``..`` would reach
    another route; so would their escapes on a server that decodes a path before it routes.

    :raises InvalidJobId: it is not 1 to 200 letters, digits and ``._~-``, or only dots.
    """
    if isinstance(job_id, str) and _JOB_ID.fullmatch(job_id) and job_id.strip("."):
        return job_id
    raise InvalidJobId(
        f"{quotable(repr(job_id), 80)} is not the id of a job; give the id that a submit returned, "
        "such as the XCom 'job_id' of a ClassifyOperator."
    )


@dataclass(frozen=True, slots=True)
class Submission:
    """The reply to ``POST /classify``. ``quota_remaining`` counts documents, where an account has a quota."""

    job_id: str
    status: JobStatus
    message: str = ""
    quota_remaining: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> Submission:
        """Read the reply. :raises InvalidReply: a field is missing, of another type or impossible."""
        fields = Fields(payload, "the reply to the submit")
        try:
            job_id = require_job_id(fields.required("job_id", str))
        except InvalidJobId as error:
            raise InvalidReply(f"The API's reply is not the contract's: {error}") from error
        return cls(
            job_id=job_id,
            status=_status(fields.required("status", str)),
            message=fields.optional("message", str) or "",
            quota_remaining=fields.whole("quota_remaining", -_MOST, _MOST, required=False),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the contract's form."""
        payload = {"job_id": self.job_id, "status": self.status.value, "message": self.message}
        unknown = {name: value for name, value in self.extra.items() if name not in (*payload, "quota_remaining")}
        return payload | present(quota_remaining=self.quota_remaining) | unknown


@dataclass(frozen=True, slots=True)
class Job:
    """
    The reply to ``GET /classify/{job_id}``.

    ``error`` is set when ``status`` is failed, ``result`` when it is completed. ``error_kind``
    is this package's addition: the name of the exception behind ``error``.
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
        """Read the reply. :raises InvalidReply: a field is missing, of another type or impossible."""
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
        """Return the contract's form: all five keys always, ``error_kind`` only where there is one."""
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
    Read only the id and the status from the reply to ``GET /classify/{job_id}``, at a third of the cost.

    :raises InvalidReply: there is no id, no status, or an unknown one.
    """
    fields = Fields(payload, "the job")
    return fields.required("job_id", str), _status(fields.required("status", str))


@dataclass(frozen=True, slots=True)
class Statuses:
    """
    The reply to ``GET /classify?job_id=…&job_id=…``: the jobs' statuses, without results.

    An addition of this package's service to the contract; a hosted API may not have it.
    """

    by_id: Mapping[str, JobStatus]
    not_found: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, payload: object) -> Statuses:
        """Read the reply. :raises InvalidReply: a field is missing or of another type."""
        fields = Fields(payload, "the jobs' statuses")
        jobs = fields.required("jobs", dict)
        return cls(
            by_id={str(job_id): _status(status) for job_id, status in jobs.items()},
            not_found=tuple(map(str, fields.required("not_found", list))),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form that :meth:`from_json` reads."""
        return {
            "jobs": {job_id: status.value for job_id, status in self.by_id.items()},
            "not_found": list(self.not_found),
        }


def _status(status: Any) -> JobStatus:
    try:
        return _BY_WORD[status]
    except (KeyError, TypeError) as error:
        known = ", ".join(JobStatus)
        named = quotable(repr(status), 80)
        raise InvalidReply(f"The API names a job status {named} that is none of {known}.") from error
