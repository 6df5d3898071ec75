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
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.written import NONE, Written, as_document, written_documents

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

Pixels = NDArray[np.uint8]


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


def clean(page: Pixels, random: np.random.Generator) -> Pixels:
    return page


def skewed(page: Pixels, random: np.random.Generator) -> Pixels:
    """Turn the page by 3 to 5 degrees, like a sheet that lies askew on the scanner."""
    return turned(page, random.choice([-1, 1]) * random.uniform(3, 5))


def photocopy(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return a copy of a copy, with letters that run together, dust and a dark edge."""
    blurred = cv2.GaussianBlur(turned(page, random.uniform(-1, 1)), (0, 0), scale_of(page) * 1.6)
    copy = np.where(blurred < 205, 20, 250).astype(np.uint8)
    copy[:, : int(0.02 * page.shape[1])] = 30
    return speckled(copy, random, 0.002)


def fax(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page in black and white at about 100 dots per inch, with some lost lines."""
    height, width = page.shape
    small = reduced(turned(page, random.uniform(-1, 1)), 1100)
    bits = np.where(small < 170, 0, 255).astype(np.uint8)
    bits[random.integers(0, len(bits), 3)] = 255
    return speckled(cv2.resize(bits, (width, height), interpolation=cv2.INTER_NEAREST), random, 0.001)


def low_resolution(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page at 65 dots per inch. It becomes a JPEG of low quality; see ``JPEG_QUALITY``."""
    return reduced(page, 760)


def faded(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page in pale print on grey paper, out of focus."""
    pale = 140 + 0.3 * cv2.GaussianBlur(page, (0, 0), scale_of(page) * 1.8).astype(np.float32)
    return np.clip(pale + random.normal(0, 7, page.shape), 0, 255).astype(np.uint8)


def photograph(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return a phone's photograph: from an angle, on a dark table, with a shadow and noise."""
    height, width = page.shape
    edge = int(0.08 * max(height, width))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + edge + random.uniform(-0.6, 0.6, (4, 2)).astype(np.float32) * edge
    transform = cv2.getPerspectiveTransform(corners, seen)
    size = (width + 2 * edge, height + 2 * edge)
    table = cv2.warpPerspective(page, transform, size, borderMode=cv2.BORDER_CONSTANT, borderValue=60)
    shadow = np.linspace(1.0, 0.35, size[0], dtype=np.float32)[None] * np.linspace(0.9, 0.7, size[1])[:, None]
    noisy = cv2.GaussianBlur(table, (0, 0), scale_of(page) * 1.8) * shadow + random.normal(0, 8, table.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


DEGRADATIONS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "clean": clean,
    "skewed": skewed,
    "photocopy": photocopy,
    "fax": fax,
    "low resolution": low_resolution,
    "faded": faded,
    "photograph": photograph,
}
JPEG_QUALITY = {"low resolution": 25, "photograph": 60}


def scale_of(page: Pixels) -> float:
    """Return the page's longer side divided by that of A4 at 200 dots per inch."""
    return max(page.shape) / 2339


def reduced(page: Pixels, side: int) -> Pixels:
    scale = min(1.0, side / max(page.shape))
    return cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


def turned(page: Pixels, degrees: float) -> Pixels:
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(page, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=255).astype(
        np.uint8
    )


def speckled(page: Pixels, random: np.random.Generator, share: float) -> Pixels:
    """Return the page with specks of two by two dots."""
    specks = random.random((page.shape[0] // 2, page.shape[1] // 2)) < share
    spread = cv2.resize(specks.astype(np.uint8), page.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(spread == 1, 0, page).astype(np.uint8)


if __name__ == "__main__":
    main()
