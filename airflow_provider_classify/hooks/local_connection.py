"""Read the settings of the local engine from an Airflow connection of type ``classify``."""

from __future__ import annotations

from airflow_provider_classify.engine.options import ATTACHMENT_MODES, OCR_MODES
from airflow_provider_classify.hooks.extras import Extras
from airflow_provider_classify.local.settings import DOCUMENT_TIMEOUT, LocalSettings
from airflow_provider_classify.model.api_contract import MAX_PAGES


def local_settings(conn_id: str, extras: Extras) -> LocalSettings:
    """Return the settings. :raises ConnectionNotUsable: a field is wrong."""
    return LocalSettings(
        conn_id=conn_id,
        evidence=extras.flag("evidence", default=True),
        document_timeout=extras.positive("document_timeout") or DOCUMENT_TIMEOUT,
        max_pages=extras.pages("max_pages") or MAX_PAGES,
        ocr=extras.choice("ocr", OCR_MODES) or "auto",
        attachments=extras.choice("attachments", ATTACHMENT_MODES) or "ignore",
    )
