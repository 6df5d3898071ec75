"""Compute the figures of a page: documents by category and day, and a histogram of confidences. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_provider_classify.plugins.documents import BatchSummary, Document

#: The number of bars of the histogram. All bars have the same width.
BARS = 20
#: The most categories in a chart. The other categories are added up.
MAX_CATEGORIES = 10
#: The most runs that the overview of a DAG lists.
MAX_RUNS = 20
#: The names in the charts for the categories beyond MAX_CATEGORIES, and for documents that probably belong to none of
#: the categories, are blank, or could not be classified.
OTHERS, NONE, BLANK, FAILED = "(other categories)", "(none of these)", "(blank)", "(failed)"


@dataclass(slots=True)
class Figures:
    """
    Counts of documents.

    :param listed: the documents without those of batches whose outputs are not read.
    :param none: the listed documents that probably belong to none of the categories. ``categories`` does not count
        them. The manifests of batches count such documents by the nearest category.
    :param doubtful: the listed documents with a low confidence that no person has reviewed.
    :param histogram: counts only documents with a confidence of a classifier, not of a review.
    """

    documents: int = 0
    listed: int = 0
    reviewed: int = 0
    escalated: int = 0
    failed: int = 0
    blank: int = 0
    none: int = 0
    doubtful: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    histogram: list[int] = field(default_factory=lambda: [0] * BARS)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object for the page. The categories are sorted by number of documents."""
        return {
            "documents": self.documents,
            "listed": self.listed,
            "reviewed": self.reviewed,
            "escalated": self.escalated,
            "failed": self.failed,
            "blank": self.blank,
            "none": self.none,
            "doubtful": self.doubtful,
            "categories": dict(self.categories.most_common()),
            "histogram": self.histogram,
        }


def figures(documents: Iterable[Document], batches: Iterable[BatchSummary] = ()) -> Figures:
    """Count documents, and add the counts in the manifests of batches whose documents are not read."""
    counted = Figures()
    for document in documents:
        counted.documents += 1
        counted.listed += 1
        counted.reviewed += document.is_reviewed
        counted.escalated += document.is_escalated
        counted.failed += document.is_failed
        counted.blank += document.state == "blank"
        counted.doubtful += document.is_doubtful
        if document.is_probably_none:
            counted.none += 1
        elif document.category and document.state == "classified":
            counted.categories[document.category] += 1
        # A person's answer has the confidence 1, which says nothing about the classifier.
        if document.confidence is not None and not document.is_reviewed:
            counted.histogram[bar(document.confidence)] += 1
    for batch in batches:
        counted.documents += batch.documents
        counted.failed += batch.failed
        counted.blank += batch.blank
        counted.escalated += batch.escalated
        counted.categories.update(batch.categories)
    return counted


def bar(confidence: float) -> int:
    """Return the index of the bar for a confidence. The last bar includes the confidence 1."""
    return min(BARS - 1, int(confidence * BARS))


def by_day(
    documents: Iterable[Document], batches: Iterable[BatchSummary], *, first: date, last: date
) -> dict[str, Any]:
    """
    Count documents by category and UTC day.

    :returns: ``days`` has all days from the first to the last. ``series`` has the counts of each category by day. The
        categories are sorted by number of documents. Rare categories and documents without a category come last.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    counts: dict[str, Counter[date]] = {}
    for document in documents:
        _add(counts, _series(document), document.at.astimezone(UTC).date(), 1)
    for batch in batches:
        day = batch.at.astimezone(UTC).date()
        for name, count in (*batch.categories.items(), (BLANK, batch.blank), (FAILED, batch.failed)):
            _add(counts, name, day, count)
    return {
        "days": [day.isoformat() for day in days],
        "series": {name: [counts[name][day] for day in days] for name in _ranked(counts)},
    }


def recent_runs(documents: Iterable[Document], batches: Iterable[BatchSummary]) -> list[dict[str, Any]]:
    """
    Return the newest runs: id, time of the last result, and numbers of documents.

    If a run has only batches whose outputs are not read, ``doubtful`` and ``none`` are ``None``.
    """
    counts: dict[str, Counter[str]] = {}
    last: dict[str, datetime] = {}
    found = [
        (
            document.run_id,
            document.at,
            {
                "documents": 1,
                "listed": 1,
                "doubtful": document.is_doubtful,
                "none": document.is_probably_none,
                "failed": document.is_failed,
            },
        )
        for document in documents
    ]
    found += [(batch.run_id, batch.at, {"documents": batch.documents, "failed": batch.failed}) for batch in batches]
    for run_id, at, count in found:
        counts.setdefault(run_id, Counter(documents=0, listed=0, doubtful=0, none=0, failed=0)).update(count)
        last[run_id] = max(at, last.get(run_id, at))
    newest = sorted(last, key=last.__getitem__, reverse=True)[:MAX_RUNS]
    return [
        {
            "run_id": run_id,
            "at": last[run_id].isoformat(),
            "documents": counts[run_id]["documents"],
            "doubtful": counts[run_id]["doubtful"] if counts[run_id]["listed"] else None,
            "none": counts[run_id]["none"] if counts[run_id]["listed"] else None,
            "failed": counts[run_id]["failed"],
        }
        for run_id in newest
    ]


def _add(counts: dict[str, Counter[date]], name: str, day: date, count: int) -> None:
    if count:
        counts.setdefault(name, Counter())[day] += count


def _series(document: Document) -> str:
    if document.is_failed:
        return FAILED
    return NONE if document.is_probably_none else document.category or BLANK


def _ranked(counts: dict[str, Counter[date]]) -> Sequence[str]:
    """Return the sorted names of the series. In ``counts``, replace the rare categories by their sum."""
    special = [name for name in (NONE, BLANK, FAILED) if name in counts]
    ranked = sorted(counts.keys() - set(special), key=lambda name: (-counts[name].total(), name))
    rare = ranked[MAX_CATEGORIES:]
    if rare:
        for name in rare:
            for day, count in counts.pop(name).items():
                _add(counts, OTHERS, day, count)
        ranked = [*ranked[:MAX_CATEGORIES], OTHERS]
    return [*ranked, *special]
