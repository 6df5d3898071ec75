"""Download the recognition models of ``rapidocr`` for scripts that the package's own models do not know."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from airflow_provider_classify.engine.ocr.script_models import MODEL_NAMES
from airflow_provider_classify.exceptions import ExtraNotInstalled, OcrModelNotFetched


def listed_models() -> Mapping[str, Mapping[str, Any]]:
    """Return the recognition models that ``rapidocr`` lists by name, each with its URL and hash."""
    text = files("rapidocr").joinpath("default_models.yaml").read_text(encoding="utf-8")
    models: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)["onnxruntime"]["PP-OCRv5"]["rec"]
    return models


def fetch_ocr_models(
    folder: Path, scripts: Sequence[str] = (), models: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Path]:
    """
    Download the models of scripts to a folder, and yield the file of each. A file that is complete is kept.

    :param scripts: the names of the scripts; all scripts that have a model if empty.
    :param models: the models by name, as :func:`listed_models` returns them; those of ``rapidocr`` if None.
    :raises ExtraNotInstalled: the ``local`` extra is not installed.
    :raises OcrModelNotFetched: no script has this name, a model cannot be downloaded, or the downloaded file is not the
        listed one.
    """
    unknown = [script for script in scripts if script not in MODEL_NAMES]
    if unknown:
        raise OcrModelNotFetched(f"There is no OCR model of {unknown[0]!r}; name some of {', '.join(MODEL_NAMES)}.")
    try:
        from rapidocr.utils.download_file import DownloadFile, DownloadFileInput
    except ImportError as error:
        raise ExtraNotInstalled(
            f"Fetching OCR models needs the package {error.name!r}; install airflow-provider-classify[local]."
        ) from error
    log = logging.getLogger(__name__)
    for script in scripts or MODEL_NAMES:
        name = MODEL_NAMES[script]
        file = folder / f"{name}.onnx"
        try:
            model = (models or listed_models())[name]
            url, digest = model["model_dir"], model["SHA256"]
            DownloadFile.run(DownloadFileInput(url, file, log, digest, verbose=False))
            is_complete = DownloadFile.check_file_sha256(file, digest)
        except Exception as error:  # errors of HTTP, of the network, of the disk, or of the list of models
            raise OcrModelNotFetched(
                f"The OCR model {name} could not be downloaded ({type(error).__name__}); check the network, and that "
                f"the folder {str(folder)!r} can be written."
            ) from error
        if not is_complete:
            raise OcrModelNotFetched(
                f"The downloaded file {str(file)!r} is not the OCR model {name}; delete it, and run the command again."
            )
        yield file
