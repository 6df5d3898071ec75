"""Open a document, or a document that is nested in another one, with the module that reads its format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_classify.engine.reading.container_format import format_in_container
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Container, Format, detect_format
from airflow_provider_classify.exceptions import DocumentCorrupt

#: The most levels of documents within documents that are opened.
MAX_DEPTH = 5


@contextmanager
def open_source(source: Source, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """Open a document; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    if options.depth > MAX_DEPTH:
        raise DocumentCorrupt(
            f"The document {source.name!r} is within more than {MAX_DEPTH} others; give it separately."
        )
    kind = detect_format(source)
    if isinstance(kind, Container):
        kind = format_in_container(kind, source)
    # The libraries for a format are imported when its first document is opened.
    match kind:
        case Format.PDF:
            from airflow_provider_classify.engine.reading.pdf import open_pdf

            with open_pdf(source, options) as document:
                yield document
        case Format.HTML:
            from airflow_provider_classify.engine.reading.mupdf import open_with_mupdf

            with open_with_mupdf(source, kind, options) as document:
                yield document
        case Format.DOCX | Format.PPTX | Format.XLSX | Format.OPEN_DOCUMENT:
            from airflow_provider_classify.engine.reading.office import open_office

            with open_office(source, kind, options) as document:
                yield document
        case Format.IMAGE:
            from airflow_provider_classify.engine.reading.images import open_image

            with open_image(source, options) as document:
                yield document
        case Format.SIGNED:
            from airflow_provider_classify.engine.reading.signed_document import MAX_SIGNED_BYTES, signed_content

            content = signed_content(source.read(MAX_SIGNED_BYTES), source.name)
            with open_source(Source(source.name, content), options.deeper()) as document:
                yield document
        case Format.EMAIL:
            from airflow_provider_classify.engine.reading.eml import open_email

            yield open_email(source, options)
        case Format.OUTLOOK:
            from airflow_provider_classify.engine.reading.outlook import open_outlook

            yield open_outlook(source, options)
        case Format.TEXT:
            from airflow_provider_classify.engine.reading.plain_text import open_text

            yield open_text(source, options)
        case Format.XML:
            from airflow_provider_classify.engine.reading.xml_text import open_xml

            yield open_xml(source, options)
        case Format.RTF:
            from airflow_provider_classify.engine.reading.rtf import open_rtf

            yield open_rtf(source, options)
