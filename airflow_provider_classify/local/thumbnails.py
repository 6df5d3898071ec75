"""The picture of a document's first page, for the review of its result."""

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


def first_page(result: Mapping[str, Any]) -> str | None:
    """
    Return a picture of the first page of a result's document, as a JPEG in Base64.

    :returns: ``None`` if there is no picture: the document consists of text or cannot be read, or the extra ``local``
        is not installed. The log says why.
    """
    reference = result.get("document")
    if not isinstance(reference, str):
        return None
    try:
        require_engine(", so that the review can show the document")
        from airflow_provider_classify.engine.sandbox.pool import EngineProcess

        document = Document.of(reference)
        with document.local_copy() as path, EngineProcess(EngineOptions(seconds=MAX_SECONDS)) as engine:
            return engine.thumbnail(path, name=document.label)
    except ClassifyError as error:
        log.info("The review has no picture of the document: %s", error)
        return None
