"""The documents and batches of the page: merge them with reviews, filter and sort them. All functions are pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from airflow_provider_classify.documents.folder import RECORD_SUFFIX
from airflow_provider_classify.documents.reference import name_of

#: A document with a lower confidence counts as doubtful on the page, unless a person has reviewed it. ``evidence.js``
#: has the same number.
LOW_CONFIDENCE = 0.5

State = Literal["classified", "blank", "failed"]
Order = Literal["order", "doubtful", "name"]


@dataclass(frozen=True, slots=True)
class Document:
    """
    A classified document.

    :param at: the time at which its result was stored.
    :param confidence: the confidence in the answer, from 0 to 1: in the category, or in *none of these*. ``None`` for a
        blank document and a failure.
    :param runner_up: the most probable alternative and its probability. The name ``None`` stands for *none of these*.
        If *none of these* is the answer, the runner-up is the nearest category. Without scores, and after a review,
        there is no runner-up.
    :param is_probably_none: whether the answer is *none of these*: the document more probably belongs to none of the
        categories than to any of them, or a person said so.
    :param is_scored: whether the classifier gave a score to each category.
    :param predicted: the category before the review; ``None`` without a review.
    :param reviewed_by: the person who answered the review; ``None`` without an answer.
    :param reviewed_in: the task id and map index of the review; ``None`` without a review.
    :param evidence: objects with ``text``, ``page`` and, if it is known, ``box``.
    """

    run_id: str
    task_id: str
    map_index: int
    at: datetime
    label: str
    job_id: str | None
    state: State
    category: str | None
    confidence: float | None
    runner_up: tuple[str | None, float] | None = None
    is_probably_none: bool = False
    is_scored: bool = False
    predicted: str | None = None
    reviewed_by: str | None = None
    reviewed_in: tuple[str, int] | None = None
    is_escalated: bool = False
    answered_by: str | None = None
    error: str | None = None
    evidence: tuple[Mapping[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The file name; the job id if the result does not name its document."""
        if self.label:
            return name_of(self.label)
        return f"Job {self.job_id}" if self.job_id else "Unnamed document"

    @property
    def is_reviewed(self) -> bool:
        """Whether a person has answered the review of the document."""
        return self.reviewed_by is not None

    @property
    def is_failed(self) -> bool:
        """Whether the document could not be classified."""
        return self.state == "failed"

    @property
    def is_doubtful(self) -> bool:
        """Whether the classifier's confidence is low and no person has answered."""
        is_low = self.confidence is not None and self.confidence < LOW_CONFIDENCE
        return is_low and self.state == "classified" and not self.is_reviewed

    def matches(self, choice: str) -> bool:
        """
        Return whether the document is of a category, or of a group of documents.

        :param choice: a category or a group: ``:blank``, ``:failed``, ``:doubtful``, ``:reviewed`` or ``:escalated``.
            The group ``:none`` has the documents that probably belong to none of the categories.
        """
        groups = {
            ":none": self.is_probably_none,
            ":doubtful": self.is_doubtful,
            ":reviewed": self.is_reviewed,
            ":escalated": self.is_escalated,
        }
        if choice in groups:
            return groups[choice]
        return choice == f":{self.state}" or (choice == self.category and not self.is_probably_none)

    def is_of(self, task_id: str, map_index: int | None) -> bool:
        """Return whether a task classified or reviewed the document. The map index ``None`` means all map indexes."""
        tasks = [(self.task_id, self.map_index), *([self.reviewed_in] if self.reviewed_in else [])]
        return any(task_id == of and map_index in (None, index) for of, index in tasks)

    def to_json(self) -> dict[str, Any]:
        """Return the document as a JSON object for the page."""
        return {
            "run_id": self.run_id,
            "task_id": self.task_id,
            "map_index": self.map_index,
            "name": self.name,
            "label": self.label,
            "state": self.state,
            "category": self.category,
            "confidence": self.confidence,
            "runner_up": None
            if self.runner_up is None
            else {"category": self.runner_up[0], "probability": self.runner_up[1]},
            "is_probably_none": self.is_probably_none,
            "is_scored": self.is_scored,
            "predicted": self.predicted,
            "reviewed_by": self.reviewed_by,
            "is_escalated": self.is_escalated,
            "answered_by": self.answered_by,
            "error": self.error,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The manifest of a batch. Its documents are not read from its output."""

    run_id: str
    task_id: str
    map_index: int
    at: datetime
    output: str
    documents: int
    failed: int
    blank: int
    escalated: int
    categories: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Mapping[str, str], ...] = ()
    #: One sentence that says why the documents are not listed.
    note: str = ""

    @property
    def is_shard(self) -> bool:
        """Whether the batch is a shard. The task that merges the shards has its documents, too."""
        return f"{RECORD_SUFFIX}/" in self.output

    def is_of(self, task_id: str, map_index: int | None) -> bool:
        """Return whether a task wrote the batch. The map index ``None`` means all map indexes."""
        return task_id == self.task_id and map_index in (None, self.map_index)

    def to_json(self) -> dict[str, Any]:
        """Return the batch as a JSON object for the page."""
        return {
            "task_id": self.task_id,
            "map_index": self.map_index,
            "output": self.output,
            "documents": self.documents,
            "failed": self.failed,
            "blank": self.blank,
            "escalated": self.escalated,
            "categories": dict(self.categories),
            "failures": [dict(failure) for failure in self.failures],
            "note": self.note,
        }


def merge(documents: Iterable[Document]) -> list[Document]:
    """
    Return each document of a run once.

    A branch or a review returns the result of another task, so several XComs can have the same job. The first one is
    kept. A review replaces its category, in any order of the XComs.
    """
    merged: dict[tuple[str, str], Document] = {}
    reviews = []
    for document in documents:
        if document.reviewed_in is not None:
            reviews.append(document)
        else:
            merged.setdefault(_identity(document), document)
    for review in reviews:
        key = _identity(review)
        original = merged.get(key)
        if original is None or original.reviewed_in is not None:
            merged[key] = review
        else:
            merged[key] = replace(
                review,
                task_id=original.task_id,
                map_index=original.map_index,
                at=original.at,
                evidence=review.evidence or original.evidence,
            )
    return list(merged.values())


def select(
    documents: Iterable[Document], *, category: str | None = None, text: str = "", order: Order = "order"
) -> list[Document]:
    """
    Return the documents that match a filter, sorted.

    :param category: a category or a group; see :meth:`Document.matches`.
    :param text: a part of the document's label. Upper and lower case do not matter.
    :param order: ``order`` keeps the given order, ``name`` sorts by file name, and ``doubtful`` puts documents without
        a confidence first, then the lowest confidences.
    """
    found = [
        document
        for document in documents
        if (category is None or document.matches(category))
        and (not text or text.casefold() in (document.label or document.name).casefold())
    ]
    if order == "doubtful":
        found.sort(key=lambda document: -1.0 if document.confidence is None else document.confidence)
    elif order == "name":
        found.sort(key=lambda document: document.name.casefold())
    return found


def _identity(document: Document) -> tuple[str, str]:
    """Return a key that all XComs of a document share. A document of a batch, or a failure, may have no job."""
    if document.job_id:
        return "job", document.job_id
    if document.label:
        return "document", document.label
    return "task", f"{document.task_id} {document.map_index}"
