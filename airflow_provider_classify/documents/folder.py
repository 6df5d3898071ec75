"""List the documents of a folder or object-storage prefix."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider_classify.documents.allowed_roots import require_allowed
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.documents.reference import scheme_of
from airflow_provider_classify.exceptions import DocumentNotFound, StorageNotFound
from airflow_provider_classify.model.printable_text import encodable

#: The suffix that turns the name of a batch's output into the folder of its record.
RECORD_SUFFIX = ".parts"
#: Matches a file in the record of a batch, in the part of its path below the folder of the documents.
_IN_RECORD = re.compile(rf"\.(jsonl|csv|parquet){re.escape(RECORD_SUFFIX)}/")


def list_documents(folder: str, pattern: str = "*", *, output: str | None = None) -> list[str]:
    """
    Return the documents of a folder or object-storage prefix, sorted, without hidden files and records of batches.

    Call it in a task, and map a ``ClassifyOperator`` over the list. A ``ClassifyBatchOperator`` calls it itself.

    :param folder: a path, or a URI such as ``s3://conn_id@bucket/incoming``.
    :param pattern: a pattern of ``glob``: ``*.pdf``, or ``**/*.pdf`` to include all subfolders.
    :param output: the output of a batch, which is left out if it is in the folder.
    :raises DocumentNotFound: the folder does not exist, or is a file.
    :raises DocumentNotAllowed: ``[classify] allowed_roots`` does not allow the folder.
    :raises StorageError: the storage refused the request or cannot be reached.
    """
    if not folder:
        raise DocumentNotFound("The folder of the documents is an empty text; give a path or a URI.")
    require_allowed(folder)
    if not scheme_of(folder) and Path(folder).is_file():
        raise DocumentNotFound(f"{encodable(folder)} is a file; give its folder.")
    try:
        found = StoragePath(folder).list_files(pattern)
    except StorageNotFound as error:
        if scheme_of(folder):
            advice = f"{encodable(folder)}; check the path, and the connection in its URI ({error})."
        else:
            advice = f"{encodable(str(Path(folder).absolute()))}; check the path on the machine of the task."
        raise DocumentNotFound(f"There is no folder {advice}") from error
    return [
        name
        for name in found
        if name != output and not name.rpartition("/")[2].startswith(".") and not _IN_RECORD.search(name, len(folder))
    ]
