"""Write each document of a packet to its own PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image

from airflow_provider_classify.engine.reading.container_format import format_in_container
from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.images import open_frames
from airflow_provider_classify.engine.reading.mupdf import mupdf_file
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS, damage
from airflow_provider_classify.engine.reading.signed_document import MAX_SIGNED_BYTES, signed_content
from airflow_provider_classify.engine.reading.sniffing import Container, Format, detect_format
from airflow_provider_classify.exceptions import DocumentNotSplittable

#: The resolution, in pixels per inch, that is used for an image whose file has none, or has one below _MIN_RESOLUTION.
_RESOLUTION, _MIN_RESOLUTION = 150.0, 30.0
_POINTS_PER_INCH = 72


def split_file(path: Path, targets: Sequence[tuple[Path, Sequence[int]]], *, name: str, page_count: int) -> None:
    """
    Write documents of a file as PDFs. The pages of a PDF are copied. The frames of an image are drawn without loss.

    :param targets: for each document the file to write, and the numbers of its pages.
    :param name: the file's name in errors.
    :param page_count: the number of pages that were classified.
    :raises DocumentNotSplittable: the file is neither a PDF nor an image, or it has more pages than were classified.
    :raises DocumentError: as :func:`~airflow_provider_classify.engine.reading.open_document`.
    """
    _split(Source(name, path), targets, page_count)


def _split(source: Source, targets: Sequence[tuple[Path, Sequence[int]]], page_count: int) -> None:
    kind = detect_format(source)
    if isinstance(kind, Container):
        kind = format_in_container(kind, source)
    match kind:
        case Format.PDF:
            with mupdf_file(source, kind) as opened:
                _require_all_pages(opened.page_count, page_count, source.name)
                _write_each(opened, targets, source.name)
        case Format.IMAGE:
            with open_frames(source) as (image, count), pymupdf.open() as drawn:
                _require_all_pages(count, page_count, source.name)
                for number in range(count):
                    image.seek(number)
                    _draw(image, drawn)
                _write_each(drawn, targets, source.name)
        case Format.SIGNED:
            content = signed_content(source.read(MAX_SIGNED_BYTES), source.name)
            _split(Source(source.name, content), targets, page_count)
        case other:
            raise DocumentNotSplittable(
                f"The document {source.name!r} has the format {other.value}, which cannot be split; "
                "give a PDF or an image."
            )


def _require_all_pages(found: int, classified: int, name: str) -> None:
    if found > classified:
        raise DocumentNotSplittable(
            f"The document {name!r} has {found} pages, of which {classified} were classified; set max_pages to all."
        )


def _write_each(opened: Any, targets: Sequence[tuple[Path, Sequence[int]]], name: str) -> None:
    try:
        for target, pages in targets:
            with pymupdf.open() as document:
                for number in pages:
                    document.insert_pdf(opened, from_page=number - 1, to_page=number - 1)
                document.save(target, garbage=3, deflate=True)
    except MUPDF_ERRORS as error:
        raise damage(error, f"The document {name!r}") from error


def _draw(image: Image.Image, drawn: Any) -> None:
    """Draw the current frame of an image on a new page, at the size at which it would be printed."""
    across, down = (_resolution(value) for value in image.info.get("dpi", (_RESOLUTION, _RESOLUTION)))
    width, height = image.width * _POINTS_PER_INCH / across, image.height * _POINTS_PER_INCH / down
    encoded = io.BytesIO()
    (image if image.mode in ("1", "L", "RGB") else image.convert("RGB")).save(encoded, "PNG")
    page = drawn.new_page(width=width, height=height)
    page.insert_image(page.rect, stream=encoded.getvalue())


def _resolution(value: Any) -> float:
    resolution = float(value)
    return resolution if resolution >= _MIN_RESOLUTION else _RESOLUTION
