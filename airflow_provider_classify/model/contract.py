"""
The words of the classify API as types.

Two routes, ``POST /classify`` and ``GET /classify/{job_id}``; the hook reads their replies with
these types, the service writes them, and the local engine returns the same result. Reading is
strict about what is missing (:class:`InvalidReply` names the field) and lenient about what is
new: unknown keys stay in ``extra`` and come out of ``to_json`` again.

A page that fails carries the *first* category as its ``classification`` on the wire. Here its
``classification`` is ``None``, so a failed page cannot pass for an answer. Nor has a blank page or a blank
document a ``classification``; it succeeds and says ``blank``, which is an addition of this package.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.model.json_fields import Fields

#: A longer document is classified from its first pages.
MAX_PAGES = 4
#: The API's limit for an upload, in bytes.
MAX_BYTES = 500 * 1024 * 1024
#: Names one submit, so that sending it again does not begin a second job.
IDEMPOTENCY_HEADER = "Idempotency-Key"
#: In the replies of a server that honours :data:`IDEMPOTENCY_HEADER`; an addition of this package's service.
HONOURED_HEADER = "Idempotency-Key-Honoured"
#: What the API says of a file that it cannot open.
CANNOT_OPEN = "This PDF could not be opened — the file may be corrupt or in an unsupported format."


class JobStatus(StrEnum):
    """``queued`` → ``processing`` → ``completed`` | ``failed``."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the job will not change any more."""
        return self in _TERMINAL


_TERMINAL = (JobStatus.COMPLETED, JobStatus.FAILED)
#: A look-up takes a third of the time of the enumeration's own, and thousands of jobs are looked at each second.
_BY_WORD: Mapping[str, JobStatus] = {status.value: status for status in JobStatus}


class Progress(StrEnum):
    """The three progress messages. A job that fails before it starts may keep the first."""

    STARTING = "Starting classification..."
    COMPLETED = "Classification completed"
    FAILED = "Classification failed"


