"""Read the text of Rich Text Format (RTF) with striprtf, without its layout."""

from __future__ import annotations

import re

from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.plain_text import text_document
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, ExtraNotInstalled

#: The most bytes of a file that are read, and of its text after the pictures are removed.
MAX_RTF_BYTES, MAX_RTF_TEXT_BYTES = 32 * 1024**2, 1024**2
#: Long runs of hexadecimal digits, in which RTF stores pictures.
_PICTURE_DATA = re.compile(rb"[0-9a-fA-F\s]{1000,}+")


def open_rtf(source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Open an RTF file.

    :raises DocumentCorrupt: it is damaged.
    :raises DocumentEmpty: it has no text.
    """
    text = rtf_text(source.read(MAX_RTF_BYTES), source.name)
    return text_document(text, Format.RTF, name=source.name, max_pages=options.max_pages)


def rtf_text(data: bytes, name: str) -> str:
    """
    Return the text of RTF.

    :raises DocumentCorrupt: it is damaged.
    """
    try:
        from striprtf.striprtf import rtf_to_text
    except ImportError as error:
        raise ExtraNotInstalled(
            "Reading RTF needs striprtf; install airflow-provider-classify[local] where the tasks run."
        ) from error
    try:
        # RTF is ASCII; other characters are escaped, in the code page that the file names.
        source = _PICTURE_DATA.sub(b" ", data)[:MAX_RTF_TEXT_BYTES].decode("latin-1")
        text = rtf_to_text(source, errors="replace")
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DocumentCorrupt(
            f"The document {name!r} is damaged RTF; open it in its application and save it again."
        ) from error
    # striprtf separates the cells of a table by bars.
    return str(text).encode("utf-8", errors="replace").decode().replace("|", "  ")
