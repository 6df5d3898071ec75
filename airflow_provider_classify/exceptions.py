"""
The errors of this package, one class for each kind.

Each message is one sentence that names the document, job or connection and says what to do. It never contains a
secret. ``retryable`` says whether a retry of the task can help. ``unreadable`` says whether the document itself is the
reason, so that ``on_unreadable`` applies.

A pipe, a database and a trigger's event do not carry the exception object. They carry its class name
(:attr:`ClassifyError.kind`) and its message, and :func:`error_of_kind` creates the error again.
"""

from __future__ import annotations

from typing import ClassVar


class ClassifyError(Exception):
    """
    The base class of all errors that this package raises on purpose.

    :param retry_after: seconds to wait before a retry, if the server named a time.
    """

    #: Whether the same call can succeed later without a change by a user.
    retryable: ClassVar[bool] = False
    #: Whether the document itself is the reason, and not the DAG, the connection or the server. An unreadable document
    #: stays unreadable, so such an error is not retryable.
    unreadable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The name of the class, for storage as text."""
        return type(self).__name__


class InvalidCategories(ClassifyError):
    """The categories are empty, repeated, or not a list of names."""


class InvalidCascade(ClassifyError):
    """The second connection of a cascade, or its threshold, is missing or not valid."""


class InvalidJobId(ClassifyError):
    """The job id is not valid."""


class InvalidRoutes(ClassifyError):
    """A route names an unknown category or task, or a threshold is not a number from 0 to 1."""


class InvalidResult(ClassifyError):
    """A value that should be a result from XCom is not a result."""


class ReviewNotAvailable(ClassifyError):
    """This version of Airflow, or of its standard provider, has no human-in-the-loop page that a review can use."""


class ReviewNotAnswered(ClassifyError):
    """Nobody answered the review in time, or Airflow could not deliver the answer."""


class InstancesNotCreated(ClassifyError):
    """Airflow has not created the task instances that a branch in a mapped task group may skip."""


class InvalidDocumentTypes(ClassifyError):
    """The local engine cannot use a file of document types. The message names file, type and line."""


class SentenceModelNotUsable(ClassifyError):
    """The sentence model of the configuration cannot be found, downloaded or loaded."""


class ModelNotUsable(ClassifyError):
    """The model of ``[classify] model`` cannot be loaded."""


class LanguageDataNotUsable(ClassifyError):
    """Tesseract's language data is installed but cannot be loaded."""


class OcrModelNotFetched(ClassifyError):
    """A model for OCR in another script cannot be downloaded."""


class InvalidOutput(ClassifyError):
    """The output of a batch, or the folder for a packet's documents, is missing, not valid or cannot be written."""


class InvalidShard(ClassifyError):
    """The shard of a batch is not part of a plan."""


class OutputInUse(ClassifyError):
    """Another task, which may still run, has a record of a batch with the same output."""


class BatchEmpty(ClassifyError):
    """A batch has no documents, and ``on_empty`` does not allow that. An earlier output is kept."""


class BatchIncomplete(ClassifyError):
    """Documents of a batch have neither a result nor an error in its record. A retry classifies them."""

    retryable = True


class BatchRecordNotReadable(ClassifyError):
    """The record of a batch is damaged, or another version of this package wrote it."""


class BatchRecordLost(ClassifyError):
    """The task that continues a batch cannot find its record, or the output of a shard."""


class BatchFailed(ClassifyError):
    """More documents of a batch failed than are allowed. The output has the results of the others."""


class StorageError(ClassifyError):
    """A file or folder on a storage cannot be read, written, listed or deleted."""


class StorageNotFound(StorageError):
    """The file, folder, bucket or container does not exist."""


class StorageForbidden(StorageError):
    """The storage does not allow the action with these credentials."""


class StorageNotInstalled(StorageError):
    """No installed Airflow provider opens URIs of this scheme."""


class StorageUnavailable(StorageError):
    """The storage failed or could not be reached."""

    retryable = True


class ConnectionNotUsable(ClassifyError):
    """An Airflow connection is missing, has another type or a wrong field, or the record of jobs cannot be opened."""


class ExtraNotInstalled(ClassifyError):
    """An optional dependency is not installed. The message names the extra."""


class AirflowTooOld(ClassifyError):
    """This version of Airflow is too old for a feature. The message names both."""


class CalibrationNotUsable(ClassifyError):
    """The calibration of a language model cannot be read or written, or cannot be fitted on the documents."""


class BudgetUsedUp(ClassifyError):
    """A task has used the tokens or the money that its connection to a language model allows for one task."""


class EngineClosed(ClassifyError):
    """The engine was shut down before it could classify. The document is not the reason."""

    retryable = True


class EngineNotStarted(ClassifyError):
    """The engine's process ended before it read a document: its installation is broken or is being replaced."""

    retryable = True


# --- the document -------------------------------------------------------------------------


class DocumentError(ClassifyError):
    """The document is the reason for the error. Another document can succeed."""

    unreadable = True


class InvalidDocument(DocumentError):
    """The document is not a path, URI or URL."""

    unreadable = False


class DocumentNotAllowed(DocumentError):
    """``[classify] allowed_roots`` of Airflow's configuration does not allow the document."""

    unreadable = False


