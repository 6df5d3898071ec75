"""Report the events of the service, each with a log line and in the metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.logs import event
from airflow_provider_classify.service.metrics import Metrics

#: The kinds of refusals whose reply names no reason for programs, by HTTP status.
_KINDS: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    402: "quota_exceeded",
    404: "not_found",
    408: "too_slow",
    413: "too_large",
    415: "encoding",
    422: "invalid_field",
    429: "rate_limited",
}

_log = logging.getLogger(__name__)


class Events:
    """Reports events to the log and to ``metrics``. All methods are thread-safe."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def submitted(self, job_id: str, *, key: str = "") -> None:
        """Report a job that was accepted; ``key`` is the name of the client's key, if it has one."""
        self.metrics.count_submit()
        _log.info("The job %s was submitted.", job_id, extra=event("job.submitted", job_id=job_id, key=key or None))

    def started(self, job_id: str, created_at: datetime) -> None:
        """Report that a job is being classified; it was submitted at ``created_at``, in UTC without a time zone."""
        waited = max(0.0, (datetime.now(UTC).replace(tzinfo=None) - created_at).total_seconds())
        self.metrics.add_seconds("wait", waited)
        _log.info(
            "The job %s started after %.3f seconds.",
            job_id,
            waited,
            extra=event("job.started", job_id=job_id, waited_seconds=round(waited, 3)),
        )

    def completed(self, job_id: str, result: ClassificationResult) -> None:
        """Report that a job has ended with a result."""
        self.metrics.count_end(JobStatus.COMPLETED, result.classification)
        fields = event(
            "job.ended",
            job_id=job_id,
            status=JobStatus.COMPLETED.value,
            category=result.classification,
            confidence=round(result.confidence, 4),
        )
        _log.info("The job %s was completed.", job_id, extra=fields)

    def failed(self, job_id: str, error: Exception) -> None:
        """Report that a job has failed. The log has the kind of the error, because its message may name a document."""
        kind = error.kind if isinstance(error, ClassifyError) else type(error).__name__
        self.metrics.count_end(JobStatus.FAILED, None)
        fields = event("job.ended", job_id=job_id, status=JobStatus.FAILED.value, error_kind=kind)
        _log.info("The job %s failed (%s).", job_id, kind, extra=fields)

    def deleted(self, job_id: str) -> None:
        """Report that a client cancelled or deleted a job."""
        _log.info("The job %s was deleted by its client.", job_id, extra=event("job.deleted", job_id=job_id))

    def refused(self, error: HttpError, method: str, *, key: str = "", job_id: str | None = None) -> None:
        """
        Report a request that was refused.

        :param key: the name of the client's key, if it has one.
        :param job_id: the job that the request names, if any.
        """
        kind = refusal_kind(error)
        self.metrics.count_refusal(kind)
        fields = event("request.refused", kind=kind, status=error.status, method=method, key=key or None, job_id=job_id)
        _log.info("A %s request was refused with HTTP %d (%s).", method, error.status, kind, extra=fields)

    def webhook_tried(self, job_id: str, accepted: bool, reason: str, attempt: int, next_try: timedelta | None) -> None:
        """
        Report a try to send the webhook of a job.

        :param reason: the HTTP status or the kind of error.
        :param attempt: the number of the try, from 1.
        :param next_try: the pause before the next try; ``None`` if there is no next try.
        """
        outcome = "accepted" if accepted else "given_up" if next_try is None else "retried"
        self.metrics.count_webhook(outcome)
        fields = event("webhook.tried", job_id=job_id, outcome=outcome, reason=reason, attempt=attempt)
        _log.info("The webhook of the job %s was %s (%s).", job_id, outcome.replace("_", " "), reason, extra=fields)

    def timed(self, stage: str) -> AbstractContextManager[None]:
        """Add the seconds of the block to the metrics as a stage of a job."""
        return self.metrics.timed(stage)


def refusal_kind(error: HttpError) -> str:
    """Return one word for the kind of a refusal, such as ``queue_full``."""
    details = error.body.get("error", {}).get("details", {})
    reason: str = details.get("reason") or _KINDS.get(error.status) or f"http_{error.status}"
    return reason
