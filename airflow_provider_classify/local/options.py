"""The options of the local engine, from a connection and from ``[classify]`` in Airflow's configuration."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.local.model_hub import find_sentence_model
from airflow_provider_classify.local.settings import LocalSettings


def engine_options(settings: LocalSettings) -> EngineOptions:
    """
    Return the options of the engine for a connection.

    :raises ExtraNotInstalled: a sentence model is set, and the ``sentences`` extra is not installed.
    :raises SentenceModelNotUsable: the sentence model cannot be found or downloaded.
    """
    return EngineOptions(
        seconds=settings.document_timeout,
        max_pages=settings.max_pages,
        document_types=own_document_types(),
        sentence_model=sentence_model(),
        model=learned_model(),
        ocr_models=ocr_models(),
        ocr=settings.ocr,
        attachments=settings.attachments,
    )


def own_document_types() -> Path | None:
    """Return the folder of ``[classify] document_types``; ``None`` if it is not set."""
    folder = conf.get("classify", "document_types", fallback="")
    return Path(folder).expanduser() if folder else None


def learned_model() -> Path | None:
    """Return the file of ``[classify] model``; ``None`` if it is not set, so that the package's own model is used."""
    file = conf.get("classify", "model", fallback="")
    return Path(file).expanduser() if file else None


def ocr_models() -> Path | None:
    """Return the folder of ``[classify] ocr_models``; ``None`` if it is not set."""
    folder = conf.get("classify", "ocr_models", fallback="")
    return Path(folder).expanduser() if folder else None


def sentence_model() -> Path | None:
    """
    Return the folder of the model of ``[classify] sentence_model``; ``None`` if it is not set.

    :raises ExtraNotInstalled: the ``sentences`` extra is not installed.
    :raises SentenceModelNotUsable: the model cannot be found or downloaded.
    """
    name = conf.get("classify", "sentence_model", fallback="")
    return find_sentence_model(name) if name else None
