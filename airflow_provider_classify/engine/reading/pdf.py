"""Open PDFs. If a PDF is a portfolio, open the first document in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.mupdf import mupdf_file, pages_of
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.pdf_catalogue import Catalogue
from airflow_provider_classify.engine.reading.pdf_embedded import embedded_files, open_portfolio, with_declaration
from airflow_provider_classify.engine.reading.pdf_placeholder import (
    refuse_encryption,
    refuse_placeholder,
    refuse_wrapper,
)
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt


@contextmanager
def open_pdf(source: Source, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """
    Open a PDF. If it is a portfolio, open the first document in it.

    :raises DocumentEncrypted: it asks for a password, or is encrypted for a certificate or by rights management.
    :raises DocumentPlaceholder: it is a dynamic XFA form, or a portfolio without a document that can be read.
    :raises DocumentCorrupt: it is damaged.
    """
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(mupdf_file(source, Format.PDF))
        except DocumentCorrupt:
            refuse_encryption(source)
            raise
        catalogue = Catalogue(opened)
        embedded = embedded_files(opened) if catalogue.has("Names") else []
        refuse_wrapper(catalogue, embedded, source.name)
        if catalogue.has("Collection"):
            yield stack.enter_context(open_portfolio(opened, embedded, source, options))
            return
        document = pages_of(
            opened,
            source.name,
            Format.PDF,
            options,
            check_only_page=partial(refuse_placeholder, catalogue, source.name),
        )
        yield with_declaration(document, opened, embedded)
