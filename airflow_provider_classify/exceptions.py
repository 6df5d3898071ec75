"""
Everything that can go wrong, each kind a class of its own.

One rule for every message: a sentence that names the document, the job or the connection
and says what to do; never a secret. ``retryable`` answers the one question that Airflow
has to ask of an error: can the same call succeed later, with nothing changed?

A kind travels by name (:attr:`ClassifyError.kind`) wherever an exception object cannot:
through the pipe of the engine's child process, a job's record and a trigger's event.
:func:`error_of_kind` turns it back.
"""

from __future__ import annotations

from typing import ClassVar


class ClassifyError(Exception):
    """
    Base of every error this package raises on purpose.

    :param retry_after: seconds the server asked to wait, where it did.
    """

    #: Whether the same call can succeed later with nothing changed by a person.
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The class name: what stands for the class where only text can travel."""
        return type(self).__name__


class InvalidCategories(ClassifyError):
    """The categories are empty, repeated, or not a list of names."""


class InvalidJobId(ClassifyError):
    """A text was given as a job id that no server can have given."""


class InvalidDocumentTypes(ClassifyError):
    """A file of document types that the local engine cannot use; the message names file, type and line."""


class SentenceModelNotUsable(ClassifyError):
    """The sentence model that the user named cannot be found, fetched or loaded."""


class LanguageDataNotUsable(ClassifyError):
    """Tesseract's language data is installed where the local engine looks for it, but cannot be loaded."""


class InvalidOutput(ClassifyError):
    """The output of a batch cannot be written as it is named."""


class OutputInUse(ClassifyError):
    """Another task that may still run has a record for the same output of a batch."""


class BatchEmpty(ClassifyError):
    """A batch has no documents; an earlier output is left as it is."""


class BatchIncomplete(ClassifyError):
    """Documents of a batch have neither a result nor an error on record; a retry does them."""

    retryable = True


class BatchRecordNotReadable(ClassifyError):
    """The record of a batch is damaged, or of another version of this package."""


class BatchRecordLost(ClassifyError):
    """The record of a batch is not where the task that resumes can read it."""


class BatchFailed(ClassifyError):
    """More documents of a batch failed than were allowed; the results of the others are in the output."""


class StorageError(ClassifyError):
    """A file or folder on a storage cannot be read, written, listed or deleted."""


class StorageNotFound(StorageError):
    """There is no such file, folder, bucket or container."""


class StorageForbidden(StorageError):
    """The storage does not let these credentials do this."""


class StorageNotInstalled(StorageError):
    """No installed Airflow provider opens URIs of this scheme."""


class StorageUnavailable(StorageError):
    """The storage failed or could not be reached."""

    retryable = True


class ConnectionNotUsable(ClassifyError):
    """The Airflow connection is missing, of another type, or lacks something it needs."""


class ExtraNotInstalled(ClassifyError):
    """A part of the package was called whose optional dependencies are not installed."""


class EngineClosed(ClassifyError):
    """The engine was shut down before it could answer; nothing is known against the document."""

    retryable = True


class EngineNotStarted(ClassifyError):
    """The engine's process ended before it read anything: the install is broken, or just being replaced."""

    retryable = True


# --- the document -------------------------------------------------------------------------


class DocumentError(ClassifyError):
    """The document itself is the reason; another document would have passed."""


class InvalidDocument(DocumentError):
    """What was given as a document is no path, URI or URL."""


class DocumentNotAllowed(DocumentError):
    """The document is outside of what ``[classify] allowed_roots`` of Airflow's configuration allows."""


class DocumentNotAFile(DocumentError):
    """The path leads to a folder, a named pipe, a device or a socket."""


class DocumentNotFound(DocumentError):
    """No document under that path, URI or URL."""


class DocumentNotReadable(DocumentError):
    """The storage or server that holds the document refused it or could not be reached."""

    retryable = True


