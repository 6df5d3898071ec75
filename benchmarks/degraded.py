"""
Measure the accuracy of the engine on the documents of the tests, after a simulated print and scan.

    python -m benchmarks.degraded [--all]

Each document is drawn as a page, in print or typewritten, and degraded as scanners, photocopiers, faxes and phones
do. The table compares the scans with the same documents as text, whose accuracy is the upper limit. Each document gets
one degradation. With ``--all`` it gets each of them in turn, which takes seven times as long.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.written import NONE, Written, as_document, written_documents
from training.degradations import DEGRADATIONS, JPEG_QUALITY, Pixels

#: The width and height of each shape in points.
SIZES = {"page": (595, 842), "scan": (595, 842), "slide": (720, 405), "card": (243, 153), "slip": (226, 620)}
#: Small shapes have smaller text, in points, and a higher resolution, in dots per inch.
TEXT_SIZE = {"slide": 14.0, "card": 6.5, "slip": 8.5}
DPI = {"card": 450, "slip": 250}
LATIN_FONTS = ("helv", "tiro", "cour", "tibo")
FALLBACK_FONT = "china-s"
_FOREIGN = re.compile("[\u0370-\u1fff\u2e80-\uffef]")
#: Languages whose letters the fonts and the OCR models lack.
UNREAD_LANGUAGES = ("ar", "he", "hi", "ko", "th")
SURE = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    documents = list(written_documents())
    names = list(DEGRADATIONS)
    tasks = [
        (number, name)
        for number, document in enumerate(documents)
        if document.language not in UNREAD_LANGUAGES
        for name in (names if options.all else names[number % len(names) :][:1])
    ]
    with ProcessPoolExecutor(available_cores()) as processes:
        scans = list(processes.map(_classify, tasks, chunksize=4))
    print(f"{'degradation':<14} {'text':>7} {'scan':>7}   sure and wrong")
    for name in [*names, "all"]:
        rows = [
            (documents[number], as_text(number), scan)
            for (number, degradation), scan in zip(tasks, scans, strict=True)
            if name in (degradation, "all")
        ]
        known = [row for row in rows if row[0].category != NONE]
        text, scan = (sum(row[n].classification == row[0].category for row in known) / len(known) for n in (1, 2))
        wrong = [row for row in rows if row[2].confidence >= SURE and row[2].classification != row[0].category]
        print(f"{name:<14} {text:7.1%} {scan:7.1%}   {len(wrong)} of {len(rows)}")


@cache
def classifier() -> Classifier:
    return Classifier(
        [Category(name) for name in sorted({d.category for d in written_documents()} - {NONE})],
        EngineOptions(threads=1),
    )


@cache
def as_text(number: int) -> ClassificationResult:
    return classifier().classify_document(as_document(list(written_documents())[number]))


def _classify(task: tuple[int, str]) -> ClassificationResult:
    number, degradation = task
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan")
        path.write_bytes(scan_of(list(written_documents())[number], degradation, number))
        return classifier().classify(path, name=f"{number} {degradation}")


def scan_of(document: Written, degradation: str, seed: int) -> bytes:
    """Return the document as an image file. The same seed gives the same bytes."""
    image = DEGRADATIONS[degradation](drawn(document, seed), np.random.default_rng(seed))
    file = io.BytesIO()
    if degradation in JPEG_QUALITY:
        Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY[degradation])
    else:
        Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawn(document: Written, number: int) -> Pixels:
    """Return the document in black on white, as a greyscale image."""
    width, height = SIZES[document.shape]
    is_latin = all(
        character < "\u0370" or "\u2000" <= character < "\u2100" for line in document.lines for character in line
    )
    font = pymupdf.Font(LATIN_FONTS[number % len(LATIN_FONTS)] if is_latin else FALLBACK_FONT)
    usual, margin = TEXT_SIZE.get(document.shape, 10.5), 0.09 * width
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=width, height=height)
        writer = pymupdf.TextWriter(page.rect)
        rows = [
            (row, usual * (1.8 if line in document.large else 1.0))
            for line in document.lines
            for row in wrapped(line, font, usual * (1.8 if line in document.large else 1.0), width - 2 * margin)
        ]
        needed = sum(1.5 * size for _, size in rows)
        squeeze = min(1.0, (height - 2 * margin) / needed)
        y = margin
        for row, size in rows:
            y += 1.5 * size * squeeze
            writer.append((margin, y), row, font=font, fontsize=size * squeeze)
        writer.write_text(page)
        pixels = page.get_pixmap(dpi=DPI.get(document.shape, 200), colorspace=pymupdf.csGRAY)
        return np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.width)


def wrapped(line: str, font: pymupdf.Font, size: float, width: float) -> Iterator[str]:
    """Yield the rows of a line that is wrapped at ``width``."""
    row = ""
    for word in line.split(" ") if " " in line else line:
        longer = f"{row} {word}" if row and " " in line else row + word
        if row and font.text_length(longer, size) > width:
            yield row
            longer = word
        row = longer
    yield row


if __name__ == "__main__":
    main()
