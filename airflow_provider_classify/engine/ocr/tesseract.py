"""
Read lines in Cyrillic, which the OCR models do not know, with the Tesseract that is part of MuPDF.

It needs only language data, which distributions package (Debian: ``tesseract-ocr-rus`` and the like). Tesseract gets
the detected lines below each other instead of the page. So it also reads crooked pages and titles that it would treat
as pictures, and it is faster. The models read other scripts better, so Tesseract is used only where they fail.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pymupdf

from airflow_provider_classify.engine.memory import is_out_of_memory
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.recognise_line import LINE_HEIGHT, RecognisedText
from airflow_provider_classify.exceptions import LanguageDataNotUsable

#: Tesseract's names of the languages in Cyrillic letters. It splits words of Korean, Hindi and Thai into pieces.
LANGUAGES = frozenset({"rus", "ukr", "bel", "bul", "mkd", "srp", "kaz", "kir", "mon"})
#: The percentile of a line's greys that is the grey of its paper.
_PAPER = 70
#: White around each line, in pixels.
_MARGIN = 16
#: Characters of a word are at most this far from one another, in points: an error of rounding.
_GAP = 0.5
_EDGES = ".,;:!?()[]\"'«»“”’‘-–—/*•"
_FEWEST_LETTERS = 3
#: The least share of a Cyrillic text's letters that are in words. Text of other scripts has a lower share.
_LEAST_IN_WORDS = 0.8
_CYRILLIC = re.compile("[\u0400-\u052f]")


def read_cyrillic(cuts: Sequence[Pixels | None]) -> list[RecognisedText] | None:
    """
    Read lines cut out of a page in the Cyrillic languages that are installed.

    :param cuts: lines upright and ``LINE_HEIGHT`` high.
    :returns: the text of each line; ``None`` if no language is installed, or the script is another one. All lines have
        the same probability, the share of their letters that are in likely words, because MuPDF does not give that of
        Tesseract.
    :raises LanguageDataNotUsable: the language data is damaged.
    """
    folder, languages = installed_languages()
    if not languages:
        return None
    lines = _read(_stacked(cuts), len(cuts), folder, languages)
    text = " ".join(lines)
    letters = sum(map(str.isalpha, text))
    sureness = letters_in_words(text) / max(1, letters)
    if sureness < _LEAST_IN_WORDS or len(_CYRILLIC.findall(text)) < letters / 2:
        return None
    return [RecognisedText(line, sureness) for line in lines]


def letters_in_words(text: str) -> int:
    """Return the number of letters in likely words: at least three letters, with capitals only first or throughout."""
    words = (word.strip(_EDGES).replace("-", "") for word in text.split())
    return sum(len(word) for word in words if len(word) >= _FEWEST_LETTERS and _is_word(word))


def _is_word(word: str) -> bool:
    return word.isalpha() and (word[1:] == word[1:].lower() or word == word.upper())


@cache
def installed_languages() -> tuple[str | None, tuple[str, ...]]:
    """
    Return the folder of Tesseract's language data and the languages in it that are used.

    The environment variable ``TESSDATA_PREFIX`` names the folder, or else the program ``tesseract``.
    """
    try:
        folder = pymupdf.get_tessdata()
    except RuntimeError:  # MuPDF raises it if there is no folder
        return None, ()
    return folder, tuple(sorted(LANGUAGES & {path.stem for path in Path(folder).glob("*.traineddata")}))


def _stacked(cuts: Sequence[Pixels | None]) -> Pixels:
    """
    Return all lines on one sheet with white paper, one line per row. Tesseract would treat the grey of photographs as
    ink.
    """
    width = max((cut.shape[1] for cut in cuts if cut is not None), default=0)
    sheet = np.full((len(cuts) * (LINE_HEIGHT + _MARGIN) + _MARGIN, width + 2 * _MARGIN, 3), 255, np.uint8)
    for row, cut in enumerate(cuts):
        if cut is not None:
            top = _MARGIN + row * (LINE_HEIGHT + _MARGIN)
            whitened = cv2.convertScaleAbs(cut, alpha=255 / max(1.0, np.percentile(cut, _PAPER)))
            sheet[top : top + LINE_HEIGHT, _MARGIN : _MARGIN + cut.shape[1]] = whitened
    return sheet


def _read(sheet: Pixels, rows: int, folder: str | None, languages: Sequence[str]) -> list[str]:
    """Return the text of each row of the sheet."""
    height, width = sheet.shape[:2]
    pixmap = pymupdf.Pixmap(pymupdf.csRGB, width, height, sheet[:, :, ::-1].tobytes(), False)
    try:
        pdf = pixmap.pdfocr_tobytes(compress=False, language="+".join(languages), tessdata=folder)
    except (RuntimeError, pymupdf.mupdf.FzErrorBase) as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise LanguageDataNotUsable(
            f"Tesseract cannot use its data of {', '.join(languages)} in {folder!r}; install it again, or remove it."
        ) from error
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        page = document[0]
        row_height = (LINE_HEIGHT + _MARGIN) * page.rect.height / height
        words: dict[int, list[tuple[float, str]]] = defaultdict(list)
        for x, y, word in _words(page):
            words[int(y / row_height)].append((x, word))
    return [" ".join(word for _, word in sorted(words[row])) for row in range(rows)]


def _words(page: Any) -> Iterator[tuple[float, float, str]]:
    """
    Yield each word of Tesseract: the x at which it begins, the y of its middle, and its text.

    MuPDF puts the characters of a word beside each other without a gap. Its own ``get_text("words")`` would join words
    with a narrow space between them.
    """
    word, start, end, middle = "", 0.0, 0.0, 0.0
    for block in page.get_text("rawdict", flags=0)["blocks"]:
        for span in (span for line in block["lines"] for span in line["spans"]):
            for character in span["chars"]:
                x0, y0, x1, y1 = character["bbox"]
                if word and (character["c"].isspace() or abs(x0 - end) > _GAP):
                    yield start, middle, word
                    word = ""
                if not word:
                    start, middle = x0, (y0 + y1) / 2
                word += character["c"].strip()
                end = x1
    if word:
        yield start, middle, word
