"""The store of documents that wait to be classified: a folder of this machine, or an object storage."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from airflow_provider_classify.service.upload_folder import Upload


class Documents(Protocol):
    """Stores the document of each job under the job's id. All methods are thread-safe, and may block."""

    #: The most bytes of one document.
    max_bytes: int
    #: The most bytes of all documents together.
    max_total_bytes: int

    def create(self, job_id: str) -> Upload:
        """
        Open a new file for the job's document. The document is stored when the file is committed.

        :raises StorageFull: there is no space.
        """

    def opened(self, job_id: str) -> AbstractContextManager[str]:
        """
        Provide the path of the job's document on this machine during a block.

        :raises StorageNotFound: there is no such document.
        :raises StorageError: the document could not be read.
        """

    def remove(self, job_id: str) -> None:
        """
        Delete the job's document, if there is one.

        :raises StorageError: the document could not be deleted.
        """

    def job_ids(self) -> set[str]:
        """
        Return the ids of the jobs whose documents are stored.

        :raises StorageError: the documents could not be listed.
        """

    def check_writable(self) -> None:
        """
        Check that a document could be written.

        :raises OSError: the folder of this machine cannot be written.
        :raises StorageFull: there is no space.
        :raises StorageError: the object storage cannot be written.
        """
