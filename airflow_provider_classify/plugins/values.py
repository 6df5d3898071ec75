"""Convert values of XCom to documents and batches. The values are untrusted. All functions are pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_classify.documents.reference import label_of
from airflow_provider_classify.model.cascade import is_escalated
from airflow_provider_classify.model.evidence import described
from airflow_provider_classify.model.printable_text import encodable
from airflow_provider_classify.model.scores import NONE_OF_THESE, Probabilities, probabilities_of, scores_of, share_of
from airflow_provider_classify.plugins.documents import BatchSummary, Document, State

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
    probabilities = probabilities_of(value)
    is_none = state == "classified" and _is_none(value)
    is_named = category == NONE_OF_THESE
    confidence = probabilities.none if is_none and not is_named else share_of(value.get("confidence"))
    return Document(
        run_id=stored.run_id,
        task_id=stored.task_id,
        map_index=stored.map_index,
        at=stored.at,
        label=_label(value),
        job_id=_text(value.get("job_id")),
        state=state,
        category=category,
        confidence=confidence if category else None,
        runner_up=None if value.get("reviewed_by") else _runner_up(probabilities, value.get("classification")),
        is_probably_none=is_none,
        predicted=_predicted(value, predicted) if isinstance(predicted, Mapping) else None,
        is_scored=bool(scores_of(value)),
        reviewed_by=_text(value.get("reviewed_by")),
        reviewed_in=(stored.task_id, stored.map_index) if reviewed else None,
        is_escalated=is_escalated(value),
        answered_by=_text(value.get("answered_by")),
        error=(error or "The classifier gave no reason.") if failed else None,
        evidence=tuple(_evidence(value)),
    )


def _is_none(value: Mapping[str, Any]) -> bool:
    """Return whether the answer is that the document belongs to none of the categories."""
    is_probably = probabilities_of(value).is_probably_none and not value.get("reviewed_by")
    return is_probably or value.get("classification") == NONE_OF_THESE


def _predicted(value: Mapping[str, Any], predicted: Mapping[str, Any]) -> str | None:
    """Return the answer before the review, as the review named it. The scores of a reviewed result do not change."""
    before = {**value, **predicted, "reviewed_by": None}
    return NONE_OF_THESE if _is_none(before) else _text(predicted.get("classification"))


def _evidence(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    seen: set[tuple[object, str]] = set()
    for part in (value, *_objects(value.get("page_results"))):
        for found in _objects(part.get("evidence")):
            shown, is_quotation = described(found)
            text, page = _text(shown) or _text(found.get("text")), found.get("page")
            if not text or (page, text) in seen:
                continue
            seen.add((page, text))
            yield {
                "text": text,
                "is_quotation": is_quotation,
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
    sides = [share_of(side) for side in value]
    return [side for side in sides if side is not None] if None not in sides else None


def _runner_up(probabilities: Probabilities, category: object) -> tuple[str | None, float] | None:
    """Return the most probable alternative to the answer, and its probability. The name ``None`` is no category."""
    if not category:
        return None
    if probabilities.is_probably_none:
        return _clip(str(category)), probabilities.categories[str(category)]
    others = [(value, _clip(name)) for name, value in probabilities.categories.items() if name != category]
    value, name = max(others, default=(0.0, ""))
    if probabilities.none > value:
        return None, probabilities.none
    return (name, value) if value else None


def _label(value: Mapping[str, Any]) -> str:
    document = value.get("document")
    return _clip(label_of(document), 1000) if isinstance(document, str) else ""


def _text(value: object) -> str | None:
    return _clip(value) if isinstance(value, str) and value else None


def _clip(text: str, characters: int = MAX_TEXT) -> str:
    text = encodable(text)
    return text if len(text) <= characters else f"{text[:characters]}…"


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from (item for item in value if isinstance(item, Mapping))
