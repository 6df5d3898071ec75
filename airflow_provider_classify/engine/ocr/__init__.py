"""
Read the lines of text in the picture of a page, the most useful ones first.

Lines are detected and recognised by the PP-OCRv6 models of the ``rapidocr`` package (Apache-2.0) with onnxruntime. Not
all lines are recognised, because a page's title and large print are better evidence than its last paragraph.
"""

from __future__ import annotations

from airflow_provider_classify.exceptions import ExtraNotInstalled

try:
    from airflow_provider_classify.engine.ocr.page_image import Picture
    from airflow_provider_classify.engine.ocr.reader import OcrReader, shared_reader
    from airflow_provider_classify.engine.ocr.scale import reading_scale
except ImportError as error:
    raise ExtraNotInstalled(
        f"OCR needs the package {error.name!r}; install airflow-provider-classify[local] where the tasks run."
    ) from error

__all__ = ["OcrReader", "Picture", "reading_scale", "shared_reader"]
