"""The summary of a batch: its manifest for XCom, and whether too many documents failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

from airflow_provider_classify.documents.reference import label_of
from airflow_provider_classify.exceptions import error_of_kind
from airflow_provider_classify.lifecycle.unreadable import OnUnreadable
from airflow_provider_classify.model.batch_output import BatchManifest, FailedDocument
from airflow_provider_classify.model.cascade import CASCADE_FIELDS, is_escalated
from airflow_provider_classify.model.printable_text import quotable
from airflow_provider_classify.model.usage import Usage

#: The most failed documents that a manifest lists. The output has all of them.
_LISTED_FAILURES = 100
#: The most documents with a low confidence, and the most categories, that the log lists.
_LISTED_DOUBTFUL = 10
_LISTED_CATEGORIES = 30
#: The log lists documents with a lower confidence.
_DOUBTFUL = 0.8
#: The fields of a row that go to XCom without an output. The evidence of pages would be too large.
_SMALL = (
    "document",
    "job_id",
    "success",
    "classification",
    "blank",
    "confidence",
    "total_pages",
    "scores",
    "confidence_source",
    "usage",
    "error",
    "error_kind",
    *CASCADE_FIELDS,
)


@dataclass
class Summary:
    """
    Counts the rows of a batch while the output is written.

    ``on_unreadable`` decides how an unreadable document counts: as ``failed``, as ``unreadable`` with a row, or as
    ``skipped`` without a row. ``failed_unreadable`` of the failed documents are unreadable.
    """

    on_unreadable: OnUnreadable = "fail"
    documents: int = 0
    failed: int = 0
    failed_unreadable: int = 0
    unreadable: int = 0
    skipped: int = 0
    reused: int = 0
    blank: int = 0
    escalated: int = 0
    calls_saved: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    usage: Usage | None = None
    failures: list[FailedDocument] = field(default_factory=list)
    _doubtful: list[tuple[float, str, str]] = field(default_factory=list)

    def count(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Count the rows, and yield them unchanged. The rows of skipped documents are left out."""
        for row in rows:
            skipped = self.skipped
            self._add(row)
            if self.skipped == skipped:
                yield row

    def manifest(self, output: str) -> BatchManifest:
        """
        Return the summary for XCom. Its size does not grow with the number of documents.

        ``failures`` lists the first 100 documents without a result, whether they count as failed or not.
        A blank document is classified, but has no category. ``usage`` is the usage of language models, without reused
        answers.
        """
        manifest: BatchManifest = {
            "documents": self.documents,
            "classified": self.documents - self.failed - self.unreadable - self.skipped,
            "failed": self.failed,
            "unreadable": self.unreadable,
            "skipped": self.skipped,
            "reused": self.reused,
            "blank": self.blank,
            "escalated": self.escalated,
            "calls_saved": self.calls_saved,
            "answered_by": dict(self.answered_by.most_common()),
            "categories": dict(self.categories.most_common()),
            "failures": self.failures[:_LISTED_FAILURES],
            "output": output,
        }
        if self.usage is not None:
            manifest["usage"] = self.usage.to_json()
        return manifest

    def lines(self, output: str | None) -> Iterator[str]:
        """Yield the end of the task's log: counts by category, the least confident documents and the output."""
        classified = self.categories.total() + self.blank
        yield f"{classified} of {self.documents} documents are classified."
        width = max((len(str(count)) for count in self.categories.values()), default=0)
        for name, count in self.categories.most_common(_LISTED_CATEGORIES):
            yield f"  {count:>{width}} {quotable(name, 80)}"
        if (more := len(self.categories) - _LISTED_CATEGORIES) > 0:
            yield f"  and {more} more categories"
        if self.blank:
            yield f"{self.blank} of them are blank."
        doubtful = [found for found in nsmallest(_LISTED_DOUBTFUL, self._doubtful) if found[0] < _DOUBTFUL]
        if doubtful:
            yield f"The least confident answers, of those below {_DOUBTFUL}:"
        for confidence, document, category in doubtful:
            yield f"  {confidence:.2f} {quotable(category, 80)}: {quotable(document, 200)}"
        if self.usage is not None:
            cost = "" if self.usage.cost is None else f", ${self.usage.cost:.4f}"
            tokens = f"{self.usage.input_tokens} input and {self.usage.output_tokens} output tokens"
            yield f"Language models used {tokens}{cost}."
        if output:
            yield f"The output is {label_of(output)}."

    def _add(self, row: Mapping[str, Any]) -> None:
        self.documents += 1
        self.reused += row.get("reused", False)
        self.escalated += is_escalated(row)
        if not row.get("reused"):
            self._add_usage(row.get("usage"), (row.get("first_answer") or {}).get("usage"))
        if "answered_by" in row:
            self.answered_by[row["answered_by"]] += 1
            self.calls_saved += not is_escalated(row)
        if "error" in row:
            self._add_failure(row["error_kind"])
            self.failures.append({"document": row["document"], "error": row["error"]})
        elif row["classification"] is None:
            self.blank += 1
        else:
            self.categories[row["classification"]] += 1
            self._doubtful.append((row["confidence"], row["document"], row["classification"]))
            if len(self._doubtful) > 100 * _LISTED_DOUBTFUL:
                self._doubtful = nsmallest(_LISTED_DOUBTFUL, self._doubtful)

    def _add_usage(self, *found: object) -> None:
        for usage in filter(None, map(Usage.from_json, found)):
            self.usage = usage if self.usage is None else self.usage + usage

    def _add_failure(self, kind: str) -> None:
        is_unreadable = error_of_kind(kind, "").unreadable
        if self.on_unreadable == "fail" or not is_unreadable:
            self.failed += 1
            self.failed_unreadable += is_unreadable
        elif self.on_unreadable == "result":
            self.unreadable += 1
        else:
            self.skipped += 1


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """The most documents of a batch that may fail: a number, or a ``share`` of all from 0.0 to 1.0."""

    documents: int = 0
    share: float | None = None

    def is_exceeded(self, failed: int, total: int) -> bool:
        """Return whether more documents failed than the limit allows."""
        return failed > (self.documents if self.share is None else self.share * total)

    def __str__(self) -> str:
        return f"max_failed={self.documents}" if self.share is None else f"max_failed_share={self.share}"


def small(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row that go to XCom."""
    return {name: row[name] for name in _SMALL if name in row}
