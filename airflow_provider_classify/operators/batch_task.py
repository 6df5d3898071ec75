"""The functions that all tasks of batches share: the task of a whole batch, and the tasks of a batch in shards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_classify.batch.task_address import TaskAddress
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.reference import is_storage_path
from airflow_provider_classify.exceptions import BatchEmpty, InvalidDocument
from airflow_provider_classify.lifecycle.cancel import has_ended
from airflow_provider_classify.operators.batch_checks import OnEmpty, require_folder_or_list


def has_surely_ended(task: TaskAddress, log: Any) -> bool:
    """Return whether another task has ended. If Airflow does not answer, log the error and return ``False``."""
    try:
        return has_ended(task)
    except Exception:  # an error of Airflow's API, or a call outside a running task
        log.warning("It is unknown whether %s has ended.", task, exc_info=True)
        return False


@contextmanager
def skip_if_empty(on_empty: OnEmpty) -> Iterator[None]:
    """Skip the task if its batch is empty and ``on_empty`` is ``skip``."""
    try:
        yield
    except BatchEmpty as error:
        if on_empty != "skip":
            raise
        raise AirflowSkipException(str(error)) from error


def references_if_known(documents: Any) -> str | list[str]:
    """Return the references, for the lineage; an empty list if the documents are not known yet."""
    try:
        return references_of(documents)
    except InvalidDocument:
        return []


def references_of(documents: Any) -> str | list[str]:
    """
    Return the reference of the folder, or the references of the documents.

    :raises InvalidDocument: the documents, or one of them, are of a wrong type or empty.
    """
    require_folder_or_list(documents)
    if isinstance(documents, (str, os.PathLike)) or is_storage_path(documents):
        return Document.of(documents).reference
    return [Document.of(document).reference for document in documents]
