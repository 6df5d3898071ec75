"""The picture of a document's first page, for reviews and for the page with the documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.local.engine_extra import require_engine

#: The most seconds to draw a page.
MAX_SECONDS = 60.0

log = logging.getLogger(__name__)


#: The most pixels of a side on the page with many documents. Such a picture has 10 to 50 KB.
SMALL = 560


def small_first_page(result: Mapping[str, Any]) -> str | None:
    """
    Return a small picture of the first page, as :func:`first_page` does.

    :returns: ``None`` also if ``[classify] thumbnails`` is off.
    """
    from airflow.providers.common.compat.sdk import conf

    if not conf.getboolean("classify", "thumbnails", fallback=True):
        return None
    return first_page(result, longest_side=SMALL)


def first_page(result: Mapping[str, Any], *, longest_side: int | None = None) -> str | None:
    """
    Return a picture of the first page of a result's document, as a JPEG in Base64.

    :param longest_side: the most pixels of a side; ``None`` for enough to read the page.
    :returns: ``None`` if there is no picture: the document consists of text or cannot be read, or the extra ``local``
        is not installed. The log says why.
    """
    reference = result.get("document")
    if not isinstance(reference, str):
        return None
    try:
        require_engine(", to draw the document")
        from airflow_provider_classify.engine.sandbox.pool import EngineProcess

        document = Document.of(reference)
        with document.local_copy() as path, EngineProcess(EngineOptions(seconds=MAX_SECONDS)) as engine:
            return engine.thumbnail(path, name=document.label, longest_side=longest_side)
    except ClassifyError as error:
        log.info("There is no picture of the document: %s", error)
        return None
