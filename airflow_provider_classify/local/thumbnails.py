"""Draw the first page of a document, for reviews and for the page in Airflow's UI."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.options import SMALL_SIDE, EngineOptions
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.local.engine_extra import require_engine

if TYPE_CHECKING:
    from airflow_provider_classify.engine.sandbox.pool import EngineProcess

#: The most seconds for drawing a page.
MAX_SECONDS = 60.0

_NO_PICTURE = "There is no picture of the document: %s"

log = logging.getLogger(__name__)


def small_first_page(result: Mapping[str, Any]) -> str | None:
    """Return a small picture of the first page; see :func:`first_page`."""
    return first_page(result, longest_side=SMALL_SIDE)


def draw_small(engine: EngineProcess, path: Path, label: str) -> str | None:
    """
    Return a small picture of the first page, drawn by a process that has read the document already.

    :returns: ``None`` as in :func:`first_page`.
    """
    try:
        return engine.thumbnail(path, name=label, longest_side=SMALL_SIDE)
    except ClassifyError as error:
        log.info(_NO_PICTURE, error)
        return None


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
        log.info(_NO_PICTURE, error)
        return None
