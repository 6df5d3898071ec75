"""The options of the local engine: what a connection and ``[classify]`` in Airflow's configuration say."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.local.model_hub import find_sentence_model
from airflow_provider_classify.local.settings import LocalSettings


def engine_options(settings: LocalSettings) -> EngineOptions:
    """
    Return the options of the engine for a connection.

    :raises ExtraNotInstalled: a sentence model is set, and the ``sentences`` extra is missing.
    :raises SentenceModelNotUsable: there is no such sentence model.
    """
    return EngineOptions(
        seconds=settings.document_timeout,
        max_pages=settings.max_pages,
        document_types=own_document_types(),
        sentence_model=sentence_model(),
        ocr=settings.ocr,
        attachments=settings.attachments,
    )


def own_document_types() -> Path | None:
    """Return the folder of the user's own document types, ``[classify] document_types``, if it is set."""
    folder = conf.get("classify", "document_types", fallback="")
    return Path(folder).expanduser() if folder else None


def sentence_model() -> Path | None:
    """
    Return the folder of the sentence model that ``[classify] sentence_model`` names, if it is set.

    :raises ExtraNotInstalled: the ``sentences`` extra is missing.
    :raises SentenceModelNotUsable: there is no such model.
    """
    name = conf.get("classify", "sentence_model", fallback="")
    return find_sentence_model(name) if name else None
