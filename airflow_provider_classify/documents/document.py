"""
A document by reference: a local path, an object-storage URI or an http(s) URL.

Only the reference travels through DAGs, XCom and triggers; bytes are read where the work happens,
as a stream, and never whole into memory.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import unquote

from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import (
    DocumentEmpty,
    DocumentError,
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTooLarge,
    StorageError,
    StorageNotFound,
)
from airflow_provider_classify.model.contract import MAX_BYTES

T = TypeVar("T")

_downloading = ContextVar("_downloading", default=False)
# At INFO httpx logs each URL whole, with the signature that gives access to the document.
logging.getLogger("httpx").addFilter(lambda record: not _downloading.get())

#: Seconds without a byte after which a download is given up.
DOWNLOAD_SILENCE = 60.0


@dataclass(frozen=True, slots=True)
class Document:
    """
    Where a document is, as the user wrote it.

    A string without a scheme is a local path; ``http`` and ``https`` are URLs, which the API
    fetches by itself; every other scheme is opened by Airflow's ``ObjectStoragePath``
    (``s3://conn_id@bucket/key``, ``gs://…``, ``file:///…``).
    """

    reference: str

    @property
    def is_url(self) -> bool:
        """Whether the API can fetch it by itself."""
        return self._scheme in ("http", "https")

    @property
    def label(self) -> str:
        """The reference as it may be shown: without the user, password and signature a URL can carry."""
        if not self._scheme:
            return self.reference
        scheme, _, rest = self.reference.partition("://")
        host, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    @property
    def name(self) -> str:
        """The file's own name, for the upload."""
        path = unquote(self.label.partition("://")[2].partition("/")[2]) if self._scheme else self.reference
        return PurePosixPath(path).name or "document"

    def fingerprint(self) -> str:
        """
        Tell this document from every other: the SHA-256 of its bytes, or of a URL's text.

        What is behind a URL may change or cost to fetch, so a URL stands for itself.

        :raises DocumentError: as :meth:`open`.
        """
        if self.is_url:
            return hashlib.sha256(self.reference.encode("utf-8", "surrogateescape")).hexdigest()
        digest = hashlib.sha256()
        with self.open() as stream:
            while piece := stream.read(1024 * 1024):
                digest.update(piece)
        return digest.hexdigest()

    @property
    def _scheme(self) -> str:
        scheme, separator, _ = self.reference.partition("://")
        return scheme.lower() if separator else ""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """
        Open the bytes for reading, after a look at the size.

        :raises DocumentNotFound: nothing is there.
        :raises DocumentEmpty: no bytes.
        :raises DocumentTooLarge: more than the API takes (500 MB).
        :raises DocumentNotReadable: the storage refused or could not be reached, now or at a later read.
        """
        try:
            stream = self._open()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise DocumentNotFound(f"There is no document at {self.label}; check the path.") from error
        except (OSError, ValueError) as error:  # ValueError: a path with a null byte
            raise DocumentNotReadable(
                f"The document {self.label} cannot be read ({error}); check the permissions and the storage connection."
            ) from error
        with stream:
            guarded = cast("BinaryIO", _Guarded(stream, self.label))
            _require_size(guarded, self.label)
            yield guarded

    def _open(self) -> BinaryIO:
        if not self._scheme:
            return Path(self.reference).open("rb")
        try:
            return StoragePath(self.reference).open()
        except StorageNotFound as error:
            raise DocumentNotFound(f"There is no document at {self.label}: {error}") from error
        except StorageError as error:
            raise DocumentNotReadable(f"The document {self.label} cannot be read: {error}") from error

    @contextmanager
    def local_copy(self) -> Iterator[Path]:
        """
        Give a path on this machine: the document's own, or a temporary copy of a remote one.

        :raises DocumentError: as :meth:`open`; a URL that cannot be fetched is not readable.
        """
        if not self._scheme:
            with self.open():
                pass
            yield Path(self.reference)
            return
        with tempfile.TemporaryDirectory(prefix="airflow-classify-") as folder:
            target = Path(folder, "document")  # its own name may be too long for a file, or none at all
            if self.is_url:
                download(self.reference, target, label=self.label)
            else:
                with self.open() as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1024 * 1024)
            yield target


class _Guarded:
    """A stream whose failures name the document: a storage can fail at any read."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream = stream
        self._label = label

    def read(self, size: int = -1) -> bytes:
        return self._calling(self._stream.read, size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._calling(self._stream.seek, offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _calling(self, method: Callable[..., T], *arguments: int) -> T:
        try:
            return method(*arguments)
        except Exception as error:  # each storage client raises kinds of its own
            raise DocumentNotReadable(
                f"The document {self._label} cannot be read to its end ({type(error).__name__}: {error}); "
                "check the storage and its connection."
            ) from error


def _require_size(stream: BinaryIO, label: str) -> None:
    size = stream.seek(0, 2)
    stream.seek(0)
    if size == 0:
        raise DocumentEmpty(f"The document {label} is empty; send it again or leave it out.")
    if size > MAX_BYTES:
        raise too_large(label)


def too_large(label: str) -> DocumentTooLarge:
    """Say that a document has more bytes than the API takes."""
    return DocumentTooLarge(
        f"The document {label} is larger than {MAX_BYTES // 1024**2} MB; split it or send its first pages."
    )


def download(url: str, target: Path, *, label: str) -> None:
    """
    Fetch ``url`` into the file ``target``, as a stream.

    :raises DocumentNotFound: the server says there is none (404, 410).
    :raises DocumentNotReadable: any other answer, or none.
    :raises DocumentEmpty: no bytes came.
    :raises DocumentTooLarge: more bytes than the API takes.
    """
    import httpx

    quiet = _downloading.set(True)
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=DOWNLOAD_SILENCE) as response,
            target.open("wb") as file,
        ):
            if response.status_code >= 400:
                raise _refused(response.status_code, label)
            size = 0
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > MAX_BYTES:
                    raise too_large(label)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a host such as a..b
        raise DocumentNotReadable(
            f"The document {label} cannot be fetched ({type(error).__name__}); check the URL and that its server is up."
        ) from error
    finally:
        _downloading.reset(quiet)
    if size == 0:
        raise DocumentEmpty(f"The document {label} is empty; send it again or leave it out.")


def _refused(status: int, label: str) -> DocumentError:
    if status in (404, 410):
        return DocumentNotFound(f"There is no document at {label} (HTTP {status}); check the URL.")
    return DocumentNotReadable(
        f"The document {label} cannot be fetched (HTTP {status}); check the URL, its signature and its expiry."
    )
