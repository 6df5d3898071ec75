"""Draw the first page of a document, for reviews and for the page with the documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.local.engine_extra import require_engine

#: The most seconds for drawing a page.
MAX_SECONDS = 60.0

#: The most pixels of a side of a small picture. It takes 10 to 50 KB.
SMALL_SIDE = 560

log = logging.getLogger(__name__)


def small_first_page(result: Mapping[str, Any]) -> str | None:
    """
    Return a small picture of the first page; see :func:`first_page`.

    :returns: ``None`` also if ``[classify] thumbnails`` is False.
    """
    from airflow.providers.common.compat.sdk import conf

    if not conf.getboolean("classify", "thumbnails", fallback=True):
        return None
    return first_page(result, longest_side=SMALL_SIDE)


def first_page(result: Mapping[str, Any], *, longest_side: int | None = None) -> str | None:
    """
    Return a picture of the first page of a result's document, as a JPEG in Base64.

    :param longest_side: the most pixels of a side; ``None`` for a picture in which people can read the page.
    :returns: ``None`` if the document has no pages to draw or cannot be read, or if the extra ``local`` is not
        installed. The log says why a page could not be drawn.
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