class DocumentNotAFile(DocumentError):
    """The path leads to a folder, a named pipe, a device or a socket."""


class DocumentNotFound(DocumentError):
    """There is no document at the path, URI or URL."""


class DocumentNotReadable(DocumentError):
    """The file, storage or server of the document refused access, or could not be reached."""

    retryable = True
    unreadable = False


class DocumentEmpty(DocumentError):
    """The file has no bytes, or the document has no pages or no content."""


class DocumentTypeUnknown(DocumentError):
    """The format of the file is not supported."""


class DocumentCorrupt(DocumentError):
    """The format is known, but the file is damaged."""


class DocumentEncrypted(DocumentError):
    """The document needs a password, or is encrypted with a certificate or by rights management."""


class DocumentPlaceholder(DocumentError):
    """The file shows a placeholder in most readers, because it is a dynamic XFA form or a portfolio."""


class DocumentNeedsOcr(DocumentError):
    """The document, or a page of it, can be read only by OCR, and OCR is switched off."""


class DocumentNotSplittable(DocumentError):
    """The documents in a file cannot be written as PDFs, or some of its pages were not classified."""

    unreadable = False


class DocumentTooLarge(DocumentError):
    """The document has more bytes or pixels than the API or the engine accepts."""


class DocumentTookTooLong(DocumentError):
    """The engine, or the service that fetched the document, reached the time limit for it."""


class DocumentCrashedParser(DocumentError):
    """The engine's process crashed on the document or reached its memory limit."""


class DocumentRefused(DocumentError):
    """A language model, or the content filter of its provider, refused the document."""


class DocumentOverUsageLimit(DocumentError):
    """A language model used more tokens or money for the document than ``usage_limits`` of the connection allows."""

    unreadable = False


# --- the API ------------------------------------------------------------------------------


class ApiError(ClassifyError):
    """The classify API replied with an error, or did not reply."""


class AuthenticationRejected(ApiError):
    """HTTP 401 or 403: the api key is wrong, missing or not allowed."""


class QuotaExceeded(ApiError):
    """HTTP 402: the quota of the account is used up."""


class JobNotFound(ApiError):
    """HTTP 404: the job does not exist, or it has expired."""


class RequestRejected(ApiError):
    """HTTP 400, 422 or another status for an invalid request."""


class RateLimited(ApiError):
    """HTTP 429: too many requests. ``retry_after`` is set if the server named a time."""

    retryable = True


class ApiUnavailable(ApiError):
    """HTTP 408, 425 or 5xx: the server failed. ``retry_after`` is set if the server named a time."""

    retryable = True


class ApiOverloaded(ApiUnavailable):
    """HTTP 503: the server refused the request before it began to work on it, so a submit can be sent again."""


class ApiNotReached(ApiUnavailable):
    """The connection failed before anything was sent, so a submit can be sent again."""


class ApiConnectionLost(ApiUnavailable):
    """The connection broke or timed out after something was sent. The server may have received the request."""


class InvalidReply(ApiError):
    """The reply breaks the contract: HTML, broken JSON, a missing field, another job, a number out of range."""

    retryable = True


class AnswerCutOff(InvalidReply):
    """The answer of a language model ended at the limit of its tokens."""

    retryable = False


# --- the job ------------------------------------------------------------------------------


class JobFailed(ClassifyError):
    """The job ended as ``failed``, or it completed and none of its pages was classified."""

    unreadable = True


class JobCancelled(JobFailed):
    """The job was cancelled before it ended."""

    unreadable = False


class JobTimedOut(ClassifyError):
    """The job had not ended at its deadline. It may still complete, and then a retry gets its result."""

    retryable = True


class JobRecordUnavailable(ClassifyError):
    """The database with the record of jobs cannot be reached, or stayed locked."""

    retryable = True


class JobRecordDamaged(ClassifyError):
    """The record of one job cannot be read. Other jobs are not affected."""


class TaskStateUnavailable(ClassifyError):
    """Airflow's task state store cannot be read or written, so it is unknown whether the task has a job."""

    retryable = True


class IdempotencyKeyReused(ClassifyError):
    """A submit has the idempotency key of an earlier submit, but another document or other categories."""


class StorageFull(ClassifyError):
    """The disk of the service is full, or its stored documents have reached their limit."""

    retryable = True


class InvalidKeys(ClassifyError):
    """The service's file of keys cannot be read, or a line of it is not valid."""


class ServiceNotStarted(ClassifyError):
    """The service cannot start: its port or folder is in use, or a setting is wrong."""


def error_of_kind(kind: str | None, message: str) -> ClassifyError:
    """
    Create an error of the class that ``kind`` names. An unknown kind becomes a :class:`JobFailed`.

    A hosted API sends no kind with the error of a job.
    """
    return _KINDS.get(kind or "", JobFailed)(message)


def _with_subclasses(cls: type[ClassifyError]) -> list[type[ClassifyError]]:
    return [cls] + [found for child in cls.__subclasses__() for found in _with_subclasses(child)]


_KINDS = {cls.__name__: cls for cls in _with_subclasses(ClassifyError)}