class DocumentEmpty(DocumentError):
    """The file has no bytes, or the document no pages."""


class DocumentTypeUnknown(DocumentError):
    """The bytes are of no format that can be read."""


class DocumentCorrupt(DocumentError):
    """The format is known, but the file is damaged."""


class DocumentEncrypted(DocumentError):
    """The document asks for a password, or is encrypted for a certificate or by rights management."""


class DocumentPlaceholder(DocumentError):
    """The document only stands for another one, which no reader but its own shows: a dynamic XFA form, a portfolio."""


class DocumentNeedsOcr(DocumentError):
    """The document is a picture, and OCR is switched off."""


class DocumentTooLarge(DocumentError):
    """More bytes or pixels than the API or the engine takes."""


class DocumentTookTooLong(DocumentError):
    """The parser was stopped at its time limit."""


class DocumentCrashedParser(DocumentError):
    """The parser died on the document, or was stopped at its memory limit."""


# --- the API ------------------------------------------------------------------------------


class ApiError(ClassifyError):
    """The classify API answered with an error, or did not answer."""


class AuthenticationRejected(ApiError):
    """401 or 403: the key is wrong, missing or not allowed."""


class QuotaExceeded(ApiError):
    """402: the account has no classifications left."""


class JobNotFound(ApiError):
    """404: no such job, or it has expired."""


class RequestRejected(ApiError):
    """400, 422 and the other answers that blame the request."""


class RateLimited(ApiError):
    """429: too many requests; ``retry_after`` where the server said."""

    retryable = True


class ApiUnavailable(ApiError):
    """408, 5xx: the server cannot answer now; ``retry_after`` where it said."""

    retryable = True


class ApiOverloaded(ApiUnavailable):
    """503: the server turned the request away before it began, so a submit may be sent again."""


class ApiNotReached(ApiUnavailable):
    """No connection came about: the request surely did not arrive, so a submit may be sent again."""


class ApiConnectionLost(ApiUnavailable):
    """The connection broke or fell silent midway: the request may have arrived."""


class InvalidReply(ApiError):
    """A reply that is not the contract's: HTML, broken JSON, a missing field, another job, an impossible number."""

    retryable = True


# --- the job ------------------------------------------------------------------------------


class JobFailed(ClassifyError):
    """The job ended as ``failed``, or completed without one page classified."""


class JobCancelled(JobFailed):
    """The job was cancelled on request before it had ended."""


class JobTimedOut(ClassifyError):
    """The job was not done by its deadline; it may still finish, and a retry can find it done."""

    retryable = True


class JobRecordUnavailable(ClassifyError):
    """The database with the record of jobs could not be reached, or stayed locked."""

    retryable = True


class JobRecordDamaged(ClassifyError):
    """What is recorded of one job cannot be read; the other jobs are not affected."""


class TaskStateUnavailable(ClassifyError):
    """Airflow's store of a task's state could not be read or written: whether there is a job is unknown."""

    retryable = True


class IdempotencyKeyReused(ClassifyError):
    """A submit has the idempotency key of an earlier one, but another document or other categories."""


class StorageFull(ClassifyError):
    """The folder or the disk of the service has no room for another document."""

    retryable = True


class ServiceNotStarted(ClassifyError):
    """The service cannot start: its port or its folder is in use, or a setting of it is wrong."""


def error_of_kind(kind: str | None, message: str) -> ClassifyError:
    """
    Make the error that ``kind`` names; :class:`JobFailed` where the name is none of ours.

    The second case is every failure of a hosted API, which gives a text but no kind.
    """
    return _KINDS.get(kind or "", JobFailed)(message)


def _subclasses(cls: type[ClassifyError]) -> list[type[ClassifyError]]:
    return [cls] + [deeper for child in cls.__subclasses__() for deeper in _subclasses(child)]


_KINDS = {cls.__name__: cls for cls in _subclasses(ClassifyError)}
