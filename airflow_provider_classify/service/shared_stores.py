"""Open the record of jobs and the store of documents, which the processes of a service can share."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from airflow_provider_classify.documents.temp_folder import temporary_folder
from airflow_provider_classify.exceptions import ServiceNotStarted
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.job_record.work_queue import LEASE
from airflow_provider_classify.model.api_contract import MAX_BYTES
from airflow_provider_classify.service.documents import Documents
from airflow_provider_classify.service.object_documents import ObjectDocuments
from airflow_provider_classify.service.upload_folder import UploadFolder

#: How long a job with its result is kept after its end.
KEEP_RESULTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """
    Where a service keeps jobs and documents.

    :param data_dir: the folder of this process. Without ``database``, it has the jobs and the documents.
    :param database: the SQLAlchemy URL of a record that several processes share.
    :param documents: the URL of a storage of documents that these processes share, or a folder that all their machines
        mount.
    :param keep_results: how long a job is kept after its end.
    :param lease: how long a process has a job before another process may take it, unless the lease is renewed.
    """

    data_dir: Path
    database: str | None = None
    documents: str | None = None
    keep_results: timedelta = KEEP_RESULTS
    lease: timedelta = LEASE

    def check(self) -> None:
        """Check the options. :raises ServiceNotStarted: only one of ``database`` and ``documents`` is given."""
        if (self.database is None) != (self.documents is None):
            raise ServiceNotStarted(
                "Processes that share a record of jobs must also share the documents; give both --database and "
                "--documents, or neither."
            )


@contextmanager
def open_stores(options: StoreOptions) -> Iterator[tuple[JobStore, Documents]]:
    """
    Open the record and the documents for one process.

    :raises ServiceNotStarted: the folder is in use or not permitted, or the options do not fit together.
    :raises ConnectionNotUsable: the URL of the database cannot be used.
    :raises ExtraNotInstalled: the driver of the database or of the storage is not installed.
    :raises JobRecordUnavailable: the database cannot be reached.
    :raises StorageError: the storage of the documents cannot be used.
    """
    options.check()
    if options.database is None or options.documents is None:
        with _locked(options.data_dir):
            url = f"sqlite:///{options.data_dir.absolute() / 'jobs.db'}"
            folder = UploadFolder(options.data_dir / "documents", MAX_BYTES)
            with closing(_job_store(url, options)) as store:
                _resume(store, folder)
                yield store, folder
    else:
        with _own_folder(options.data_dir) as own, closing(_job_store(options.database, options)) as store:
            documents = ObjectDocuments(options.documents, UploadFolder(own, MAX_BYTES))
            documents.prepare()
            yield store, documents


def _job_store(url: str, options: StoreOptions) -> JobStore:
    return JobStore(url, keep_finished=options.keep_results, lease=options.lease)


def _resume(store: JobStore, folder: UploadFolder) -> None:
    """Queue the unfinished jobs of an earlier process again. The lock ensures that no other process has them."""
    unfinished = store.unfinished()
    sizes = folder.clear(keep=frozenset(unfinished))
    store.queue.expire_leases()
    for job_id in unfinished:
        store.queue.adopt(job_id, sizes.get(job_id))


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Lock the folder, because a second service on it would run the same jobs. The lock ends with the process."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise _not_usable(data_dir, error) from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceNotStarted(
                f"Another service uses the folder {data_dir}; stop it, or name another folder."
            ) from error
        yield


@contextmanager
def _own_folder(data_dir: Path) -> Iterator[Path]:
    """Provide a folder for the documents that arrive, and delete those of processes that were killed."""
    with ExitStack() as stack:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(temporary_folder(str(data_dir)))
        except OSError as error:
            raise _not_usable(data_dir, error) from error
        yield folder


def _not_usable(folder: Path, error: OSError) -> ServiceNotStarted:
    return ServiceNotStarted(f"The folder {folder} cannot be used ({error.strerror}); name one that can be written.")
