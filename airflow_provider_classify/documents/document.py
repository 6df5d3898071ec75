"""
A document by reference: a local path, an object-storage URI or an http(s) URL.

DAGs, XCom and triggers contain only the reference. This module reads the bytes as a stream, so that it never has a
whole document in memory. It imports the clients of storages and servers only when a document needs them, because every
task imports this module.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeVar, cast

from airflow_provider_classify.documents import reference as references
from airflow_provider_classify.documents.allowed_roots import require_allowed
from airflow_provider_classify.documents.regular_file import open_regular_file
from airflow_provider_classify.documents.temp_folder import temporary_folder
from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentNotFound,
    DocumentNotReadable,
    StorageError,
    StorageNotFound,
)
from airflow_provider_classify.model.api_contract import MAX_BYTES

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

T = TypeVar("T")
#: The types that a user can pass; see :meth:`Document.of`.
DocumentLike: TypeAlias = "str | os.PathLike[str] | ObjectStoragePath | Document"

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """
    A document, named by its reference as the user wrote it.

    A text without a scheme and a ``file://`` URI are paths on this machine. ``http`` and ``https`` are URLs, which an
    API fetches itself. Airflow's ``ObjectStoragePath`` opens every other scheme (``s3://conn_id@bucket/key``,
    ``gs://…``).

    :meth:`open`, :meth:`local_copy`, :meth:`fingerprint` and :attr:`file_url` first check
    ``[classify] allowed_roots``.
    """

    reference: str

    @classmethod
    def of(cls, value: object) -> Document:
        """
        Return the document that a user passes.

        :param value: a path, URI or URL as text, an ``os.PathLike``, an ``ObjectStoragePath`` or a ``Document``.
        :raises InvalidDocument: the value is ``None``, an empty text, or of another type.
        """
        return value if isinstance(value, Document) else cls(references.parse_reference(value))

    @property
    def is_url(self) -> bool:
        """Whether the reference is an http(s) URL, which an API can fetch itself."""
        return references.is_http_url(self.reference)

    @property
    def file_url(self) -> str:
        """
        The URL with its signature, for an API.

        :raises DocumentNotAllowed: ``[classify] allowed_roots`` does not allow it.
        """
        require_allowed(self.reference)
        return self.reference

    @property
    def label(self) -> str:
        """The reference for messages and records, without the user, password and signature of a URL."""
        return references.label_of(self.reference)

    @property
    def name(self) -> str:
        """The file name, for the upload."""
        return references.name_of(self.reference)

    def require_allowed(self) -> None:
        """Check the setting. :raises DocumentNotAllowed: ``[classify] allowed_roots`` does not allow the document."""
        require_allowed(self.reference)

    def fingerprint(self) -> str:
        """
        Return the SHA-256 of the document's bytes as hexadecimal digits; for a URL, the SHA-256 of its text.

        The document of a URL is not fetched, because that may cost time and money.

        :raises DocumentError: as :meth:`open`.
        """
        if self.is_url:
            return hashlib.sha256(self.file_url.encode("utf-8", "surrogateescape")).hexdigest()
        digest = hashlib.sha256()
        with self.open() as stream:
            while piece := stream.read(_CHUNK):
                digest.update(piece)
        return digest.hexdigest()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """
        Check the size of the document and open it for reading.

        :raises DocumentNotAllowed: ``[classify] allowed_roots`` does not allow it.
        :raises DocumentNotFound: it does not exist.
        :raises DocumentNotAFile: it is a folder, named pipe, device or socket.
        :raises DocumentEmpty: it has no bytes.
        :raises DocumentTooLarge: it has more bytes than the API accepts (500 MB).
        :raises DocumentNotReadable: the storage refused the request or cannot be reached, now or at a later read.
        """
        try:
            stream = self._open()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise self._not_found() from error
        except (OSError, ValueError) as error:  # ValueError: a path with a null byte
            raise DocumentNotReadable(
                f"The document {self.label} cannot be read ({error}); check the permissions and the storage connection."
            ) from error
        with stream:
            guarded = cast("BinaryIO", _DocumentStream(stream, self.label))
            _require_size(guarded, self.label)
            yield guarded

    def _open(self) -> BinaryIO:
        path = self._allowed_path()
        if path is not None:
            return open_regular_file(path, self.label)
        from airflow_provider_classify.documents.object_storage import StoragePath

        try:
            return StoragePath(self.reference).open()
        except StorageNotFound as error:
            raise DocumentNotFound(f"There is no document at {self.label}: {error}") from error
        except StorageError as error:
            raise DocumentNotReadable(f"The document {self.label} cannot be read: {error}") from error

    def _allowed_path(self) -> Path | None:
        """
        Check that the document is allowed. Return its path on this machine; ``None`` for a remote document.

        Symbolic links are resolved before the check, so that the checked file is the one that is read.
        """
        path = references.local_path(self.reference)
        if path is None:
            require_allowed(self.reference)
            return None
        real_path = Path(os.path.realpath(path))
        require_allowed(str(real_path), label=self.label)
        return real_path if real_path.exists() else path  # a pipe under /dev/fd has no real path

    def _not_found(self) -> DocumentNotFound:
        if self.reference == "None":
            return DocumentNotFound(
                "There is no document at None; the template of the document seems to have found no value."
            )
        return DocumentNotFound(f"There is no document at {self.label}; check the path.")

    @contextmanager
    def local_copy(self) -> Iterator[Path]:
        """
        Provide a path on this machine: the document's own path, or the path of a temporary copy.

        :raises DocumentError: as :meth:`open`. A URL that cannot be fetched raises ``DocumentNotReadable``.
        """
        if references.local_path(self.reference) is not None:
            with self.open() as stream:
                path = Path(stream.name)
            yield path
            return
        require_allowed(self.reference)
        with temporary_folder() as folder:
            target = folder / "document"  # the document's name may be missing or too long for a file name
            if self.is_url:
                from airflow_provider_classify.documents.download import download

                download(self.reference, target, label=self.label, check_redirect=require_allowed)
            else:
                with self.open() as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, _CHUNK)
            yield target


class _DocumentStream:
    """A stream whose errors name the document, because a storage can fail at any read."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream = stream
        self._label = label

    def read(self, size: int = -1) -> bytes:
        return self._call(self._stream.read, size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._call(self._stream.seek, offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _call(self, method: Callable[..., T], *arguments: int) -> T:
        try:
            return method(*arguments)
        except Exception as error:  # each storage client raises its own kinds of errors
            raise DocumentNotReadable(
                f"The document {self._label} cannot be read to its end ({type(error).__name__}: {error}); "
                "check the storage and its connection."
            ) from error


def _require_size(stream: BinaryIO, label: str) -> None:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size == 0:
        raise DocumentEmpty(f"The document {label} is empty; send it again or leave it out.")
    if size > MAX_BYTES:
        from airflow_provider_classify.documents.download import too_large

        raise too_large(label)
