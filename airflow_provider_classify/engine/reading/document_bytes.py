"""Provide the bytes of a document, which is a file or is nested in another document."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from airflow_provider_classify.engine.options import OcrMode
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentNotFound, DocumentNotReadable
from airflow_provider_classify.model import api_contract

#: The number of bytes at the beginning and at the end of a document that are read to find its format.
HEAD_BYTES, TAIL_BYTES = 4096, 2048


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """
    How a document and the documents in it are read; :func:`open_document` describes the fields.

    :param depth: the number of documents, such as mails, that this one is nested in.
    """

    max_pages: int = api_contract.MAX_PAGES
    threads: int | None = None
    ocr: OcrMode = "auto"
    ocr_models: Path | None = None
    depth: int = 0

    def deeper(self) -> ReadingOptions:
        """Return the options for a document that is nested in this one."""
        return replace(self, depth=self.depth + 1)


@dataclass(frozen=True, slots=True)
class Source:
    """
    The bytes of a document.

    :param name: the document's name in errors.
    :param content: the path of its file, or its bytes.
    """

    name: str
    content: Path | bytes = field(repr=False)

    def open(self) -> BinaryIO:
        """Open the document as a binary file."""
        return BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def path_or_file(self) -> Path | BinaryIO:
        """Return the path of the file, or a file in memory; for parsers that take both."""
        return self.content if isinstance(self.content, Path) else self.open()

    def size(self) -> int:
        """Return the number of bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def read(self, limit: int) -> bytes:
        """Return the first bytes, at most ``limit`` of them."""
        with self.open() as file:
            return file.read(limit)

    def tail(self) -> bytes:
        """Return the last bytes, at most ``TAIL_BYTES`` of them."""
        with self.open() as file:
            file.seek(max(0, self.size() - TAIL_BYTES))
            return file.read(TAIL_BYTES)

    def head(self) -> bytes:
        """
        Return the first bytes, at most ``HEAD_BYTES`` of them.

        :raises DocumentNotFound: there is no such file.
        :raises DocumentNotReadable: it is a folder, or the system refuses to read it.
        :raises DocumentEmpty: it has no bytes.
        """
        try:
            head = self.read(HEAD_BYTES)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DocumentNotFound(f"The document {self.name!r} is not there; check its path.") from error
        except OSError as error:
            raise DocumentNotReadable(
                f"The document {self.name!r} cannot be read ({error.strerror}); "
                "check that it is a file and its permissions."
            ) from error
        if not head:
            raise DocumentEmpty(f"The document {self.name!r} has no bytes; check how it was written or uploaded.")
        return head
