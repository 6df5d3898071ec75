"""
Simulate scans of documents with a text layer, and read them by OCR.

In the labelled documents, most contracts and reports have a text layer, and most receipts are photographs. From these
documents alone, a model would learn that a scanned page is probably a receipt.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image

from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, PicturedPage
from airflow_provider_classify.exceptions import DocumentError
from training import degradations
from training.degradations import DEGRADATIONS, JPEG_QUALITY
from training.documents import CACHE, READING, Labelled, ReadDocument, in_processes, read_now
from training.page_cache import cached

#: The most pages of a document that are scanned.
_PAGES = 2
#: A scan in colour that is not degraded, beside the degradations, which are all in greys.
_COLOUR = "colour"
#: The quality of the JPEG images in a scan, from 0 to 100, unless its degradation has its own.
_QUALITY = 75
#: The width of a page of a scan in points, that of A4.
_WIDTH = 595
#: What the cached scans depend on.
_PARTS = (*READING, __file__, degradations.__file__)


def read_scans(documents: Sequence[Labelled]) -> list[ReadDocument | None]:
    """Read simulated scans of documents, in several processes or from the cache; None for one without a text layer."""
    return in_processes(_read, documents, " as scans")


def _read(path: Path) -> ReadDocument | None:
    return cached(CACHE, _PARTS, path, simulated)


def simulated(path: Path) -> ReadDocument | None:
    """Read a simulated scan of a document without the cache; None if it has no scan (see :func:`scan_of`)."""
    content = scan_of(path)
    if content is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder, "scan.pdf")
        scan.write_bytes(content)
        return read_now(scan)


def scan_of(path: Path) -> bytes | None:
    """
    Return a simulated scan of the first pages of a document, as a PDF of images.

    The content of the file decides how the scan is degraded, so a second run gives the same scan.

    :returns: None if the document cannot be read, or if its first page has no text layer or no picture.
    """
    seed = int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16)
    ways = [_COLOUR, *DEGRADATIONS]
    way, random = ways[seed % len(ways)], np.random.default_rng(seed)
    try:
        with open_document(path, name=path.name, threads=1) as document, pymupdf.open() as pdf:
            for picture in islice(_pictures(document), _PAGES):
                page = picture
                if way != _COLOUR:
                    page = DEGRADATIONS[way](cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8), random)
                _add_page(pdf, page, JPEG_QUALITY.get(way, _QUALITY))
            return bytes(pdf.tobytes()) if pdf.page_count else None
    except DocumentError:
        return None


def _pictures(document: OpenedDocument) -> Iterator[NDArray[np.uint8]]:
    """Yield the pages in red, green and blue, until a page has no text layer or no picture."""
    for reading in document.pages:
        if not isinstance(reading, PicturedPage):
            return
        page = reading.without_ocr()
        picture = reading.picture() if page is not None and page.lines else None
        if picture is None or not picture.pixels.size:
            return
        yield np.ascontiguousarray(picture.pixels[:, :, ::-1])


def _add_page(pdf: pymupdf.Document, pixels: NDArray[np.uint8], quality: int) -> None:
    image = io.BytesIO()
    Image.fromarray(pixels).save(image, "JPEG", quality=quality)
    page = pdf.new_page(width=_WIDTH, height=_WIDTH * pixels.shape[0] / pixels.shape[1])
    page.insert_image(page.rect, stream=image.getvalue())
