"""The documents of a batch, and the decisions about them. Pure, but for the listing of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from airflow_provider_classify.batch.entry import printable
from airflow_provider_classify.documents.allowed_roots import require_allowed
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.storage_path import StoragePath
from airflow_provider_classify.exceptions import DocumentNotFound, StorageNotFound
from airflow_provider_classify.model.categories import Category

#: What is added to an output's name for the folder of its record.
RECORD_SUFFIX = ".parts"


@dataclass(frozen=True, slots=True)
class Item:
    """
    A document of a batch.

    ``document`` is its label, which may be stored and shown. ``intent`` is the fingerprint of document,
    categories and classifier; see :func:`items_of`. ``reference`` opens the document: it may have a signature,
    so it is never stored, and a task that resumes has none.
    """

    document: str
    intent: str
    reference: str = ""


def items_of(fingerprints: Mapping[str, str], categories: Sequence[Category], classifier: str) -> list[Item]:
    """
    Make the items of a batch.

    Where an item's intent is on record, the same classifier has been asked about the same bytes and categories.

    :param fingerprints: of each document, by its reference.
    """
    asked = [asdict(category) for category in categories]

    def intent_of(document: str, fingerprint: str) -> str:
        parts = json.dumps([document, fingerprint, asked, classifier], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    return [
        Item(printable(Document(reference).label), intent_of(reference, fingerprint), reference)
        for reference, fingerprint in fingerprints.items()
    ]


def list_documents(folder: str, pattern: str, *, output: str | None = None) -> list[str]:
    """
    Return the documents of a folder or object-storage prefix, sorted, without hidden ones.

    :param pattern: as of ``glob``: ``*.pdf``, or ``**/*.pdf`` for subfolders too.
    :param output: the output of the batch. If it lies in the folder, it and its record are no documents.
    :raises DocumentNotFound: there is no such folder.
    :raises DocumentNotAllowed: ``[classify] allowed_roots`` excludes it.
    :raises StorageError: the storage refused or cannot be reached.
    """
    require_allowed(folder)
    try:
        found = StoragePath(folder).list_files(pattern)
    except StorageNotFound as error:
        raise DocumentNotFound(
            f"There is no folder {printable(folder)}; check the path, and the connection in its URI ({error})."
        ) from error
    return [
        name
        for name in found
        if not name.rpartition("/")[2].startswith(".")
        and not (output and (name == output or name.startswith(f"{output}{RECORD_SUFFIX}/")))
    ]
