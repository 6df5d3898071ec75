"""
Read lines in scripts that the OCR models do not know, with the Tesseract that is part of MuPDF.

It needs only language data, for which distributions have packages (Debian: ``tesseract-ocr-rus``, ``tesseract-ocr-ara``
and others). Tesseract gets the detected lines below each other instead of the page. So it also reads crooked pages, and
titles that it would take for pictures, and it is faster. The models for other scripts read better, so Tesseract is used
only if there is no such model or it fails.

MuPDF cannot ask Tesseract for the script of a page. So a few lines are read with the data of all installed scripts
together. Tesseract takes the most probable reading of each word, and the script of most letters is that of the page.
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

from airflow_provider_classify.engine.freed_memory import is_out_of_memory
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.recognise_line import LINE_HEIGHT, RecognisedText
from airflow_provider_classify.engine.ocr.scripts import SCRIPTS, Script, script_of
from airflow_provider_classify.exceptions import LanguageDataNotUsable

#: The language whose data is used in addition to that of the scripts, so that Latin print is not taken for another
#: script.
_LATIN = "eng"
#: The most lines that decide the script, and the most pixels of their width.
_SAMPLED_LINES, _SAMPLED_WIDTH = 3, 700
#: Tesseract takes some short lines among long ones, such as headings, for pictures. At most this many of them are read
#: again, the most useful ones first. Each is read on a sheet of its own that shows it twice.
_RETRIED = 3
#: The percentile of a line's greys that is the grey of its paper.
_PAPER = 70
#: The white space around each line, in pixels.
_MARGIN = 16
#: The distance between the upper edges of two lines on the sheet, in pixels.
_ROW = LINE_HEIGHT + _MARGIN
#: An operator in MuPDF's page: a move by x and y, or a word as hexadecimal UTF-16, in one or several pieces.
_OPERATOR = re.compile(rb"(-?[\d.]+) (-?[\d.]+) Td|(<[0-9a-f]*>Tj|\[[^\]]*\]TJ)")
_PIECE = re.compile(rb"<([0-9a-f]*)>")


def read_other_script(cuts: Sequence[Pixels | None]) -> list[RecognisedText] | None:
    """
    Read lines cut out of a page in a script that the OCR models do not know.

    :param cuts: the pictures of upright lines, ``LINE_HEIGHT`` pixels high; ``None`` for a line without picture.
    :returns: the text of each line; ``None`` if no data of their script is installed. All lines have the same
        probability, ``Script.sureness`` of their text, because MuPDF does not return that of Tesseract.
    :raises LanguageDataNotUsable: the language data is damaged.
    """
    script = _script(cuts)
    if script is None:
        return None
    languages = [language for language in script.languages if language in installed_languages()[1]]
    lines = _read(cuts, languages)
    for number in [n for n, cut in enumerate(cuts) if cut is not None and not lines[n]][:_RETRIED]:
        lines[number] = next(filter(None, _read([cuts[number], cuts[number]], languages)), "")
    if not script.has_spaces:
        lines = ["".join(line.split()) for line in lines]
    sureness = script.sureness(" ".join(lines), _room(cuts))
    return [RecognisedText(line, sureness) for line in lines] if sureness else None


@cache
def installed_languages() -> tuple[str | None, frozenset[str]]:
    """
    Return the folder of Tesseract's language data and the languages in it; ``None`` and no languages if it is missing.

    The environment variable ``TESSDATA_PREFIX`` names the folder, or else the program ``tesseract`` does.
    """
    try:
        folder = pymupdf.get_tessdata()
    except RuntimeError:  # MuPDF raises it if there is no folder
        return None, frozenset()
    return folder, frozenset(path.stem for path in Path(folder).glob("*.traineddata"))


def _script(cuts: Sequence[Pixels | None]) -> Script | None:
    """Return the script of lines, if Tesseract's data for it is installed."""
    _, installed = installed_languages()
    scripts = [script for script in SCRIPTS if not installed.isdisjoint(script.languages)]
    if not scripts:
        return None
    languages = [next(language for language in script.languages if language in installed) for script in scripts]
    sample = [cut[:, :_SAMPLED_WIDTH] for cut in cuts if cut is not None][:_SAMPLED_LINES]
    text = " ".join(_read(sample, [*languages, *installed & {_LATIN}]))
    return script_of(text, _room(sample), scripts)


def _room(cuts: Sequence[Pixels | None]) -> float:
    """Return the number of square letters that fit in the lines."""
    return sum(int(cut.shape[1]) for cut in cuts if cut is not None) / LINE_HEIGHT


def _read(cuts: Sequence[Pixels | None], languages: Sequence[str]) -> list[str]:
    """Return the text of each line."""
    sheet, (folder, _) = _stacked(cuts), installed_languages()
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
        zoom = height / page.rect.height
        rows: dict[int, list[str]] = defaultdict(list)
        for y, word in _words(page):
            rows[int((height - y * zoom - _MARGIN / 2) / _ROW)].append(word)
    return [" ".join(rows[row]) for row in range(len(cuts))]


def _stacked(cuts: Sequence[Pixels | None]) -> Pixels:
    """
    Return all lines on one white sheet, one line per row.

    The paper of each line becomes white, because Tesseract would take the grey paper of a photograph for ink.
    """
    width = max((cut.shape[1] for cut in cuts if cut is not None), default=0)
    sheet = np.full((len(cuts) * _ROW + _MARGIN, width + 2 * _MARGIN, 3), 255, np.uint8)
    for row, cut in enumerate(cuts):
        if cut is not None:
            top = _MARGIN + row * _ROW
            whitened = cv2.convertScaleAbs(cut, alpha=255 / max(1.0, np.percentile(cut, _PAPER)))
            sheet[top : top + LINE_HEIGHT, _MARGIN : _MARGIN + cut.shape[1]] = whitened
    return sheet


def _words(page: Any) -> Iterator[tuple[float, str]]:
    """
    Yield the words of Tesseract in the order of reading, each with the height of its baseline above the page's bottom.

    Each of the page's own operators has a whole word, even if it runs from right to left. MuPDF's text extraction would
    order words from left to right, and join or split them by the gaps between their characters.
    """
    y = 0.0
    for _, down, word in _OPERATOR.findall(page.read_contents()):
        if word:
            yield y, bytes.fromhex("".join(piece.decode() for piece in _PIECE.findall(word))).decode("utf-16-be")
        else:
            y += float(down)
