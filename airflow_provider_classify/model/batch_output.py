"""
The types of a batch's output: its rows, and the manifest that the task puts in XCom.

At run time, both are dictionaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, Required, TypedDict


class ResultRow(TypedDict, total=False):
    """
    A document of a batch, with its result or its error.

    A row with an ``error`` has no result: its ``success`` is false, its ``classification`` ``None`` and its
    ``confidence`` 0. A server or engine can add more fields, which a ``.jsonl`` and a ``.parquet`` output keep. A
    ``.csv`` output has only :data:`COLUMNS`.
    """

    #: The reference of the document, without the password and signature of a URL.
    document: Required[str]
    #: The fingerprint of document, categories and classifier. ``previous`` reuses a row with the same fingerprint.
    intent: Required[str]
    #: The id of the job at the API. A row of the local engine does not have it.
    job_id: str
    #: Whether the document was classified.
    success: bool
    #: The category; ``None`` for a blank document and without a result.
    classification: str | None
    #: The probability that the category is right, from 0.0 to 1.0.
    confidence: float
    total_pages: int
    processed_pages: int
    page_results: list[dict[str, Any]]
    #: The share of each category. The shares add up to 1.
    scores: dict[str, float]
    #: The pages of each category, most pages first.
    categories: list[dict[str, Any]]
    #: The name and versions of the engine.
    engine: dict[str, Any]
    #: Where the confidence of a language model comes from: ``logprobs``, ``votes`` or ``stated``.
    confidence_source: str
    #: The requests, the tokens and the cost of the answer of a language model.
    usage: dict[str, Any]
    #: The language of the document as an ISO 639-1 code.
    language: str | None
    #: Present, and true, for a blank document.
    blank: bool
    #: Present, and true, for a result that was reused from ``previous``.
    reused: bool
    #: The connection that gave the answer, if the batch has a second connection.
    answered_by: str
    #: Present, and true, if the second connection was asked.
    escalated: bool
    #: A short form of the answer or error of the first connection, if the document was escalated.
    first_answer: dict[str, Any]
    #: Why the second connection could not classify the document, so that the first answer stands.
    escalation_error: str
    #: One sentence that says why the document was not classified.
    error: str
    #: The name of the class of the error, such as ``DocumentCorrupt``.
    error_kind: str


class FailedDocument(TypedDict):
    """A document of a batch that was not classified."""

    document: str
    error: str


class BatchManifest(TypedDict):
    """The summary of a batch. Its size does not grow with the number of documents."""

    #: The number of documents. All but the ``skipped`` ones have a row in the output.
    documents: int
    classified: int
    failed: int
    #: The number of unreadable documents that ``on_unreadable="result"`` does not count as failed.
    unreadable: int
    #: The number of unreadable documents that have no row because of ``on_unreadable="skip"``.
    skipped: int
    #: The number of results that were reused from ``previous``.
    reused: int
    #: The number of classified documents that are blank.
    blank: int
    #: The number of escalated documents. It includes those of earlier tries and of reused results.
    escalated: int
    #: The number of documents that the first connection classified without the second; 0 without a cascade.
    calls_saved: int
    #: The number of documents that each connection classified; empty without a cascade.
    answered_by: dict[str, int]
    #: The number of documents of each category, most documents first.
    categories: dict[str, int]
    #: The first 100 documents without a result, whether they count as failed or not.
    failures: list[FailedDocument]
    #: The path or URI of the output.
    output: str
    #: The requests, the tokens and the cost in US dollars, if it is known, of the answers of language models. It is
    #: missing if no model answered.
    usage: NotRequired[dict[str, Any]]


#: The columns of a table of rows, and of a ``.csv`` output, with their types. Later versions only add columns.
COLUMNS: Mapping[str, type[str] | type[float] | type[int] | type[bool]] = {
    "document": str,
    "classification": str,
    "confidence": float,
    "success": bool,
    "blank": bool,
    "language": str,
    "total_pages": int,
    "processed_pages": int,
    "job_id": str,
    "reused": bool,
    "error": str,
    "error_kind": str,
    "intent": str,
    "answered_by": str,
    "escalated": bool,
}


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the values of all columns in a row.

    A value of another type than its column is ``None``, because a server can put anything into a result.
    """
    return {name: value if _is_of(value := row.get(name), kind) else None for name, kind in COLUMNS.items()}


def _is_of(value: object, kind: type) -> bool:
    if isinstance(value, bool):  # in Python, True is an int
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
