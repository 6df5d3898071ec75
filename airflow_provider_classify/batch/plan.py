"""The documents of a batch and their fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.folder import RECORD_SUFFIX, list_documents
from airflow_provider_classify.exceptions import BatchEmpty, DocumentError
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.printable_text import encodable

#: The most documents that are read concurrently for their fingerprints.
_CONCURRENT_READS = 16


@dataclass(frozen=True, slots=True)
class Item:
    """
    A document of a batch.

    ``document`` is its label, which can be stored and shown. ``fingerprint`` is the hash of document, categories and
    classifier; see :func:`items_of`. ``reference`` opens the document. It may contain a signature, so it is never
    stored, and it is empty in a task that resumes.
    """

    document: str
    fingerprint: str
    reference: str = ""


def items_of(contents: Mapping[str, str], categories: Sequence[Category], classifier: str) -> list[Item]:
    """
    Return the items of a batch.

    Two items with the same fingerprint have the same reference, bytes, categories and classifier, so they have the same
    result.

    :param contents: the hash of each document's bytes, by reference.
    """
    asked = [category.to_fingerprint() for category in categories]

    def fingerprint_of(document: str, content: str) -> str:
        parts = json.dumps([document, content, asked, classifier], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    return [
        Item(encodable(Document(reference).label), fingerprint_of(reference, content), reference)
        for reference, content in contents.items()
    ]


def find_documents(
    documents: str | Sequence[str], pattern: str, output: str | None, *, may_be_empty: bool
) -> list[str]:
    """
    Return the references of the documents of a batch: those of the list, or those in the folder.

    :raises BatchEmpty: there are no documents, unless they ``may_be_empty``.
    """
    if isinstance(documents, str):
        found = list_documents(documents, pattern, output=output)
        if found or may_be_empty:
            return found
        raise BatchEmpty(
            f"There is no document in {documents} that matches {pattern!r}; check the folder and the pattern, or give "
            "the task another on_empty. An earlier output is left as it is."
        )
    references = list(dict.fromkeys(documents))
    if references or may_be_empty:
        return references
    raise BatchEmpty(
        "The list of documents is empty; check the task that it comes from, or give the task another on_empty. "
        "An earlier output is left as it is."
    )


def read_items(references: Sequence[str], categories: Sequence[Category], classifier: str) -> list[Item]:
    """
    Read the documents and return the items of a batch.

    A document that cannot be read has an item too. Its fingerprint includes the error, and the document fails when it
    is classified.
    """
    with ThreadPoolExecutor(_CONCURRENT_READS) as readers:
        fingerprints = dict(zip(references, readers.map(_fingerprint, references), strict=True))
    return items_of(fingerprints, categories, classifier)


def _fingerprint(reference: str) -> str:
    try:
        return Document(reference).fingerprint()
    except DocumentError as error:
        return str(error)


def record_folder(output: str | None) -> str:
    """
    Return the folder for records. It is beside the output. Without an output, it is under Airflow's home on this
    machine.
    """
    if output:
        return f"{output}{RECORD_SUFFIX}"
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return str(home / "classify" / "batches")