@dataclass(frozen=True, slots=True)
class PageResult:
    """
    What was found on one page, ``page`` from 1.

    A failed page has ``success`` false, an ``error``, and no ``classification``. A ``blank`` page has ``success``
    true, no ``classification`` and the confidence 0.
    ``raw_result`` is the classifier's own word before it was matched to a category.
    """

    page: int
    success: bool
    classification: str | None
    confidence: float
    raw_result: str | None = None
    error: str | None = None
    blank: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object, where: str) -> PageResult:
        """Read one entry of ``page_results``; ``where`` names it in errors."""
        fields = Fields(payload, where)
        success, blank = fields.required("success", bool), fields.optional("blank", bool) or False
        has_answer = success and not blank
        return cls(
            page=fields.required("page", int),
            success=success,
            classification=fields.required("classification", str) if has_answer else fields.drop("classification"),
            confidence=fields.confidence(required=has_answer),
            raw_result=fields.optional("raw_result", str),
            error=fields.optional("error", str),
            blank=blank,
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's form; a failed page says ``null`` where the API names the first category."""
        payload: dict[str, Any] = {
            "page": self.page,
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
        }
        stated = _present(raw_result=self.raw_result, error=self.error, blank=self.blank or None)
        return payload | stated | dict(self.extra)


@dataclass(frozen=True, slots=True)
class ClassificationResult:
    """
    The ``result`` of a completed job.

    An image has no ``page_results`` (here: empty) but a ``raw_result`` of its own.
    ``extra`` holds what an engine adds beside the contract: ``scores``, ``categories``, ``language``, ``engine``.
    ``classification`` is ``None`` when ``success`` is false, and when the document is ``blank``: then ``success`` is
    true, as there was nothing to fail at, and the confidence is 0.
    """

    success: bool
    classification: str | None
    confidence: float
    total_pages: int
    processed_pages: int
    page_results: tuple[PageResult, ...] = ()
    raw_result: str | None = None
    blank: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, payload: object) -> ClassificationResult:
        """
        Read the ``result`` object.

        Where pages failed, the overall answer counts only if a page that succeeded supports it;
        else it may be the failed pages' first category, and the succeeded pages answer instead.

        :raises InvalidReply: a field is missing or of another type.
        """
        fields = Fields(payload, "result")
        success, blank = fields.required("success", bool), fields.optional("blank", bool) or False
        has_answer = success and not blank
        listed = fields.optional("page_results", list) or []
        pages = tuple(PageResult.from_json(page, f"result.page_results[{i}]") for i, page in enumerate(listed))
        classification = fields.required("classification", str) if has_answer else fields.drop("classification")
        confidence = fields.confidence(required=has_answer)
        total_pages = fields.required("total_pages", int)
        processed_pages = fields.required("processed_pages", int) if listed else fields.optional("processed_pages", int)
        if has_answer and any(not page.success for page in pages):
            classification, confidence = _supported(classification, confidence, pages)
        return cls(
            success=classification is not None or (success and blank),
            classification=classification,
            confidence=confidence,
            total_pages=total_pages,
            processed_pages=total_pages if processed_pages is None else processed_pages,
            page_results=pages,
            raw_result=fields.optional("raw_result", str),
            blank=blank,
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's form, its own fields first."""
        payload: dict[str, Any] = {
            "success": self.success,
            "classification": self.classification,
            "confidence": self.confidence,
            "total_pages": self.total_pages,
            "processed_pages": self.processed_pages,
        }
        if self.page_results:
            payload["page_results"] = [page.to_json() for page in self.page_results]
        return payload | _present(raw_result=self.raw_result, blank=self.blank or None) | dict(self.extra)


def _supported(classification: str | None, confidence: float, pages: Iterable[PageResult]) -> tuple[str | None, float]:
    """Keep the overall answer if a succeeded page gives it; else let the succeeded pages answer."""
    votes: dict[str, list[float]] = defaultdict(list)
    for page in pages:
        if page.success and page.classification is not None:
            votes[page.classification].append(page.confidence)
    if not votes:
        return None, 0.0
    if classification in votes:
        return classification, confidence
    winner = max(votes, key=lambda name: sum(votes[name]))
    return winner, sum(votes[winner]) / len(votes[winner])


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
        """:raises InvalidReply: a field is missing or of another type."""
        fields = Fields(payload, "the reply to the submit")
        return cls(
            job_id=fields.required("job_id", str),
            status=_status(fields.required("status", str)),
            message=fields.optional("message", str) or "",
            quota_remaining=fields.optional("quota_remaining", int),
            extra=fields.rest(),
        )

    def to_json(self) -> dict[str, Any]:
        """The contract's form."""
        payload = {"job_id": self.job_id, "status": self.status.value, "message": self.message}
        return payload | _present(quota_remaining=self.quota_remaining) | dict(self.extra)


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
        """:raises InvalidReply: a field is missing or of another type, or completed without a result."""
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
        """The contract's form: all five keys always, ``error_kind`` only where there is one."""
        payload: dict[str, Any] = {
            "job_id": self.job_id,
            "status": self.status.value,
            "progress": str(self.progress),
            "error": self.error,
            "result": self.result.to_json() if self.result else None,
        }
        return payload | _present(error_kind=self.error_kind) | dict(self.extra)


def job_status(payload: object) -> JobStatus:
    """
    Read from the reply to ``GET /classify/{job_id}`` only where the job stands, at a third of the cost.

    :raises InvalidReply: there is no status, or an unknown one.
    """
    return _status(Fields(payload, "the job").required("status", str))


#: How many ids one batch status request may name.
MAX_STATUS_IDS = 500


@dataclass(frozen=True, slots=True)
class Statuses:
    """
    The reply to ``GET /classify?job_id=…&job_id=…``: where each job stands, without results.

    An addition of this package's service to the contract; a hosted API may not have it.
    """

    by_id: Mapping[str, JobStatus]
    not_found: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, payload: object) -> Statuses:
        """:raises InvalidReply: a field is missing or of another type."""
        fields = Fields(payload, "the jobs' statuses")
        jobs = fields.required("jobs", dict)
        return cls(
            by_id={str(job_id): _status(status) for job_id, status in jobs.items()},
            not_found=tuple(map(str, fields.required("not_found", list))),
        )

    def to_json(self) -> dict[str, Any]:
        """The form that :meth:`from_json` reads."""
        return {
            "jobs": {job_id: status.value for job_id, status in self.by_id.items()},
            "not_found": list(self.not_found),
        }


def _status(status: Any) -> JobStatus:
    try:
        return _BY_WORD[status]
    except (KeyError, TypeError) as error:
        known = ", ".join(JobStatus)
        raise InvalidReply(f"The API names a job status {status!r} that is none of {known}.") from error


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
