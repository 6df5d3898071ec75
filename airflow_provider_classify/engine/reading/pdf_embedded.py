"""Find the files within a PDF: the documents of a portfolio, and e-invoices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from pymupdf import mupdf

from airflow_provider_classify.engine.reading import dispatch
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.exceptions import DocumentError, DocumentPlaceholder

#: The most embedded files that are examined, and the most bytes that one may unpack to.
_MAX_EMBEDDED, _MAX_EMBEDDED_BYTES = 200, 64 * 1024**2
#: Where the trailer of a PDF lists the embedded files, each as its name and its file specification.
_NAMES = "Root/Names/EmbeddedFiles/Names"
#: The most embedded files that are examined for an e-invoice, and the most bytes that one takes in the PDF.
_MAX_INVOICES, _MAX_PACKED_INVOICE = 10, 1024**2
#: The suffixes of the files of a portfolio that are tried before all others. The first suffix is tried first.
_PORTFOLIO_SUFFIXES = (".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".rtf", ".html", ".htm", ".txt", ".eml", ".msg")


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """
    A file within a PDF.

    :param size: the bytes that it unpacks to, as the PDF says.
    :param packed_size: the bytes that it takes in the PDF.
    """

    number: int
    name: str
    size: int
    packed_size: int


def embedded_files(opened: Any) -> list[EmbeddedFile]:
    """Return the first files within a PDF; none if it is damaged."""
    try:
        count = min(opened.embfile_count(), _MAX_EMBEDDED)
        infos = [(number, opened.embfile_info(number)) for number in range(count)]
    except MUPDF_ERRORS:
        return []
    return [
        EmbeddedFile(
            number,
            info.get("ufilename") or info.get("filename") or info["name"],
            info.get("size") or 0,
            info.get("length") or 0,
        )
        for number, info in infos
    ]


@contextmanager
def open_portfolio(
    opened: Any, embedded: Sequence[EmbeddedFile], source: Source, options: ReadingOptions
) -> Iterator[OpenedDocument]:
    """
    Open the first PDF of a portfolio, or else the first other document. Skip files that cannot be opened.

    :raises DocumentPlaceholder: none of its files can be opened.
    """
    with ExitStack() as stack:
        for file in sorted(embedded, key=_preference):
            try:
                content = _content(opened, file)
                inner = Source(f"{source.name}/{file.name}", content)
                document = stack.enter_context(dispatch.open_source(inner, options.deeper()))
            except (*MUPDF_ERRORS, DocumentError):
                continue
            yield replace(document, read_from=file.name)
            return
    raise DocumentPlaceholder(
        f"The document {source.name!r} is a PDF portfolio without a document that can be read; "
        "save the files in it, and give those."
    )


def _preference(file: EmbeddedFile) -> tuple[int, int]:
    suffix = PurePath(file.name).suffix.lower()
    rank = 0 if suffix == _PORTFOLIO_SUFFIXES[0] else 1 if suffix in _PORTFOLIO_SUFFIXES else 2
    return rank, file.number


def _content(opened: Any, file: EmbeddedFile) -> bytes:
    """
    Unpack a file, but no more of it than the limit, because the size that the PDF declares may be wrong.

    :raises ValueError: it unpacks to more bytes than the limit.
    :raises Exception: one of ``MUPDF_ERRORS``; it is damaged.
    """
    if file.size <= _MAX_EMBEDDED_BYTES:
        names = mupdf.pdf_dict_getp(mupdf.pdf_trailer(mupdf.PdfDocument(opened.this)), _NAMES)
        packed = mupdf.pdf_dict_getp(mupdf.pdf_array_get(names, 2 * file.number + 1), "EF/F")
        stream = mupdf.pdf_open_stream(packed)
        limited = mupdf.fz_open_null_filter(stream, _MAX_EMBEDDED_BYTES + 1, mupdf.fz_tell(stream))
        content = bytes(mupdf.fz_buffer_extract_copy(mupdf.fz_read_all(limited, 0)))
        if len(content) <= _MAX_EMBEDDED_BYTES:
            return content
    raise ValueError(f"{file.name!r} is too large")


def with_declaration(document: OpenedDocument, opened: Any, embedded: Sequence[EmbeddedFile]) -> OpenedDocument:
    """Return the document with the type that an e-invoice embedded in it declares (ZUGFeRD, Factur-X)."""
    invoices = [
        file for file in embedded if file.name.lower().endswith(".xml") and file.packed_size <= _MAX_PACKED_INVOICE
    ]
    if not invoices:
        return document
    # Imported only for such PDFs, because importing lxml takes as long as reading ten pages.
    from airflow_provider_classify.engine.reading.safe_xml import parse_xml
    from airflow_provider_classify.engine.reading.xml_text import declaration

    for file in invoices[:_MAX_INVOICES]:
        try:
            found = declaration(parse_xml(_content(opened, file)))
        except (*MUPDF_ERRORS, ValueError):
            continue
        if found:
            return replace(document, declared_type=found.type_name, declared_by=f"{file.name}: {found.root}")
    return document
