"""Draw the first page of a document as a small picture, for people."""

from __future__ import annotations

from pathlib import Path

import cv2

from airflow_provider_classify.engine.ocr import Picture
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.opened_document import PicturedPage

#: The most pixels of a side. At this size, people can read the body text of a page.
LONGEST_SIDE = 1000
#: The most bytes of a picture. A grey page of text takes about 100 KB.
MAX_BYTES = 200_000
#: The JPEG qualities, tried in this order until the picture is small enough.
_QUALITIES = (60, 40, 20)


def thumbnail(path: Path, *, name: str, longest_side: int = LONGEST_SIDE) -> bytes | None:
    """
    Return a JPEG of the first page, at most 200 KB.

    :param name: the document's name in errors.
    :param longest_side: the most pixels of a side.
    :returns: ``None`` if the document has no pages to draw, such as an e-mail, or if the picture stays too large.
    :raises DocumentError: the document cannot be opened, or its first page cannot be drawn.
    """
    with open_document(path, name=name, max_pages=1) as document:
        page = next(document.pages, None)
        picture = page.picture() if isinstance(page, PicturedPage) else None
    if picture is None or not picture.pixels.size:
        return None
    return _jpeg(picture, longest_side)


def _jpeg(picture: Picture, longest_side: int) -> bytes | None:
    pixels = shrunk(picture, longest_side)
    for quality in _QUALITIES:
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if encoded.size <= MAX_BYTES:
            return bytes(encoded)
    return None


def shrunk(picture: Picture, longest_side: int) -> Pixels:
    """Return the pixels of a picture, shrunk to at most ``longest_side`` pixels a side. It is never enlarged."""
    scale = min(1.0, longest_side / max(picture.width, picture.height))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    pixels: Pixels = cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    return pixels
