"""
Decide what a classification reports to OpenLineage: the datasets that were read and written, and the answer.

All functions are pure. :mod:`airflow_provider_classify.lifecycle.openlineage` makes the objects of OpenLineage. A
lineage contains no text of a document, and no user, password or signature of a URI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_classify.documents.reference import is_http_url, label_of, local_path

#: The most documents of a list that a lineage names. The facet of the batch has their number.
MAX_DOCUMENTS = 100

#: The fields of a result in XCom that a facet has. The others may have text of the document.
ANSWER_FIELDS = (
    "job_id",
    "success",
    "classification",
    "confidence",
    "blank",
    "total_pages",
    "language",
    "answered_by",
    "error_kind",
    "first_answer",
)
_SIMPLE_FIELDS = tuple(name for name in ANSWER_FIELDS if name != "first_answer")
#: The fields of the manifest of a batch that a facet has.
BATCH_FIELDS = (
    "documents",
    "classified",
    "failed",
    "unreadable",
    "skipped",
    "reused",
    "blank",
    "escalated",
    "calls_saved",
    "answered_by",
    "categories",
)

#: The URI schemes that have another name in OpenLineage.
_SCHEMES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


@dataclass(frozen=True, slots=True)
class Dataset:
    """
    A document, a folder or an output.

    :param answer: the answer about the document, the fields of its facet; empty without an answer.
    :param rows: the number of rows that were written; ``None`` if it is not known.
    """

    namespace: str
    name: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """
    The datasets that a task instance read and wrote, and its answer.

    :param answer: the fields of the run's facet about a document; empty without an answer.
    :param batch: the fields of the run's facet about a batch; empty without one.
    """

    inputs: Sequence[Dataset] = ()
    outputs: Sequence[Dataset] = ()
    answer: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)


def of_document(
    reference: str | None,
    value: Mapping[str, Any] | None = None,
    *,
    parts: Sequence[Mapping[str, Any]] = (),
) -> Lineage:
    """
    Return the lineage of a task that classifies a document.

    :param reference: the document; ``None`` if the task does not know it.
    :param value: the result in XCom; ``None`` before the end.
    :param parts: the documents that were split from a packet, as in XCom.
    """
    answer = {} if value is None else answer_of(value)
    inputs = [] if reference is None else [dataset_of(reference, answer)]
    outputs = [dataset_of(part["document"]) for part in parts[:MAX_DOCUMENTS] if "category" in part]
    return Lineage(inputs, outputs, answer=answer)


def of_result(result: object, *, route: Sequence[str]) -> Lineage:
    """
    Return the lineage of a branch.

    :param result: the result of this or an earlier task. Its document has no connection id in the lineage.
    :param route: the task ids that the branch follows.
    """
    value = result if isinstance(result, Mapping) else {}
    reference = value.get("document")
    found = of_document(reference if isinstance(reference, str) and reference else None, value)
    return replace(found, answer={**found.answer, "route": list(route)})


def of_batch(
    documents: str | Sequence[str], output: str | None = None, value: Mapping[str, Any] | Sequence[Any] | None = None
) -> Lineage:
    """
    Return the lineage of a task that classifies a batch.

    :param documents: the folder, or the documents, of which at most :data:`MAX_DOCUMENTS` are named.
    :param output: the output; ``None`` if the results are in XCom.
    :param value: the manifest or the rows in XCom; ``None`` before the end.
    """
    references = [documents] if isinstance(documents, str) else documents[:MAX_DOCUMENTS]
    inputs = [dataset_of(reference) for reference in references]
    if value is None:
        return Lineage(inputs, [] if output is None else [dataset_of(output)])
    if not isinstance(value, Mapping):
        answers = {str(row["document"]): answer_of(row) for row in value}
        answered = [dataset_of(reference, answers.get(label_of(reference), {})) for reference in references]
        return Lineage(answered if not isinstance(documents, str) else inputs, batch={"documents": len(value)})
    batch = {name: value[name] for name in BATCH_FIELDS if name in value}
    rows = value["documents"] - value["skipped"]
    return Lineage(inputs, [] if output is None else [dataset_of(output, rows=rows)], batch=batch)


def answer_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a result in XCom that a facet has. None of them has text of the document."""
    answer = {name: value[name] for name in _SIMPLE_FIELDS if value.get(name) is not None}
    if isinstance(first := value.get("first_answer"), Mapping):
        answer["first_answer"] = {name: first[name] for name in _SIMPLE_FIELDS if first.get(name) is not None}
    return answer


def dataset_of(reference: str, answer: Mapping[str, Any] | None = None, *, rows: int | None = None) -> Dataset:
    """
    Return the dataset of a file, with OpenLineage's names: ``file`` and the absolute path, ``s3://bucket`` and the key,
    ``https://host`` and the path.

    The name has no connection id, user, password, query or fragment, so that the same file has one name in all tasks.
    """
    path = local_path(reference)
    if path is not None:
        return Dataset("file", str(path.absolute()), answer or {}, rows)
    scheme, _, rest = label_of(reference).partition("://")
    authority, _, name = rest.partition("/")
    host = authority.rpartition("@")[2]
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    return Dataset(f"{scheme}://{host}", f"/{name}" if is_http_url(reference) else name or "/", answer or {}, rows)
