"""
Decide after each answer of a cascade whether the answer stands or the document is escalated.

A cascade asks the operator's own connection first, often the local engine. It asks a second connection only about some
documents. The operator, its trigger and the batch share these decisions, which are pure functions.

The answer of the first connection stands if its confidence reaches the threshold, or if the document is blank.
Otherwise the document is escalated. An unreadable document is escalated if another classifier may read it. If no
classifier can read it, it is not escalated, because the second call would cost money and fail. After any other error of
the first connection, such as a wrong api key, the second connection is not asked.

The answer of the second connection stands, whatever its confidence. If the second connection could not classify the
document, the first answer stands, with an ``escalation_error``. Any other error of the second connection fails the
task. A retry reattaches to both jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_classify.exceptions import (
    ClassifyError,
    DocumentCrashedParser,
    DocumentNeedsOcr,
    DocumentPlaceholder,
    DocumentRefused,
    DocumentTookTooLong,
    DocumentTooLarge,
    DocumentTypeUnknown,
    JobFailed,
    error_of_kind,
)
from airflow_provider_classify.model.json_fields import present
from airflow_provider_classify.model.printable_text import encodable
from airflow_provider_classify.model.result import ClassificationResult

#: The fields that a cascade adds to a result in XCom and to the rows of a batch.
CASCADE_FIELDS = ("answered_by", "escalated", "first_answer", "escalation_error")

#: The errors after which another classifier may still read the document.
_OTHERS_MAY_READ = (
    DocumentTypeUnknown,
    DocumentPlaceholder,
    DocumentNeedsOcr,
    DocumentTooLarge,
    DocumentTookTooLong,
    DocumentCrashedParser,
    DocumentRefused,
    JobFailed,
)


@dataclass(frozen=True, slots=True)
class Cascade:
    """
    A second connection, and the threshold below which it is asked.

    :param first: the connection that is asked first.
    :param second: the connection that is asked next.
    :param below: a confidence above 0, at most 1.
    """

    first: str
    second: str
    below: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result or error of a connection for a document. ``job_id`` is the job, if there is one."""

    conn_id: str
    end: ClassificationResult | ClassifyError
    job_id: str | None = None

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Outcome:
        """Parse the result of :meth:`to_json`. :raises InvalidReply: the result in it is not valid."""
        end: ClassificationResult | ClassifyError
        if "result" in payload:
            end = ClassificationResult.from_json(payload["result"])
        else:
            end = error_of_kind(payload.get("error_kind"), str(payload.get("error")))
        return cls(payload["answered_by"], end, payload.get("job_id"))

    def to_json(self) -> dict[str, Any]:
        """Return the whole outcome as a JSON object."""
        if isinstance(self.end, ClassifyError):
            return self.short()
        return {"answered_by": self.conn_id} | present(job_id=self.job_id) | {"result": self.end.to_json()}

    def short(self) -> dict[str, Any]:
        """Return the outcome as a small JSON object, without pages and scores."""
        end = self.end
        if isinstance(end, ClassifyError):
            answer: dict[str, Any] = {"error": encodable(str(end)), "error_kind": end.kind}
        else:
            answer = {"classification": end.classification, "confidence": end.confidence}
            answer |= present(blank=end.blank or None, engine=end.extra.get("engine"), usage=end.extra.get("usage"))
        return {"answered_by": self.conn_id} | present(job_id=self.job_id) | answer


@dataclass(frozen=True, slots=True)
class Accept:
    """The document has its answer. ``fields`` are the :data:`CASCADE_FIELDS` to add to it."""

    result: ClassificationResult
    job_id: str | None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Escalate:
    """The document is escalated: ask the second connection. ``reason`` is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The document has no answer. ``fields`` are as in :class:`Accept`."""

    error: ClassifyError
    job_id: str | None
    fields: dict[str, Any] = field(default_factory=dict)


def after_first(cascade: Cascade | None, first: Outcome) -> Accept | Escalate | Fail:
    """
    Decide what follows the outcome of the first connection.

    :param cascade: ``None`` for a task without a second connection.
    """
    end = first.end
    if isinstance(end, ClassifyError):
        if cascade is not None and end.unreadable and isinstance(end, _OTHERS_MAY_READ):
            return Escalate(f"{first.conn_id!r} could not read it ({end.kind})")
        return Fail(end, first.job_id)
    if cascade is None:
        return Accept(end, first.job_id)
    if end.blank or end.confidence >= cascade.below:
        return Accept(end, first.job_id, {"answered_by": first.conn_id})
    return Escalate(f"the confidence of {first.conn_id!r}, {end.confidence:.4g}, is below {cascade.below:g}")


def after_second(first: Outcome, second: Outcome) -> Accept | Fail:
    """Decide what follows the outcome of the second connection."""
    error = second.end
    if not isinstance(error, ClassifyError):
        return Accept(error, second.job_id, answer_fields(second.conn_id, first.short()))
    if isinstance(first.end, ClassificationResult) and error.unreadable:
        fields = answer_fields(first.conn_id, first.short(), encodable(str(error)))
        return Accept(first.end, first.job_id, fields)
    return Fail(error, second.job_id, {"escalated": True, "first_answer": first.short()})


def is_escalated(fields: Mapping[str, Any]) -> bool:
    """
    Return whether the second connection was asked about a document.

    :param fields: a value in XCom or the row of a batch. Those of older versions have no ``escalated``.
    """
    return bool(fields.get("escalated")) or "first_answer" in fields


def answer_fields(answered_by: str, first_answer: Mapping[str, Any], error: str | None = None) -> dict[str, Any]:
    """
    Return the :data:`CASCADE_FIELDS` of an escalated document.

    :param answered_by: the connection whose answer stands.
    :param first_answer: the :meth:`Outcome.short` of the first connection.
    :param error: the error of the second connection, if the first answer stands because of it.
    """
    fields = {"answered_by": answered_by, "escalated": True, "first_answer": dict(first_answer)}
    return fields | present(escalation_error=error)
