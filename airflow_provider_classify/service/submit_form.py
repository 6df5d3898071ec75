"""
Read the form of a submit.

The document is written to the disk while it arrives. The fields stay in memory. python-multipart parses the form.
Starlette's own form reader is not used: it has no size limit, and it keeps the upload in a temporary file, from which
the service would have to copy up to 500 MB.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from airflow_provider_classify.exceptions import DocumentTooLarge
from airflow_provider_classify.service.errors import bad_request, invalid_field, too_large
from airflow_provider_classify.service.upload_folder import Upload

#: The most bytes of a form's text fields together.
MAX_FIELD_BYTES = 4 * 1024 * 1024
#: The most bytes of a multipart form's boundary; RFC 2046 allows 70.
MAX_BOUNDARY_BYTES = 256
#: The most parts or fields of a form.
MAX_PARTS = 100
_DOCUMENT_FIELD = "pdf_file"
_TEXT_FIELDS = ("file_url", "categories", "conditions", "webhook_url")


@dataclass(slots=True)
class SubmitForm:
    """
    The content of a form.

    :param fields: the text fields by name.
    :param upload: the name of the uploaded file, if there is one.
    :param sha256: the SHA-256 of the uploaded file, in hexadecimal.
    :param size: the size of the uploaded file in bytes.
    """

    fields: dict[str, str] = field(default_factory=dict)
    upload: str | None = None
    sha256: str | None = None
    size: int | None = None


async def read_form(
    chunks: AsyncIterable[bytes],
    content_type: str | None,
    create: Callable[[], Upload],
    max_bytes: int,
    *,
    length: int | None = None,
) -> SubmitForm:
    """
    Read a form from the ``chunks`` of the body. It is URL-encoded or multipart.

    :param create: opens the file for the document. The file is committed when this function returns, and discarded if
        it raises an error.
    :param max_bytes: the most bytes of the document.
    :param length: the length of the body in bytes, if the client has sent it.
    :raises HttpError: 400 for a malformed form, 413 if the document or the fields are too large, 422 for text as
        ``pdf_file``.
    :raises StorageFull: there is no space for the document.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    reader: _Reader
    if kind == b"multipart/form-data" and boundary:
        if len(boundary) > MAX_BOUNDARY_BYTES:
            raise bad_request(f"The form's boundary is longer than {MAX_BOUNDARY_BYTES} bytes")
        reader = _MultipartReader(boundary, create, max_bytes)
    elif kind == b"application/x-www-form-urlencoded":
        reader = _UrlencodedReader()
    else:
        raise bad_request(
            "Send the form as multipart/form-data with a boundary, or as application/x-www-form-urlencoded"
        )
    try:
        # In a thread, so that a slow disk delays only this upload. One call handles both the last piece and the end.
        received = 0
        async for chunk in chunks:
            received += len(chunk)
            if received == length:
                return await run_in_threadpool(_finish, reader, chunk)
            await run_in_threadpool(reader.feed, chunk)
        return await run_in_threadpool(reader.finish)
    except BaseException:
        await run_in_threadpool(reader.discard)
        raise


def _finish(reader: _Reader, last: bytes) -> SubmitForm:
    reader.feed(last)
    return reader.finish()


class _Reader(Protocol):
    def feed(self, chunk: bytes) -> None: ...

    def finish(self) -> SubmitForm: ...

    def discard(self) -> None: ...


class _UrlencodedReader:
    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > MAX_FIELD_BYTES:
            raise too_large("The form", MAX_FIELD_BYTES)

    def finish(self) -> SubmitForm:
        try:
            pairs = parse_qsl(self._body.decode(), keep_blank_values=True, max_num_fields=MAX_PARTS)
        except ValueError as error:
            raise bad_request("The form is not well-formed application/x-www-form-urlencoded text") from error
        fields: dict[str, str] = {}
        for name, value in pairs:
            if name in fields:
                raise bad_request(f"Provide one {name}, not several")
            if name in _TEXT_FIELDS:
                fields[name] = value
        return SubmitForm(fields)

    def discard(self) -> None:
        self._body.clear()


class _MultipartReader:
    """
    Reads a multipart form with the callbacks of python-multipart.

    Parts with unknown names are skipped. A file part with an empty file name has no document: browsers send it for an
    empty file field.
    """

    def __init__(self, boundary: bytes, create: Callable[[], Upload], max_bytes: int) -> None:
        self._create = create
        self._max_bytes = max_bytes
        self._form = SubmitForm()
        self._texts: dict[str, bytearray] = {}
        self._document: Upload | None = None
        self._write: Callable[[bytes], None] | None = None
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._received = 0
        self._parts = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_end": self._on_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._max_bytes + 2 * MAX_FIELD_BYTES:
            raise too_large("The form", self._max_bytes)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise bad_request("The form is not well-formed multipart/form-data") from error
        except DocumentTooLarge as error:
            raise too_large("The document", self._max_bytes) from error

    def finish(self) -> SubmitForm:
        if not self._ended:
            raise bad_request("The form ends before its last part does")
        for name, text in self._texts.items():
            self._form.fields[name] = text.decode(errors="replace")
        if self._document:
            self._document.commit()
            self._form.sha256 = self._document.sha256
            self._form.size = self._document.size
        return self._form

    def discard(self) -> None:
        if self._document:
            self._document.discard()

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise bad_request(f"The form has more than {MAX_PARTS} parts")
        self._disposition = b""
        self._write = None

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = _text(options.get(b"name", b""))
        if name == _DOCUMENT_FIELD:
            if b"filename" not in options:
                raise invalid_field(name, "value_error", "Expected a file, received a text")
            if options[b"filename"]:
                self._open(_text(options[b"filename"]))
        elif name in _TEXT_FIELDS:
            if name in self._texts:
                raise bad_request(f"Provide one {name}, not several")
            self._texts[name] = bytearray()
            self._write = self._texts[name].extend

    def _open(self, file_name: str) -> None:
        if self._document:
            raise bad_request("Provide one pdf_file, not several")
        self._form.upload = file_name
        self._document = self._create()
        self._write = self._document.write

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._write:
            self._write(data[start:end])
            if sum(map(len, self._texts.values())) > MAX_FIELD_BYTES:
                raise too_large("The form's text", MAX_FIELD_BYTES)

    def _on_end(self) -> None:
        self._ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
