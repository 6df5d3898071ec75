"""
Write and read the extras of this package's asset events. Tasks and triggers write them, and a DAG reads them.

The events of a ``NewDocumentsTrigger``, of a ``ClassifyOperator`` and of a ``ClassifyBatchOperator`` name documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_classify.exceptions import BatchEmpty

#: The most documents that an event of a batch names. The output of the batch has all of them.
MAX_DOCUMENTS = 100


def arrived_documents(context: Mapping[str, Any], jinja_env: object = None) -> list[str]:
    """
    Return the references of the documents in the asset events that triggered the run, each once.

    The function itself can be the argument of an operator: ``ClassifyBatchOperator(documents=arrived_documents, …)``.
    Airflow then calls it with the context of the task.

    :param jinja_env: not used. Airflow passes this argument.
    """
    documents = documents_of(context["triggering_asset_events"])
    return list(dict.fromkeys(str(document["document"]) for document in documents))


def are_arrived(documents: object) -> bool:
    """Return whether an argument is the function :func:`arrived_documents` itself, which Airflow calls later."""
    return documents is arrived_documents


def require_event(context: Mapping[str, Any]) -> None:
    """Check that an asset event started the run. :raises BatchEmpty: no event did, so the run has no documents."""
    if not context.get("triggering_asset_events"):
        raise BatchEmpty(
            "This run was not started by an asset event, so arrived_documents has no documents; let the event of the "
            "watched folder start the run, or give the task another on_empty."
        )


def documents_of(events: Mapping[Any, Iterable[Any]]) -> list[dict[str, Any]]:
    """
    Return the documents in asset events, in the order of the events.

    Each document is an object with ``document`` (a reference). It also has ``size``, ``modified`` and ``version``, or
    ``category`` and ``confidence``.

    :param events: the ``triggering_asset_events`` of a task's context. Events from other sources are ignored.
    """
    # Airflow lists an event of an asset alias under the asset and under the alias.
    each = {id(event): event for group in events.values() for event in group}
    return [document for event in each.values() for document in _documents_in(event.extra)]


def extra_of_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extra for a classified document. A blank document has no category."""
    return {
        "document": result["document"],
        "category": result.get("classification"),
        "confidence": result.get("confidence"),
    }


def extra_of_batch(
    category: str | None, rows: Iterable[Mapping[str, Any]], count: int, output: str | None
) -> dict[str, Any]:
    """
    Return the extra for the documents of a batch.

    :param category: the category of all these documents; ``None`` if they have several.
    :param rows: the rows of the first documents.
    :param count: the number of documents.
    :param output: the path of the batch's output, which has all rows.
    """
    return {
        "category": category,
        "count": count,
        "documents": [extra_of_result(row) for row in rows],
        "output": output,
    }


def _documents_in(extra: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    content = (extra or {}).get("payload", extra)
    if not isinstance(content, Mapping):
        return
    found = content.get("documents", [content])
    for document in found if isinstance(found, list) else []:
        if isinstance(document, Mapping) and isinstance(document.get("document"), str):
            yield dict(document)
