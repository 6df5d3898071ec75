"""Convert values of XCom to documents, merge them with reviews, filter and sort them. All functions are pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from airflow_provider_classify.batch.plan import RECORD_SUFFIX
from airflow_provider_classify.documents.reference import label_of, name_of
from airflow_provider_classify.model.text import encodable

State = Literal["classified", "blank", "failed"]
Order = Literal["order", "doubtful", "name"]

#: The most lines of evidence of a document.
MAX_EVIDENCE = 6
#: The most characters of a text from a result. Longer texts are cut.
MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Stored:
    """A value in XCom, with its task and the time at which it was stored."""

    run_id: str
    task_id: str
    map_index: int
    at: datetime
    value: Any


@dataclass(frozen=True, slots=True)
class Document:
    """
    A classified document.

    :param at: the time at which its result was stored.
    :param confidence: from 0 to 1; ``None`` if the document has no category.
    :param runner_up: the second category and its score; ``None`` if the classifier gives no scores.
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
    runner_up: tuple[str, float] | None = None
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
            else {"category": self.runner_up[0], "score": self.runner_up[1]},
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


def decode(value: Any) -> Any:
    """Return a decoded value of the XCom table. If it is a string, the task may have encoded it as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def is_result(value: Any) -> bool:
    """Return whether a value is the result of a document."""
    return isinstance(value, Mapping) and "classification" in value and ("confidence" in value or "success" in value)


def manifest_of(stored: Stored) -> BatchSummary | None:
    """Return the batch if a value is a manifest, otherwise ``None``."""
    value = stored.value
    if not (isinstance(value, Mapping) and {"documents", "classified", "categories", "output"} <= value.keys()):
        return None
    output = _text(value["output"]) or ""
    counts = value["categories"] if isinstance(value["categories"], Mapping) else {}
    return BatchSummary(
        stored.run_id,
        stored.task_id,
        stored.map_index,
        stored.at,
        label_of(output),
        documents=_count(value["documents"]),
        failed=_count(value.get("failed")),
        blank=_count(value.get("blank")),
        escalated=_count(value.get("escalated")),
        categories={_clip(str(name)): _count(count) for name, count in counts.items()},
        failures=tuple(
            {"document": _label(failure), "error": _text(failure.get("error")) or ""}
            for failure in _objects(value.get("failures"))
        ),
    )


def documents_of(stored: Stored) -> Iterator[Document]:
    """Yield the documents of a value that is a result or a list of results."""
    values = (
        stored.value if isinstance(stored.value, Sequence) and not isinstance(stored.value, str) else [stored.value]
    )
    for value in values:
        if is_result(value):
            yield document_of(value, stored)


def document_of(value: Mapping[str, Any], stored: Stored) -> Document:
    """Return the document of a result, or of a row of a batch's output."""
    category = _text(value.get("classification"))
    error = _text(value.get("error"))
    failed = error is not None or value.get("success") is False
    state: State = "failed" if failed else "classified" if category else "blank"
    reviewed = "reviewed_at" in value
    predicted = value.get("predicted")
    return Document(
        run_id=stored.run_id,
        task_id=stored.task_id,
        map_index=stored.map_index,
        at=stored.at,
        label=_label(value),
        job_id=_text(value.get("job_id")),
        state=state,
        category=category,
        confidence=_share(value.get("confidence")) if category else None,
        runner_up=_runner_up(value.get("scores"), category),
        predicted=_text(predicted.get("classification")) if isinstance(predicted, Mapping) else None,
        reviewed_by=_text(value.get("reviewed_by")),
        reviewed_in=(stored.task_id, stored.map_index) if reviewed else None,
        is_escalated=isinstance(value.get("first_answer"), Mapping),
        answered_by=_text(value.get("answered_by")),
        error=(error or "The classifier gave no reason.") if failed else None,
        evidence=tuple(_evidence(value)),
    )


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

    :param category: a category, or the state ``:blank`` or ``:failed``.
    :param text: a part of the document's label. Upper and lower case do not matter.
    :param order: ``doubtful`` puts failures first, then the lowest confidences.
    """
    found = [
        document
        for document in documents
        if (category is None or category in (document.category, f":{document.state}"))
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


def _evidence(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    seen: set[tuple[object, str]] = set()
    for part in (value, *_objects(value.get("page_results"))):
        for found in _objects(part.get("evidence")):
            text, page = _text(found.get("line")) or _text(found.get("text")), found.get("page")
            if not text or (page, text) in seen:
                continue
            seen.add((page, text))
            yield {
                "text": text,
                "page": page if isinstance(page, int) else None,
                "type": _text(found.get("type")),
                "box": _box(found.get("box")),
            }
            if len(seen) == MAX_EVIDENCE:
                return


def _box(value: object) -> list[float] | None:
    """Return a box as left, top, right and bottom, as shares of the page; ``None`` if the value is not a box."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        return None
    sides = [_share(side) for side in value]
    return [side for side in sides if side is not None] if None not in sides else None


def _runner_up(scores: object, category: str | None) -> tuple[str, float] | None:
    if not isinstance(scores, Mapping):
        return None
    others = [(share, str(name)) for name, value in scores.items() if name != category and (share := _share(value))]
    if not others:
        return None
    share, name = max(others)
    return _clip(name), share


def _label(value: Mapping[str, Any]) -> str:
    document = value.get("document")
    return _clip(label_of(document), 1000) if isinstance(document, str) else ""


def _text(value: object) -> str | None:
    return _clip(value) if isinstance(value, str) and value else None


def _clip(text: str, characters: int = MAX_TEXT) -> str:
    text = encodable(text)
    return text if len(text) <= characters else f"{text[:characters]}…"


def _share(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from (item for item in value if isinstance(item, Mapping))
